"""What passes itself off as a picture: refused by name, before it costs anything."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from nexus_kernel import Invalid
from nexus_kernel.media import Size
from nexus_kernel.media.images import render

SIZES = (Size("small", 16), Size("medium", 48), Size("large", 120))
RED = (255, 0, 0)
CHANGE = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255))


def rendered(data: bytes, sizes=SIZES, max_pixels: int = 1_000_000):
    return render(data, sizes, field="image", max_pixels=max_pixels)


def encoded(picture: Image.Image, kind: str = "JPEG", **options) -> bytes:
    body = BytesIO()
    picture.save(body, kind, **options)
    return body.getvalue()


def quarters(width: int = 80, height: int = 40) -> Image.Image:
    """White, with the top left quarter red."""
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    return picture


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG whose header promises this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(pixels)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_what_is_hidden_behind_a_picture_is_left_behind():
    page = b"<script>alert(1)</script>PK\x03\x04"
    for kind in ("JPEG", "PNG", "GIF"):
        made = rendered(encoded(quarters(), kind) + page)
        assert all(b"script" not in r.data and b"PK\x03\x04" not in r.data for r in made.values())


def test_a_page_that_begins_like_a_picture_is_refused():
    for head in (b"GIF89a/*", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\x10\0\0\0WEBPVP8 "):
        with pytest.raises(Invalid):
            rendered(head + b"*/=1;alert(1)//<svg onload=alert(1)>" * 20)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
        b"<html><body onload=alert(1)></html>",
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"PK\x03\x04" + b"\0" * 60,
        b"BM" + b"\0" * 60,
        b"II*\0" + b"\0" * 60,
    ],
)
def test_what_is_no_picture_is_refused_and_the_field_named(data: bytes):
    with pytest.raises(Invalid) as raised:
        rendered(data)
    assert [error.path for error in raised.value.errors] == ["image"]


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "TGA"])
def test_other_formats_are_refused(kind: str):
    with pytest.raises(Invalid):
        rendered(encoded(quarters(), kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_half_a_picture_is_refused(kind: str):
    noise = Image.effect_noise((300, 200), 90).convert("RGB")
    data = encoded(noise, kind)
    for part in (0.02, 0.5, 0.9):
        with pytest.raises(Invalid):
            rendered(data[: int(len(data) * part)])


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (0, 0)])
def test_a_picture_without_area_is_refused(size):
    with pytest.raises(Invalid):
        rendered(png_of(*size))


@pytest.mark.parametrize("size", [(1001, 1000), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1)])
def test_a_bomb_is_refused_by_its_header_alone(size):
    bomb = png_of(*size, pixels=b"\0" * 4_000_000)
    assert len(bomb) < 10_000
    with pytest.raises(Invalid):
        rendered(bomb)


def test_too_many_pixels_are_named_as_such():
    with pytest.raises(Invalid, match="more than 1 million pixels"):
        rendered(png_of(1001, 1000))


def test_compressed_text_that_explodes_is_refused():
    head, tail = encoded(quarters(), "PNG")[:33], encoded(quarters(), "PNG")[33:]
    bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 80_000_000))
    with pytest.raises(Invalid):
        rendered(head + bomb + tail)


@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
    ),
    rest=st.binary(max_size=20),
)
@settings(max_examples=150, deadline=None)
def test_damaged_pictures_are_shown_or_refused_and_nothing_else(kind: str, changes, rest: bytes):
    data = bytearray(encoded(quarters(24, 12), kind))
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        made = rendered(bytes(data) + rest)
    except Invalid as refusal:
        assert refusal.errors[0].path == "image"
    else:
        assert max(made["large"].width, made["large"].height) <= 120
