"""Prepared folders of drawn people, as ``train prepare`` makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from train.__main__ import main


def draw_people(
    folders: pytest.TempPathFactory, draw_portrait: Callable[..., Image.Image], count: int
) -> Path:
    """A folder of ``count`` people without hats, ``plain``, and as many with, ``hat``."""
    source = folders.mktemp("pictures")
    for kind in ("plain", "hat"):
        (source / kind).mkdir()
        for i in range(count):
            draw_portrait(i, kind).save(source / kind / f"{i:02d}.png")
    return source


def prepare_people(folders: pytest.TempPathFactory, source: Path) -> Path:
    """The prepared folder, a quarter of it held out."""
    out = folders.mktemp("prepared") / "hats"
    flags = ["--layout", "folder", "--valid-pct", "0.25", "--workers", "1"]
    assert main(["prepare", str(source), str(out), *flags]) == 0
    return out
