"""`nexus catalog export`. Only the command line imports this."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TextColumn

from nexus_catalog.exporting.formats import encoded
from nexus_catalog.exporting.rows import export_columns, exported_rows
from nexus_catalog.importing.files import STANDARD, created, format_of
from nexus_kernel.spreadsheets import BOM


def export_file(
    file: Path | None, *, chosen: str | None, category: str | None, include_retired: bool, bom: bool
) -> None:
    """Write all products to the file, or to standard output. Raises ImportFault and CategoryNotFound."""
    path = file or STANDARD
    format = format_of(path, chosen)
    columns = export_columns(include_retired)
    text = TextColumn("{task.fields[bytes]:,} bytes")
    with created(path) as stream, Progress(text, console=Console(stderr=True)) as bar:
        task, written = bar.add_task("Export", total=None, bytes=0), 0
        if bom and format == "csv":
            stream.write(BOM)
        for piece in encoded(exported_rows(category, include_retired), format, columns):
            stream.write(piece)
            written += len(piece)
            bar.update(task, bytes=written)
