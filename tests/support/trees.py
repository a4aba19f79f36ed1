"""Small trees of pictures, and what a layout's reader makes of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from train.data.readers import factory
from train.data.readers.base import Options
from train.data.records import Record


def read_records(
    layout: str, source: Path, splits: Sequence[str] = (), attribute: str = "Male"
) -> list[Record]:
    options = Options(tuple(splits), attribute)
    return factory.read_records(layout, source, options, scratch=source / "scratch").records


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 150, 120)).save(buffer, "PNG")
    return buffer.getvalue()


def write_tree(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(png())
