"""Bytes or a path -> an upright RGB picture; everything that can be wrong with a file ends here.

The limits hold before a pixel is decoded. Only the formats of FORMATS are tried, so that no
document or script format of Pillow's is ever reached.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import (  # importing a plugin is what registers its format
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageOps,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)
from pillow_heif import register_heif_opener

from gender_demo.errors import PictureError

MAX_BYTES = 50_000_000
MAX_PIXELS = 120_000_000

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF")
SUFFIXES = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".heic", ".heif", ".avif"),
    *(".gif", ".bmp", ".tif", ".tiff"),
)
"""File name endings that a folder is searched for; what a file is, its bytes decide."""

JPEG_END, JPEG_FILL = b"\xff\xd9", 128
TOP_DOWN = ("PNG", "TIFF")
"""Formats of which, row by row, is kept what was decoded before the end came too soon."""
MAX_MISSING = 0.25
"""A picture is read although its end is missing, up to this share of its rows."""
CUT_SHORT = "the file is cut short: the end of the picture may be missing"

VIDEO_START = re.compile(
    rb"....ftyp(iso|mp4|avc|qt  |M4V|3gp)|\x1a\x45\xdf\xa3|RIFF....AVI ", re.DOTALL
)
"""MP4 and MOV; Matroska and WebM; AVI."""
FLOAT_WHITES = (1.0, 255.0, 65535.0)
DEEP_WHITES = tuple(2.0**bits - 1 for bits in (8, 10, 12, 14, 16))
"""What stands for white in grey pictures of floats and of whole numbers: the first that is not
below their brightest part. Cameras and scanners keep 10, 12 or 14 bits in 16."""
SAMPLED = 1_000_000

BEHIND_TRANSPARENT = (255, 255, 255)

register_heif_opener()
# Pillow's own guard, at our limit; as an error, because a picture above it is never decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# What Pillow says of damage, with a line of its code, is said here in a sentence.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def open_picture(source: bytes | str | Path, name: str | None = None) -> Image.Image:
    """The first picture of ``source`` (a file's bytes or its path) as upright RGB.

    ``name`` is what messages call it. Raises PictureError for whatever is wrong with it.
    """
    return read_picture(source, name)[0]


def read_picture(
    source: bytes | str | Path, name: str | None = None
) -> tuple[Image.Image, str | None]:
    """``open_picture``, and a note where the end is missing: then it is grey or black."""
    if isinstance(source, bytes):
        data, name = source, clean_name(name or "The picture")
    else:
        name = clean_name(name or Path(source).name)
        data = _read(Path(source), name)
    if not data:
        raise PictureError(f"{name} is empty.")
    if len(data) > MAX_BYTES:
        raise PictureError(f"{name} is larger than {MAX_BYTES // 1_000_000} MB.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            try:
                picture.load()
            except OSError:
                return _without_end(picture, data), CUT_SHORT
            return _to_rgb(_upright(picture)), None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(
            f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels."
        ) from None
    except UnidentifiedImageError:
        raise PictureError(f"{name} {_what_it_is(data)}.") from None
    # Decoders raise nearly anything on a damaged file: struct.error, SyntaxError, IndexError ...
    except Exception:
        raise PictureError(
            f"{name} is damaged or cut short and cannot be read: copy or download it again."
        ) from None


def clean_name(name: str) -> str:
    """A file name fit for one line of text: no control characters, 80 characters at most."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    return name if len(name) <= 80 else f"{name[:50]}…{name[-29:]}"


def not_a_file(folder: Path, wanted: str) -> str:
    """What is wrong with a folder in place of what is ``wanted``."""
    if os.access(folder, os.R_OK | os.X_OK):
        return f"is a folder, not a {wanted}"
    return "may not be listed: look at its permissions"


def _read(path: Path, name: str) -> bytes:
    # os.path, unlike Path, takes names that are too long for what does not exist.
    if os.path.isdir(path):
        raise PictureError(f"{name} {not_a_file(path, 'picture')}.")
    if not os.path.isfile(path):
        special = "is a device or pipe: save the picture in a file"
        raise PictureError(f"{name} {special if os.path.exists(path) else 'does not exist'}.")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError:
        raise PictureError(f"{name} may not be read: look at its permissions.") from None


def _what_it_is(data: bytes) -> str:
    """What stands under a picture's name and is none."""
    start = data[:300].lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        return "stands for a picture in Git LFS: fetch it by git lfs pull"
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a web page, not a picture: download the picture itself"
    if VIDEO_START.match(data):
        return "is a video, not a picture: choose it as a video, or use the video command"
    return f"is not a picture of a known kind ({', '.join(FORMATS)})"


def _without_end(picture: Image.Image, data: bytes) -> Image.Image:
    """A picture whose decoder failed, upright RGB, where that was near its end; else OSError."""
    fill, first = {0}, picture
    if picture.format == "JPEG":  # its decoder goes on when it is told the end
        fill = {JPEG_FILL} if picture.mode in ("L", "RGB") else {JPEG_FILL - 1, JPEG_FILL}
        first = Image.open(io.BytesIO(data + JPEG_END), formats=["JPEG"])
        first.load()
    elif picture.format in TOP_DOWN and not picture.info.get("interlace"):
        picture.tile = []  # type: ignore[attr-defined] # what was decoded is all
    else:
        raise OSError
    rows = np.asarray(first)
    filled = np.asarray(np.isin(rows, list(fill)).reshape(len(rows), -1).all(1))
    missing = len(rows) if filled.all() else int(np.argmin(filled[::-1]))
    if missing > MAX_MISSING * len(rows):
        raise OSError
    return _to_rgb(_upright(first))


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # a damaged EXIF block is no reason to refuse the picture
        return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep_grey(picture)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        flat = Image.new("RGB", rgba.size, BEHIND_TRANSPARENT)
        flat.paste(rgba, mask=rgba.getchannel("A"))
        return flat
    return picture.convert("RGB")


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey, scaled to 8 bits (Pillow's own conversion clips instead)."""
    values = np.asarray(picture, dtype=np.float32)
    brightest, whites = float(values.max(initial=0)), DEEP_WHITES
    if picture.mode == "F":  # what shines may be brighter than white
        some = values.ravel()[:: 1 + values.size // SAMPLED]
        known = some[np.isfinite(some)]
        brightest, whites = float(np.quantile(known, 0.995)) if known.size else 0.0, FLOAT_WHITES
    white = next((top for top in whites if brightest <= top), brightest)
    grey = np.clip(np.nan_to_num(values, posinf=white) * (255 / white), 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")
