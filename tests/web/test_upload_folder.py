"""The folder for pictures: private, swept by age, gone at the end, orphans of others removed."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from pathlib import Path

import pytest

from gender_demo.web import upload_folder as uploads
from gender_demo.web.upload_folder import PREFIX, remove_orphans, sweep, upload_folder


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> Path:
    old = time.time() - uploads.SETTLED_S - 1
    os.utime(folder, (old, old))
    return folder


def test_it_is_private_and_gone_at_the_end(parent: Path) -> None:
    with upload_folder() as folder:
        assert folder.parent == parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert tempfile.gettempdir() == str(folder), "other temporary files land there too"
        (folder / "gradio").mkdir()
        (folder / "gradio" / "a.jpg").write_bytes(b"face")
    assert not list(parent.iterdir())
    assert tempfile.gettempdir() == str(parent)


def test_what_is_old_is_swept_and_what_is_new_stays(tmp_path: Path) -> None:
    (tmp_path / "upload").mkdir()
    (tmp_path / "upload" / "half").write_bytes(b"cut short")
    sweep(tmp_path, after_s=60)
    assert (tmp_path / "upload" / "half").exists()
    time.sleep(0.05)
    sweep(tmp_path, after_s=0.01)
    assert not (tmp_path / "upload" / "half").exists()
    time.sleep(0.05)
    sweep(tmp_path, after_s=0.01)
    assert not list(tmp_path.iterdir())


def test_sweeping_goes_on_by_itself(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SWEEP_EVERY_S", 0.02)
    monkeypatch.setattr(uploads, "SWEEP_AFTER_S", 0.01)
    with upload_folder() as folder:
        (folder / "a.jpg").write_bytes(b"face")
        deadline = time.monotonic() + 10
        while (folder / "a.jpg").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [path.name for path in folder.iterdir()] == [uploads.LOCK]


def test_a_killed_process_leaves_its_folder_to_the_next(parent: Path) -> None:
    orphan = parent / f"{PREFIX}dead"
    orphan.mkdir()
    (orphan / "a.jpg").write_bytes(b"face")
    remove_orphans(parent)
    assert orphan.exists(), "it may just have been made"
    aged(orphan)
    with upload_folder() as folder:
        assert not orphan.exists()
        aged(folder)
        remove_orphans(parent)
        assert folder.exists(), "its process lives"
