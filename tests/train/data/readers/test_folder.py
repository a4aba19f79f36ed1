"""Class folders, whatever stands around them."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from gender_demo.errors import LayoutError, PictureError
from tests.support.trees import png, read_records, write_tree
from train.data.readers import factory


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["man/a.png", "woman/b.PNG", "woman/deep/er/c.jpg"], {"train man": 1, "train woman": 2}),
        (
            ["Training/male/a.png", "Training/female/b.png", "Validation/Male/c.png",
             "Validation/female/d.png"],
            {"train male": 1, "train female": 1, "holdout male": 1, "holdout female": 1},
        ),
        (
            ["faces/Male Faces/a.png", "faces/Female Faces/b.png"],
            {"train Male Faces": 1, "train Female Faces": 1},
        ),
        (
            ["x/train/here/glasses/a.png", "x/train/here/no_glasses/b.png",
             "x/test/here/glasses/c.png", "x/test/here/no_glasses/d.png"],
            {"train glasses": 1, "train no_glasses": 1, "test glasses": 1, "test no_glasses": 1},
        ),
        (
            ["site1/hat/a.png", "site1/plain/b.png", "site2/hat/c.png", "site2/plain/d.png"],
            {"train hat": 2, "train plain": 2},
        ),
        (["a/1.png", "b/2.png", "c/3.png"], {"train a": 1, "train b": 1, "train c": 1}),
        (["valid/1.png", "invalid/2.png"], {"train valid": 1, "train invalid": 1}),
        (["test/1.png", "control/2.png"], {"train test": 1, "train control": 1}),
        (["set/Training/1.png", "set/rest/2.png"], {"train Training": 1, "train rest": 1}),
        (["dev/1.png", "manager/2.png", "test/3.png"],
         {"train dev": 1, "train manager": 1, "train test": 1}),
        (["holdout/a/1.png", "placebo/b/2.png"], {"train holdout": 1, "train placebo": 1}),
        (["train/eval/1.png", "train/fun/2.png", "test/eval/3.png", "test/fun/4.png"],
         {"train eval": 1, "train fun": 1, "test eval": 1, "test fun": 1}),
        (["train/hat/1.png", "train/plain/2.png", "test/3.png", "test/4.png"],
         {"train hat": 1, "train plain": 1}),
        (["hat/train/1.png", "hat/val/2.png", "plain/train/3.png", "plain/val/4.png"],
         {"train hat": 1, "holdout hat": 1, "train plain": 1, "holdout plain": 1}),
    ],
)  # fmt: skip
def test_folder(tmp_path: Path, names: list[str], found: dict[str, int]) -> None:
    write_tree(tmp_path, *names)
    records = read_records("folder", tmp_path)
    assert Counter(f"{record.split} {record.label}" for record in records) == found


def test_folder_tells_what_it_left_out(tmp_path: Path) -> None:
    write_tree(tmp_path, "man/a.png", "woman/b.png", "stray.png", "man/notes.txt", ".DS_Store")
    notes = factory.read_records("folder", tmp_path, scratch=tmp_path).notes
    assert notes == [
        "Read as 2 classes: man 1, woman 1 (train 2)",
        "1 pictures lie beside the class folders and were left out (first: stray.png)",
        "1 files are no pictures by their names and were left out (first: man/notes.txt)",
    ]


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["valid/1.png", "invalid/2.png"], "`valid` has no class folders, so it is a class"),
        (
            ["Test/a/1.png", "control/b/2.png"],
            "`Test` stands beside folders that are no splits, so it is a class",
        ),
        (
            ["train/a/1.png", "train/b/2.png", "testing/3.png"],
            "`testing` has no class folders, so it is not read",
        ),
    ],
)
def test_folder_tells_what_it_took_for_what(tmp_path: Path, names: list[str], note: str) -> None:
    write_tree(tmp_path, *names)
    assert note in factory.read_records("folder", tmp_path, scratch=tmp_path / "s").notes


JUNK = (
    "@eaDir/a.png", "man/@eaDir/SYNOFILE_THUMB_M.png", "$RECYCLE.BIN/x/a.png", "#recycle/a.png",
    "lost+found/a.png", "System Volume Information/a.png", "__MACOSX/man/._a.png", "man/._a.png",
    ".ipynb_checkpoints/a.png", "woman/.ipynb_checkpoints/b.png", "man/Thumbs.db",
    "@Recycle/a.png", "#snapshot/daily/a.png", "RECYCLER/S-1-5/a.png", "FOUND.000/a.png",
    "__pycache__/a.png", ".Trash-1000/files/a.png", ".AppleDouble/a.png", "lost+found/b/a.png",
    "Network Trash Folder/a.png", "@Recently-Snapshot/a.png", "woman/desktop.ini",
    "man/.picasa.ini",
)  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
def test_what_systems_leave_is_no_class(tmp_path: Path, packed: bool) -> None:
    own = ("man/a.png", "woman/b.png", "woman/thumb.png")
    source = tmp_path / "in"
    if packed:
        with zipfile.ZipFile(source.with_suffix(".zip"), "w") as archive:
            for name in (*own, *JUNK):
                archive.writestr(name, png())
        source = source.with_suffix(".zip")
    else:
        write_tree(source, *own, *JUNK)
    reading = factory.read_records("folder", source, scratch=tmp_path / "s")
    assert [record.path for record in reading.records] == list(own)
    assert reading.notes == ["Read as 2 classes: man 1, woman 2 (train 3)"]


def test_class_folders_may_be_links(tmp_path: Path) -> None:
    write_tree(tmp_path / "far", "a/1.png", "a/deep/2.png", "b/3.png")
    source = tmp_path / "in"
    (source / "train").mkdir(parents=True)
    for name, target in (("hat", "a"), ("plain", "b"), ("too", "b")):
        (source / "train" / name).symlink_to(tmp_path / "far" / target)
    (source / "train" / "plain.png").symlink_to(tmp_path / "far" / "b" / "3.png")
    (source / "train" / "round").symlink_to(source)
    (tmp_path / "far" / "a" / "round").symlink_to(source / "train")
    (tmp_path / "far" / "b" / "self").symlink_to(tmp_path / "far" / "b")
    (source / "gone").symlink_to(tmp_path / "nothing")
    records = read_records("folder", source)
    assert [record.path for record in records] == [
        "train/hat/1.png", "train/hat/deep/2.png", "train/plain/3.png", "train/too/3.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["man/a.png", "woman/"], r"1 class folders .* hold no pictures: woman \(all: man 1, wom"),
        (
            ["man/a.png", "man/b.png"],
            r"1 class folders \(man 2\) were found for train: two or more",
        ),
        (["a.png"], "0 class folders"),
        (["train/a.png", "test/b.png"], "0 class folders .* were found for train"),
        (["Male/a.png", "male/b.png", "female/c.png"], "Labels clash: Male 1, male 1 differ only"),
        (["Zoe\u0308/a.png", "zo\u00eb/b.png", "c/c.png"], "the way accents are written"),
        (
            ["train/man/a.png", "train/woman/b.png", "test/male/a.png", "test/female/b.png"],
            "different classes: train has man, woman; test has female, male",
        ),
        (["test/man/a.png", "test/woman/b.png"], "no training split, only test"),
        ([f"{i}/{j}.png" for i in range(12) for j in range(2)], "12 folders .* no gender labels"),
    ],
)
def test_bad_folders(tmp_path: Path, names: list[str], said: str) -> None:
    write_tree(tmp_path, *names)
    with pytest.raises(LayoutError, match=said):
        read_records("folder", tmp_path)


def test_a_pipe_among_the_pictures_is_no_endless_wait(tmp_path: Path) -> None:
    write_tree(tmp_path, "man/a.png", "woman/b.png")
    os.mkfifo(tmp_path / "man" / "pipe.png")
    (tmp_path / "woman" / "gone.png").symlink_to("nowhere.png")
    records = {record.path: record for record in read_records("folder", tmp_path)}
    assert records.pop("man/a.png").read()
    assert records.pop("woman/b.png").read()
    for record in records.values():
        with pytest.raises(PictureError, match="is a device or pipe, or its link leads nowhere"):
            record.picture()
    assert len(records) == 2
