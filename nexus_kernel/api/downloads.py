"""Files that are made while they are sent."""

from collections.abc import Iterator

from flask import Flask, Response, current_app


def download(pieces: Iterator[bytes], filename: str, content_type: str) -> Response:
    """An answer that is saved as a file. `filename` is ASCII without quotes. Nobody keeps a copy on the way.

    Each piece is made in a context of its own: a client that hangs up in between leaves none behind.
    """
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"}
    return Response(_in_context(pieces), 200, headers, content_type=content_type)


def _in_context(pieces: Iterator[bytes]) -> Iterator[bytes]:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def made() -> Iterator[bytes]:
        while True:
            with app.app_context():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    return made()
