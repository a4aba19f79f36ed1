"""What systems leave among people's files is not theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gender_demo.cli.sources import find_files
from gender_demo.files.ignored import is_ignored


@pytest.mark.parametrize(
    "path",
    [
        "._a.jpg", "__MACOSX/a.jpg", "a/.ipynb_checkpoints/b.png", "@EaDir/a.jpg", "$Recycle.Bin/1",
        "#recycle/a", "lost+found", "x/System Volume Information/y", "THUMBS.DB",
        "ehthumbs_vista.db",
        "Icon\r", "~$list.csv", ".Spotlight-V100/a.jpg", "@tmp/a.jpg", "found.001/a.jpg",
        "Temporary Items/a.jpg", "FDD Thumbnails/a.jpg", "LOST.DIR/a.jpg", "MSOCache/a.jpg",
        "$WINDOWS.~BT/a.jpg", "~snapshot/a.jpg", "#snapshots/a", "Backups.backupdb/a",
        "aquota.user",
        "node_modules/a.png", "CVS/a.jpg", "OneDriveTemp/a.jpg", "Desktop DB", "$AV_ASW/a",
    ],
)  # fmt: skip
def test_ignored(path: str) -> None:
    assert is_ignored(path)


@pytest.mark.parametrize(
    "path",
    [
        "a.jpg", "./a.jpg", "../b/a.jpg", "recycle/a.jpg", "lost/a.jpg", "found/a.jpg", "tmp/a.jpg",
        "thumbs/a.jpg", "desktop/ini.jpg", "#1/a.jpg", "@home/a.jpg", "macosx/a.jpg", "~/a.jpg",
        "found.jpg", "$1.jpg", "snapshot/a.jpg", "desktop/a.jpg", "finder/a.jpg", "cvs.jpg",
    ],
)  # fmt: skip
def test_not_ignored(path: str) -> None:
    assert not is_ignored(path)


def test_predict_finds_none_of_it(tmp_path: Path) -> None:
    own = [tmp_path / ".hidden" / "album" / name for name in ("a.jpg", "b/c.png")]
    junk = ("._a.jpg", "__MACOSX/a.jpg", "b/.ipynb_checkpoints/c-checkpoint.png", "@eaDir/a.jpg",
            "b/#recycle/a.jpg", "$RECYCLE.BIN/a.jpg", ".Trashes/501/a.jpg")  # fmt: skip
    for path in (*own, *(tmp_path / ".hidden" / "album" / name for name in junk)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert list(find_files([str(tmp_path / ".hidden" / "album")])) == own
