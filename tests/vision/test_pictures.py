"""Every kind of file becomes an upright RGB picture or one sentence that names it."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from gender_demo.errors import PictureError
from gender_demo.vision import pictures
from gender_demo.vision.pictures import CUT_SHORT, open_picture, read_picture
from tests.support.paths import ROOT

LEFT, RIGHT = (200, 40, 30), (20, 60, 180)


def halves(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Left half reddish, right half bluish, so that a turn shows."""
    picture = Image.new("RGB", size, LEFT)
    picture.paste(RIGHT, (size[0] // 2, 0, *size))
    return picture


def encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def near(picture: Image.Image, at: tuple[int, int], color: tuple[int, int, int]) -> bool:
    pixel = picture.getpixel(at)
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= 25 for a, b in zip(pixel, color, strict=True))


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF", "MPO"]
)
def test_formats(kind: str) -> None:
    picture = open_picture(encode(halves(), kind))
    assert (picture.mode, picture.size) == ("RGB", (64, 48))
    assert near(picture, (8, 24), LEFT)
    assert near(picture, (56, 24), RIGHT)


def test_a_path_and_its_bytes_give_the_same(astronaut_path: Path) -> None:
    by_path, by_bytes = open_picture(astronaut_path), open_picture(astronaut_path.read_bytes())
    assert by_path.tobytes() == by_bytes.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turn(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = open_picture(encode(halves(), "JPEG", exif=exif, quality=95))
    left_is_at = {1: "w", 2: "e", 3: "e", 4: "w", 5: "n", 6: "n", 7: "s", 8: "s"}[orientation]
    assert upright.size == ((64, 48) if orientation < 5 else (48, 64))
    wide, high = upright.size
    west_or_north = {"w": (6, high // 2), "n": (wide // 2, 6)}
    east_or_south = {"e": (wide - 6, high // 2), "s": (wide // 2, high - 6)}
    assert near(upright, (west_or_north | east_or_south)[left_is_at], LEFT)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_modes_keep_light_and_dark_apart(mode: str) -> None:
    grey = Image.new("L", (40, 20), 20)
    grey.paste(235, (20, 0, 40, 20))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257)
    elif mode == "P":
        picture = grey.convert("RGB").quantize(4)
    else:
        picture = (grey if mode in ("1", "L", "LA") else grey.convert("RGB")).convert(mode)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    opened = open_picture(encode(picture, kind))
    assert opened.mode == "RGB"
    assert near(opened, (5, 10), (20, 20, 20))
    assert near(opened, (35, 10), (235, 235, 235))


def test_transparent_becomes_white() -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert open_picture(encode(clear, "PNG")).getpixel((9, 9)) == (255, 255, 255)
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([9, 9, 9, 200, 200, 200])
    data = encode(palette, "PNG", transparency=0)
    assert open_picture(data).getpixel((9, 9)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animated_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (32, 32), color) for color in (LEFT, RIGHT, RIGHT)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=40)
    assert near(open_picture(data), (16, 16), LEFT)


def test_fifty_megapixels() -> None:
    data = encode(Image.new("L", (8660, 5774), 90), "JPEG", quality=50)
    assert open_picture(data).size == (8660, 5774)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(20_000, 20_000), (60_000, 60_000), (12_000, 10_001)])
def test_too_many_pixels_is_said_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=r"^big\.png has more than 120 million pixels\.$"):
        open_picture(png_header(*size), "big.png")


def test_too_many_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 2_000_000)
    file = tmp_path / "heavy.jpg"
    file.write_bytes(bytes(2_000_001))
    with pytest.raises(PictureError, match=r"^heavy\.jpg is larger than 2 MB\.$"):
        open_picture(file)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_truncated_is_an_error_not_a_half_grey_picture(kind: str, astronaut: Image.Image) -> None:
    data = encode(astronaut, kind)
    with pytest.raises(PictureError, match=r"^cut\.x is (damaged or cut short|not a picture)"):
        open_picture(data[: len(data) // 2], "cut.x")


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("lost", [1, 2, 3, 40, 400])
def test_a_jpeg_that_lacks_its_end_is_read_with_a_note(
    lost: int, mode: str, progressive: bool, astronaut: Image.Image
) -> None:
    data = encode(astronaut.convert(mode), "JPEG", progressive=progressive)
    picture, note = read_picture(data[:-lost])
    assert note == CUT_SHORT
    whole = open_picture(data)
    assert (picture.mode, picture.size) == ("RGB", astronaut.size)
    upper = (0, 0, whole.width, whole.height * 3 // 4)
    apart = ImageChops.difference(picture.crop(upper), whole.crop(upper))
    assert np.asarray(apart).mean() < 2
    assert read_picture(data)[1] is None


@pytest.mark.parametrize(
    ("kind", "mode", "kept"),
    [("PNG", "RGB", 0.9), ("PNG", "RGBA", 0.97), ("PNG", "P", 0.95), ("PNG", "I;16", 0.85),
     ("TIFF", "RGB", 0.8), ("TIFF", "L", 0.99), ("JPEG", "CMYK", 0.9), ("PNG", "RGB", 0.4),
     ("TIFF", "RGB", 0.6), ("JPEG", "CMYK", 0.5), ("GIF", "P", 0.9), ("WEBP", "RGB", 0.9)],
)  # fmt: skip
def test_other_kinds_that_lack_their_end(
    kind: str, mode: str, kept: float, astronaut: Image.Image
) -> None:
    deep = Image.fromarray(np.asarray(astronaut.convert("L"), np.uint16) * 257)
    data = encode(deep if mode == "I;16" else astronaut.convert(mode), kind)
    some = data[: round(kept * len(data))]
    if kept < 0.7 or kind in ("GIF", "WEBP"):  # nothing is shown of half a picture
        with pytest.raises(PictureError, match="cut short and cannot be read: copy or download"):
            open_picture(some)
        return
    picture, note = read_picture(some)
    assert (picture.mode, picture.size, note) == ("RGB", (512, 512), CUT_SHORT)
    upper = (0, 0, 512, 370)
    apart = ImageChops.difference(picture.crop(upper), open_picture(data).crop(upper))
    assert np.asarray(apart).mean() < 2


@pytest.mark.parametrize(
    ("kind", "orientation"), [("PNG", 6), ("WEBP", 3), ("TIFF", 8), ("HEIF", 6), ("HEIF", 2)]
)
def test_turned_in_other_kinds(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = open_picture(encode(halves(), kind, exif=exif.tobytes()))
    assert turned.size == ((64, 48) if orientation < 5 else (48, 64))
    first = {2: (56, 24), 3: (56, 24), 6: (24, 8), 8: (24, 56)}[orientation]
    assert near(turned, first, LEFT)


def test_of_a_jpeg_that_lacks_more_than_its_end_nothing_is_shown(astronaut: Image.Image) -> None:
    data = encode(astronaut, "JPEG")
    for kept in (0.03, 0.2, 0.5):
        with pytest.raises(PictureError, match="cut short"):
            read_picture(data[: round(kept * len(data))])


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.7\n",
        b"PK\x03\x04 zip",
        b"just words",
    ],
)
def test_other_kinds_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError, match=r"^it\.jpg is not a picture of a known kind"):
        open_picture(data, "it.jpg")


def test_pillows_own_warnings_reach_no_terminal(tmp_path: Path, astronaut: Image.Image) -> None:
    (tmp_path / "cut.tif").write_bytes(encode(astronaut, "TIFF", compression="tiff_lzw")[:2000])
    (tmp_path / "bad.tif").write_bytes(b"II*\0\x08\0\0\0\x05\0" + bytes(20))
    code = (
        "import sys, pathlib\nfrom gender_demo.vision.pictures import open_picture, PictureError\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try: open_picture(path)\n"
        "    except PictureError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.count(".tif") == 2
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n",
            "fetch it by git lfs pull",
        ),
        (b"\r\n<!DOCTYPE html><title>404</title>", "is a web page, not a picture: download"),
        (b"<HTML><body>", "is a web page, not a picture: download"),
        (b"data:image/jpeg;base64,/9j/", "not a picture of a known kind"),
        (b"HTTP/1.1 200 OK\r\n\r\n\xff\xd8", "not a picture of a known kind"),
        (bytes(5000), "not a picture of a known kind"),
        (bytes(4) + b"ftypisom" + bytes(90), "is a video, not a picture: choose it as a video"),
        (b"\x1a\x45\xdf\xa3" + bytes(90), "is a video, not a picture"),
        (b"RIFF\x01\x02\x03\x04AVI LIST", "is a video, not a picture"),
        (bytes(4) + b"ftypheic" + bytes(90), "not a picture of a known kind|is damaged"),
    ],
)
def test_what_people_save_under_a_pictures_name(data: bytes, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        open_picture(data, "it.jpg")


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(PictureError, match="is a device or pipe: save the picture in a file"):
            open_picture(path)


def test_sentences_about_paths(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    for path, sentence in {
        tmp_path / "gone.jpg": "gone.jpg does not exist.",
        tmp_path: f"{tmp_path.name} is a folder, not a picture.",
        tmp_path / "empty.jpg": "empty.jpg is empty.",
    }.items():
        with pytest.raises(PictureError) as caught:
            open_picture(path)
        assert str(caught.value) == sentence


def test_a_hostile_name_stays_one_short_line() -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(b"", "a\nb\x1b[31m\u202e" + "x" * 500 + ".jpg")
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 100


def test_random_damage_never_raises_anything_else(astronaut: Image.Image) -> None:
    random = np.random.default_rng(7)
    small = astronaut.resize((96, 96))
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"):
        data = np.frombuffer(encode(small, kind), np.uint8)
        for _ in range(40):
            broken = data.copy()
            broken[random.integers(0, len(data), 12)] = random.integers(0, 256, 12)
            with contextlib.suppress(PictureError):
                assert open_picture(broken.tobytes()).mode == "RGB"
