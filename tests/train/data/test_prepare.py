"""``train prepare`` on a folder with one of everything that goes wrong in real ones."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from train.__main__ import main
from train.data import prepare, shards
from train.data.faces import FaceFilter, cut_shard
from train.data.manifest import CROP_PX
from train.data.records import Record

Draw = Callable[..., Image.Image]
GOOD = 12
"""Usable faces of each class."""


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory, draw_portrait: Draw) -> Path:
    """Two classes of GOOD faces, and one of everything else under ``glasses``."""
    root = tmp_path_factory.mktemp("messy")
    plain, glasses = root / "Training" / "no_glasses", root / "Training" / "glasses"
    for folder, kind in ((plain, "plain"), (glasses, "glasses")):
        folder.mkdir(parents=True)
        for i in range(GOOD):
            draw_portrait(i, kind).save(folder / f"{i:02d}.png")
    draw_portrait(0, "glasses").save(glasses / "same_pixels.png")
    (glasses / "exact.png").write_bytes((glasses / "01.png").read_bytes())
    changed = ImageEnhance.Brightness(draw_portrait(2, "glasses")).enhance(1.1)
    changed.resize((136, 136)).save(glasses / "near.jpg", quality=80)
    for folder in (plain, glasses):
        draw_portrait(50).save(folder / "both.png")
    Image.new("RGB", (160, 160), (90, 140, 60)).save(glasses / "car.png")
    crowd = Image.new("RGB", (320, 160))
    for i in (0, 1):
        crowd.paste(draw_portrait(60 + i, "glasses"), (160 * i, 0))
    crowd.save(glasses / "crowd.png")
    draw_portrait(70, "glasses").filter(ImageFilter.GaussianBlur(5)).save(glasses / "blurred.png")
    draw_portrait(71, "glasses", (100, 100)).save(glasses / "small.png")
    (glasses / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (glasses / "notes.txt").write_text("hello")
    return root


def run(source: Path, out: Path, *flags: str) -> list[dict[str, Any]]:
    assert main(["prepare", str(source), str(out), "--layout", "folder", *flags]) == 0
    rows: list[dict[str, Any]] = pq.read_table(out / "manifest.parquet").to_pylist()
    return rows


def digest(folder: Path) -> str:
    every = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(p.read_bytes() + p.name.encode() for p in every)).hexdigest()


@pytest.fixture(scope="module")
def prepared(messy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "mine"
    before = digest(messy)
    run(messy, out, "--face", "reject", "--min-face-px", "54", "--workers", "1")
    assert digest(messy) == before
    return out


def test_everything_is_sorted_out(prepared: Path) -> None:
    rows = pq.read_table(prepared / "manifest.parquet").to_pylist()
    dropped = {row["path"].rpartition("/")[2]: row["reason"] for row in rows if row["row"] < 0}
    assert dropped.pop("small.png") == "small"
    assert dropped == {
        "same_pixels.png": "duplicate",
        "exact.png": "duplicate",
        "near.jpg": "near_duplicate",
        "both.png": "two_labels",
        "car.png": "no_face",
        "crowd.png": "several_faces",
        "blurred.png": "blurred",
        "broken.jpg": "unreadable",
    }
    copies = {row["path"]: row["copy_of"] for row in rows if row["copy_of"]}
    assert copies["Training/glasses/near.jpg"] == "Training/glasses/02.png"
    assert copies["Training/glasses/both.png"] == "Training/no_glasses/both.png"
    kept = [row for row in rows if row["row"] >= 0]
    assert Counter(row["label"] for row in kept) == {"glasses": GOOD, "no_glasses": GOOD}
    held = Counter(row["label"] for row in kept if row["split"] == "holdout")
    assert held == {"glasses": 2, "no_glasses": 2}
    crops = np.load(prepared / "crops.npy", mmap_mode="r")
    assert crops.shape == (2 * GOOD, CROP_PX, CROP_PX, 3)
    assert sorted(row["row"] for row in kept) == list(range(2 * GOOD))
    assert not (prepared / "shards").exists()


def test_report_shows_what_was_done(prepared: Path) -> None:
    page = (prepared / "report.html").read_text()
    assert f"{2 * GOOD} of {2 * GOOD + 10} pictures are used" in page
    assert "1 files are no pictures by their names" in page
    assert "The class glasses is thin" in page
    for words in ("too blurred", "several faces", "under another label", "nearly the same"):
        assert words in page
    sheets = sorted((prepared / "report").glob("*.jpg"))
    assert len(sheets) >= 8
    for path in sheets:
        assert f'src="report/{path.name}"' in page
        with Image.open(path) as sheet:
            assert sheet.width > 100


def test_largest_face_and_archive(messy: Path, prepared: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "messy.zip", "w") as packed:
        for path in sorted(messy.rglob("*.*")):
            packed.write(path, path.relative_to(messy))
    rows = run(tmp_path / "messy.zip", tmp_path / "out", "--min-face-px", "54", "--workers", "1")
    others = pq.read_table(prepared / "manifest.parquet").to_pylist()
    assert [row["path"] for row in rows] == [row["path"] for row in others]
    changed = {
        row["path"].rpartition("/")[2]: row["reason"]
        for row, other in zip(rows, others, strict=True)
        if row["reason"] != other["reason"]
    }
    assert changed == {"crowd.png": "face"}


def test_small_faces_are_left_out(messy: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as told:
        run(messy, tmp_path / "out", "--min-face-px", "200", "--workers", "1")
    assert "not enough usable faces" in str(told.value)
    assert "no_glasses (small 13)" in str(told.value).replace("no glasses", "no_glasses")
    assert not (tmp_path / "out").exists()


def test_copies_across_splits_leave_training(tmp_path: Path, draw_portrait: Draw) -> None:
    for split, start in (("train", 0), ("valid", 4), ("test", 8)):
        for kind in ("plain", "hat"):
            folder = tmp_path / "in" / split / kind
            folder.mkdir(parents=True)
            for i in range(start, start + 4):
                draw_portrait(i, kind).save(folder / f"{i}.png")
    draw_portrait(8, "hat").save(tmp_path / "in" / "train" / "hat" / "leak.jpg", quality=85)
    rows = run(tmp_path / "in", tmp_path / "out", "--workers", "1")
    (leak,) = [row for row in rows if row["reason"] == "other_split"]
    assert (leak["path"], leak["copy_of"]) == ("train/hat/leak.jpg", "test/hat/8.png")
    assert Counter(row["split"] for row in rows if row["row"] >= 0) == {
        "train": 8,
        "holdout": 8,
        "test": 8,
    }


def test_interrupted_it_goes_on(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ("--face", "reject", "--min-face-px", "54", "--workers", "1")
    monkeypatch.setattr(shards, "SHARD_SIZE", 8)
    unbroken = run(messy, tmp_path / "unbroken", *flags)
    cut, done = shards.write_file, list[Path]()  # type: ignore[attr-defined]

    def full_disk(path: Path, content: bytes) -> None:
        if len(done) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(path)
        cut(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_file", full_disk)
        with pytest.raises(SystemExit, match=r"disk of .* is full: make room and give the same"):
            run(messy, tmp_path / "out", *flags)
    assert not (tmp_path / "out" / "manifest.parquet").exists()
    times = [path.stat().st_mtime_ns for path in done]

    def unchanged(path: Path, content: bytes) -> None:
        cut(path, content)
        assert [path.stat().st_mtime_ns for path in done] == times

    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_file", unchanged)
        rows = run(messy, tmp_path / "out", *flags)
    assert rows == unbroken
    one, other = (tmp_path / name / "crops.npy" for name in ("out", "unbroken"))
    assert one.read_bytes() == other.read_bytes()


def test_groups_stay_together_and_are_warned_about(tmp_path: Path, draw_portrait: Draw) -> None:
    lines = ["path,label,identity,light"]
    for kind in ("plain", "glasses"):
        for i in range(10):
            draw_portrait(i, kind).save(tmp_path / f"{kind}{i}.png")
            light = "day" if kind == "plain" or i == 0 else "night"
            lines.append(f"{kind}{i}.png,{kind},person{kind}{i // 2},{light}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    out = tmp_path / "out"
    flags = ["--layout", "csv", "--workers", "1"]
    assert main(["prepare", str(tmp_path / "labels.csv"), str(out), *flags]) == 0
    rows = pq.read_table(out / "manifest.parquet").to_pylist()
    sides: dict[str, set[str]] = {}
    for row in rows:
        sides.setdefault(row["group"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in sides.values())
    held = Counter(row["label"] for row in rows if row["split"] == "holdout")
    assert held == {"plain": 2, "glasses": 2}
    page = (out / "report.html").read_text()
    assert "Faces used, by class and light" in page
    assert "The group light night is thin" in page
    assert json.loads((out / "prepared.json").read_text())["labels"] == ["label"]


def test_no_room_is_told_before_work(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "free_bytes", lambda _: 1000)
    with pytest.raises(SystemExit, match=r"34 crops need 0\.0 GB .* make room"):
        run(messy, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_picture_in_many_bytes(draw_portrait: Draw, tmp_path: Path) -> None:
    """A picture larger than the searched size is cropped from its own pixels."""
    large = draw_portrait(3, "plain", (900, 700))
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", quality=95)
    (row,) = cut_shard([Record("a.jpg", buffer.getvalue(), {"label": "x"})], FaceFilter()).rows
    assert row.reason == "face"
    assert row.face_px is not None
    assert row.face_px > 250


def test_sensitive_labels_need_a_flag_from_prepare_and_from_fit(
    tmp_path: Path, draw_portrait: Draw
) -> None:
    for label, kind in (("calm", "plain"), ("angry", "hat")):
        (tmp_path / "in" / label).mkdir(parents=True)
        for i in range(4):
            draw_portrait(i, kind).save(tmp_path / "in" / label / f"{i}.png")
    out, allow = tmp_path / "out", "--allow-sensitive-labels"
    with pytest.raises(SystemExit, match="The labels angry, calm sort people by emotions, which"):
        run(tmp_path / "in", out, "--workers", "1")
    assert not out.exists()
    assert len(run(tmp_path / "in", out, "--workers", "1", allow)) == 8
    fit = ["fit", str(out), "--out", str(tmp_path / "run"), "--from", "none", "--plan", "1@32"]
    with pytest.raises(SystemExit, match="The labels angry, calm sort people by emotions, which"):
        main(fit)
    assert main([*fit, "--batch", "2", "--warmup", "1", "--device", "cpu", allow]) == 0


def test_what_is_said_of_strange_names_moves_no_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("man/a.png", "man/\x1b[2J\u202e.txt", "woman\n\x1b[31m/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SystemExit) as ended:
        main(["prepare", str(tmp_path), str(tmp_path / "out"), "--layout", "folder"])
    said = str(ended.value.code) + capsys.readouterr().out
    assert "\\x1b[31m" in said
    assert "\x1b" not in said
    assert "\n" not in str(ended.value.code)
