"""UTKFace and CelebA, and layouts that are not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from gender_demo.errors import LayoutError
from tests.support.trees import read_records, write_tree
from train.data.readers import factory


@pytest.mark.parametrize(
    ("layout", "said"),
    [("digiface", "no gender labels"), ("vggface", "'vggface' is not known: use folder, fairface")],
)
def test_unknown_layouts(tmp_path: Path, layout: str, said: str) -> None:
    with pytest.raises(LayoutError, match=said):
        read_records(layout, tmp_path)


def test_utkface(tmp_path: Path) -> None:
    good = ["UTKFace/26_1_2_20170116174525125.jpg.chip.jpg", "part2/100_0_0_20170112213500903.jpg"]
    bad = ["UTKFace/39_1_20170116174525125.jpg.chip.jpg", "UTKFace/61_3_20170109150557335.jpg"]
    write_tree(tmp_path, *good, *bad)
    reading = factory.read_records("utkface", tmp_path, scratch=tmp_path)
    assert [record.labels for record in reading.records] == [
        {"gender": "female"},
        {"gender": "male"},
    ]
    assert reading.records[0].groups == {"age": "20-29", "race": "Asian"}
    understood, note = reading.notes
    assert understood == "Read as 2 classes: female 1, male 1 (train 2)"
    assert note.startswith("2 names are not of the form")
    assert all(name in note for name in bad)


def write_celeba(folder: Path, *, partition: bool) -> None:
    names = [f"{i:06d}.jpg" for i in range(1, 7)]
    write_tree(folder / "img_align_celeba", *names)
    lines = [
        f"{name} {1 if i % 2 else -1:>2} {-1 if i < 3 else 1:>2} " for i, name in enumerate(names)
    ]
    (folder / "list_attr_celeba.txt").write_text("6\nEyeglasses Male \n" + "\n".join(lines) + "\n")
    numbers = "".join(f"{name} {100 + i // 2}\n" for i, name in enumerate(names))
    (folder / "identity_CelebA.txt").write_text(numbers)
    if partition:
        parts = "".join(f"{n} {p}\n" for n, p in zip(names, (0, 1, 2, 0, 1, 2), strict=True))
        (folder / "list_eval_partition.txt").write_text(parts)


def test_celeba(tmp_path: Path) -> None:
    write_celeba(tmp_path, partition=True)
    records = read_records("celeba", tmp_path)
    assert [r.label for r in records] == ["female"] * 3 + ["male"] * 3
    assert [r.split for r in records] == ["train", "holdout", "test"] * 2
    assert [r.identity for r in records] == ["100", "100", "101", "101", "102", "102"]
    assert all(isinstance(record.content, Path) for record in records)
    records = read_records("celeba", tmp_path, attribute="Eyeglasses")
    assert [r.label for r in records] == ["not eyeglasses", "eyeglasses"] * 3
    with pytest.raises(LayoutError, match="no attribute 'Hat': use --attribute with one of Eyegl"):
        read_records("celeba", tmp_path, attribute="Hat")


def test_celeba_without_partition(tmp_path: Path) -> None:
    write_celeba(tmp_path, partition=False)
    assert {record.split for record in read_records("celeba", tmp_path)} == {"train"}
