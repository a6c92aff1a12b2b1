"""Pictures from strangers: decoded, bounded, upright, and without anything but their pixels."""

from io import BytesIO

import pytest
from PIL import Image, ImageCms, ImageDraw

from nexus_kernel import Unavailable
from nexus_kernel.media import Size, images
from nexus_kernel.media.images import render
from nexus_kernel.testing import in_threads

SIZES = (Size("small", 16), Size("medium", 48), Size("large", 120))
SQUARES = (Size("small", 8, square=True), Size("large", 32, square=True))
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def rendered(data: bytes, sizes=SIZES, max_pixels: int = 1_000_000):
    return render(data, sizes, field="image", max_pixels=max_pixels)


def encoded(picture: Image.Image, kind: str = "JPEG", **options) -> bytes:
    body = BytesIO()
    picture.save(body, kind, **options)
    return body.getvalue()


def opened(rendition) -> Image.Image:
    return Image.open(BytesIO(rendition.data))


def quarters(width: int = 80, height: int = 40) -> Image.Image:
    """White, with the top left quarter red."""
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    return picture


def is_near(pixel, colour, tolerance: int = 40) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(pixel[:3], colour, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_becomes_webp_in_each_size(kind: str):
    made = rendered(encoded(quarters(400, 200), kind))
    assert {name: (r.width, r.height) for name, r in made.items()} == {
        "small": (16, 8),
        "medium": (48, 24),
        "large": (120, 60),
    }
    for rendition in made.values():
        picture = opened(rendition)
        assert (picture.format, picture.size) == ("WEBP", (rendition.width, rendition.height))
        assert is_near(picture.convert("RGB").getpixel((1, 1)), RED)


def test_nothing_is_made_larger_and_equal_sizes_share_a_file():
    made = rendered(encoded(quarters(40, 20), "PNG"))
    assert (made["large"].width, made["medium"].width, made["small"].width) == (40, 40, 16)
    assert made["large"] is made["medium"] is not made["small"]


def test_a_single_pixel_is_a_picture():
    assert rendered(encoded(Image.new("RGB", (1, 1), RED), "PNG"))["small"].width == 1


@pytest.mark.parametrize("size", [(400, 200), (200, 400), (100, 100)])
def test_a_square_is_cut_out_of_the_middle(size):
    picture = Image.new("RGB", size, GREEN)
    long = max(size)
    bars = ImageDraw.Draw(picture)
    bars.rectangle((0, 0, *(s // 8 if s == long and s != min(size) else s for s in size)), fill=RED)
    made = rendered(encoded(picture, "PNG"), SQUARES)
    assert [(made[name].width, made[name].height) for name in ("small", "large")] == [(8, 8), (32, 32)]
    if size[0] != size[1]:
        assert is_near(opened(made["large"]).convert("RGB").getpixel((2, 2)), GREEN)


def test_a_small_square_stays_as_small_as_its_short_side():
    made = rendered(encoded(quarters(90, 20), "PNG"), SQUARES)
    assert (made["large"].width, made["large"].height) == (20, 20)


def test_a_strip_of_one_pixel_is_a_picture():
    made = rendered(encoded(Image.new("RGB", (5000, 1), RED), "PNG"))
    assert (made["large"].width, made["large"].height) == (120, 1)
    assert rendered(encoded(Image.new("RGB", (5000, 1), RED), "PNG"), SQUARES)["large"].width == 1


@pytest.mark.parametrize(
    ("orientation", "red"),
    [(1, "lt"), (2, "rt"), (3, "rb"), (4, "lb"), (5, "lt"), (6, "rt"), (7, "rb"), (8, "lb")],
)
def test_a_picture_is_turned_upright(orientation: int, red: str):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = opened(rendered(encoded(quarters(400, 200), "JPEG", exif=exif))["large"]).convert("RGB")
    assert picture.size == ((120, 60) if orientation < 5 else (60, 120))
    x = 3 if "l" in red else picture.width - 4
    y = 3 if "t" in red else picture.height - 4
    assert is_near(picture.getpixel((x, y)), RED)
    assert is_near(picture.getpixel((picture.width - 1 - x, picture.height - 1 - y)), (255, 255, 255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_metadata_are_left_behind(kind: str):
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[2] = (9.0, 1.0, 48.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"exif": exif.tobytes(), "icc_profile": profile}
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Comment", "SECRET-COMMENT")
    else:
        options["xmp"] = b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>"
    data = encoded(quarters(), kind, **options)
    assert b"SECRET" in data
    for rendition in rendered(data).values():
        assert b"SECRET" not in rendition.data
        for chunk in (b"EXIF", b"XMP ", b"ICCP", b"Exif"):
            assert chunk not in rendition.data
        assert not opened(rendition).getexif()


def test_the_first_frame_of_an_animation_is_used():
    frames = [Image.new("RGB", (60, 30), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
        picture = opened(rendered(data)["large"])
        assert getattr(picture, "n_frames", 1) == 1
        assert is_near(picture.convert("RGB").getpixel((5, 5)), RED)


def test_transparency_stays():
    clear = Image.new("RGBA", (60, 30), (0, 0, 0, 0))
    ImageDraw.Draw(clear).rectangle((0, 0, 29, 29), fill=(255, 0, 0, 255))
    for data in (encoded(clear, "PNG"), encoded(clear, "WEBP"), encoded(clear, "GIF"),
                 encoded(clear.convert("LA"), "PNG")):  # fmt: skip
        picture = opened(rendered(data)["medium"]).convert("RGBA")
        assert picture.getpixel((40, 10))[3] < 10 and picture.getpixel((5, 10))[3] > 245


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("1", (60, 30), 1),
        Image.new("L", (60, 30), 255),
        Image.new("I;16", (60, 30), 65535),
        Image.new("P", (60, 30), 0),
    ],
    ids=lambda picture: picture.mode,
)
def test_pictures_of_every_depth_keep_their_brightness(picture: Image.Image):
    if picture.mode == "P":
        picture.putpalette([255, 255, 255] + [0, 0, 0] * 255)
    made = opened(rendered(encoded(picture, "PNG"))["large"]).convert("RGB")
    assert is_near(made.getpixel((5, 5)), (255, 255, 255))


def test_a_picture_for_print_becomes_one_for_screens():
    made = opened(rendered(encoded(Image.new("CMYK", (60, 30), (0, 0, 0, 0)), "JPEG"))["large"])
    assert made.mode == "RGB" and is_near(made.getpixel((5, 5)), (255, 255, 255))


def test_colours_of_another_profile_are_converted():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    for kind in ("PNG", "JPEG", "WEBP"):
        data = encoded(Image.new("RGB", (60, 30), (200, 30, 30)), kind, icc_profile=swapped)
        made = opened(rendered(data)["large"]).convert("RGB")
        assert is_near(made.getpixel((5, 5)), (30, 30, 200), 12)


def test_a_broken_profile_or_broken_metadata_do_not_break_the_picture():
    data = encoded(quarters(), "JPEG", icc_profile=b"\0" * 200, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert rendered(data)["large"].width == 80


def test_many_at_once_are_done_one_after_another():
    data = encoded(quarters(400, 200))
    made = in_threads([lambda: rendered(data)["large"].width for _ in range(8)])
    assert made == [120] * 8


def test_who_waits_too_long_for_others_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "_PATIENCE", 0.01)
    with images._turn(), pytest.raises(Unavailable) as raised:
        rendered(encoded(quarters()))
    assert raised.value.headers["Retry-After"]
    assert rendered(encoded(quarters()))["large"].width == 80
