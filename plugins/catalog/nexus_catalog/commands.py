"""`nexus catalog ...`."""

from pathlib import Path

import click


@click.group()
def catalog() -> None:
    """Products and stock."""


@catalog.command("recount-ratings")
def recount_ratings() -> None:
    """Make the ratings of products those of their published reviews, and say how many were wrong.

    The database keeps them by itself; this repairs what a restored or hand-made table has got wrong. Reviews
    can be written meanwhile.
    """
    from nexus_catalog.services.ratings import recount_ratings

    click.echo(f"{recount_ratings()} product(s) had wrong ratings.")


@catalog.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format", "chosen", type=click.Choice(["csv", "jsonl"]), help="By the file's suffix when left out."
)
@click.option("--currency", help="ISO 4217 code of the prices; NEXUS_CATALOG__CURRENCY when left out.")
@click.option("--dry-run", is_flag=True, help="Check every row and say what would happen; store nothing.")
@click.option(
    "--refused",
    type=click.Path(path_type=Path),
    help="Write refused rows to this file, to be mended.",
)
@click.option("--set-stock", is_flag=True, help="Set the stock of products that exist already, too.")
def import_products(
    file: Path,
    chosen: str | None,
    currency: str | None,
    dry_run: bool,
    refused: Path | None,
    set_stock: bool,
) -> None:
    """Create and change products from CSV or JSON Lines; FILE may end in .gz, or be - for standard input.

    Its columns are sku, title, description, category, price and stock, and optionally currency, slug, seller,
    product, options, images, image_alt and active. A category is a path such as "Home & Garden > Garden".
    Rows are told apart by their SKU, so a file can be imported again: what has not changed is left alone.
    Rows that are refused do not stop the others.
    """
    from nexus_catalog.importing.terminal import ImportFault, import_file

    try:
        import_file(
            file,
            chosen=chosen,
            currency=currency,
            dry_run=dry_run,
            refused=refused,
            set_stock=set_stock,
        )
    except ImportFault as fault:
        raise click.ClickException(str(fault)) from None


@catalog.command("export")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--format", "chosen", type=click.Choice(["csv", "jsonl"]), help="By the file's suffix when left out."
)
@click.option("--category", help="Only products of the category with this id or slug, or below it.")
@click.option("--include-retired", is_flag=True, help="Retired products, too, with a column that says so.")
@click.option("--bom", is_flag=True, help="Begin a CSV so that Excel takes it for UTF-8.")
def export_products(
    file: Path | None, chosen: str | None, category: str | None, include_retired: bool, bom: bool
) -> None:
    """Write all products to FILE, or to standard output, so that the import can read them.

    FILE may end in .csv or .jsonl, and in .gz.
    """
    from nexus_catalog.errors import CategoryNotFound
    from nexus_catalog.exporting.terminal import export_file
    from nexus_catalog.importing.records import ImportFault

    try:
        export_file(file, chosen=chosen, category=category, include_retired=include_retired, bom=bom)
    except (ImportFault, CategoryNotFound) as fault:
        raise click.ClickException(str(fault)) from None
