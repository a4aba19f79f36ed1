"""``train prepare`` on a folder with files that are no pictures in any usual sense, under names
that are no text: each is sorted out, none costs the others."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from gender_demo.vision.pictures import MAX_BYTES
from train.__main__ import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others take names of text only")


def test_names_that_are_no_text_and_files_without_end(
    tmp_path: Path, draw_portrait: Callable[..., Image.Image]
) -> None:
    source = Path(os.fsdecode(bytes(tmp_path) + b"/set \xff\n"))
    man, woman = source / "man", Path(os.fsdecode(bytes(source) + b"/fr\xe4u"))
    for folder, kind in ((man, "plain"), (woman, "hat")):
        folder.mkdir(parents=True)
        for i in range(4):
            name = os.fsdecode(b"\x1b[31m\n\xfc%d.png" % i)
            draw_portrait(i, kind).save(folder / name)
    os.mkfifo(man / "pipe.png")
    (man / "gone.png").symlink_to("nowhere")
    with (man / "sparse.png").open("wb") as file:
        file.truncate(200 * MAX_BYTES)
    for i, size in enumerate(((1, 1), (20_000, 1), (1, 20_000))):
        Image.new("RGB", size).save(man / f"line{i}.png")

    out = tmp_path / "out"
    flags = ["--layout", "folder", "--workers", "1"]
    assert main(["prepare", str(source), str(out), *flags]) == 0
    rows = pq.read_table(out / "manifest.parquet").to_pylist()
    reasons = {"face": 8, "unreadable": 3, "no_face": 3}
    assert Counter(row["reason"] for row in rows) == reasons
    assert {row["label"] for row in rows} == {"man", "fr\\udce4u"}
    assert "set \\udcff" in (out / "report.html").read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="is no name in UTF-8: choose another folder"):
        main(["prepare", str(source), str(source / "out"), *flags])
