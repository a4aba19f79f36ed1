"""The readers of ``train.data.readers`` on small trees in each data set's own form."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gender_demo.errors import LayoutError
from train.data.readers import factory
from train.data.readers.base import Options
from train.data.records import Record

ROWS = [
    ("train/1.jpg", "50-59", "Male", "East Asian"),
    ("train/2.jpg", "30-39", "Female", "Indian"),
    ("train/3.jpg", "more than 70", "Female", "Black"),
]


def read_records(
    layout: str, source: Path, splits: Sequence[str] = (), attribute: str = "Male"
) -> list[Record]:
    options = Options(tuple(splits), attribute)
    return factory.read_records(layout, source, options, scratch=source / "scratch").records


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 150, 120)).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(
    folder: Path, rows: list[tuple[str, str, str, str]], split: str = "train"
) -> None:
    table = {
        "image": [{"bytes": png(), "path": row[0]} for row in rows],
        "age": [row[1] for row in rows],
        "gender": [row[2] for row in rows],
        "race": [row[3] for row in rows],
        "group": list(range(len(rows))),
    }
    pq.write_table(pa.table(table), folder / f"{split}-00000-of-00001.parquet")


def write_csv(folder: Path, rows: list[tuple[str, str, str, str]], inner: str = "") -> None:
    with (folder / "fairface_label_train.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["file", "age", "gender", "race", "service_test"])
        writer.writerows([*row, "True"] for row in rows)
    for row in rows:
        path = folder / inner / row[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png())


def test_fairface_parquet(tmp_path: Path) -> None:
    write_parquet(tmp_path, ROWS)
    records = read_records("fairface", tmp_path, ["train"])
    assert [record.path for record in records] == [row[0] for row in ROWS]
    assert records[2].labels == {"gender": "female", "age": "more than 70", "race": "Black"}
    assert records[2].identity == "2"
    assert records[0].content == png()


@pytest.mark.parametrize("inner", ["", "fairface-img-margin025-trainval"])
def test_fairface_official_folder(tmp_path: Path, inner: str) -> None:
    write_csv(tmp_path, ROWS, inner)
    records = read_records("fairface", tmp_path, ["train"])
    assert [record.labels["gender"] for record in records] == ["male", "female", "female"]
    assert all(isinstance(r.content, Path) and r.content.read_bytes() for r in records)
    assert records[0].identity is None


def test_wrong_labels_are_counted_and_named(tmp_path: Path) -> None:
    wrong = [("train/4.jpg", "20-29", "", "White"), ("train/5.jpg", "20-29", "Man", "White")]
    write_parquet(tmp_path, [*ROWS, *wrong, ("train/6.jpg", "20-29", "Man", "White")])
    with pytest.raises(LayoutError) as error:
        read_records("fairface", tmp_path, ["train"])
    assert "2 x unknown gender 'man' (first: train/5.jpg)" in str(error.value)
    assert "1 x missing gender (first: train/4.jpg)" in str(error.value)


@pytest.mark.parametrize(
    ("make", "split", "said"),
    [
        (lambda folder: None, "train", "neither train-*.parquet nor fairface_label_train.csv"),
        (lambda folder: write_parquet(folder, []), "train", "no pictures for the split 'train'"),
        (lambda folder: write_parquet(folder, ROWS), "val", "neither val-*.parquet"),
    ],
)
def test_missing_and_empty_splits(tmp_path: Path, make, split: str, said: str) -> None:
    make(tmp_path)
    with pytest.raises(LayoutError) as error:
        read_records("fairface", tmp_path, [split])
    assert said in str(error.value)


def test_missing_column_and_missing_folder(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [], "age": []}), tmp_path / "train-0-of-1.parquet")
    with pytest.raises(LayoutError, match="lacks the column gender, race"):
        read_records("fairface", tmp_path, ["train"])
    with pytest.raises(LayoutError, match="There is nothing at"):
        factory.read_records("fairface", tmp_path / "nowhere", scratch=tmp_path)


def write_tree(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(png())


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
        "1 pictures lie beside the class folders and were left out (first: stray.png)",
        "1 files are no pictures by their names and were left out (first: man/notes.txt)",
    ]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["man/a.png", "woman/"], r"1 class folders .* hold no pictures: woman \(all: man 1, wom"),
        (
            ["man/a.png", "man/b.png"],
            r"1 class folders \(man 2\) were found for train: two or more",
        ),
        (["a.png"], "0 class folders"),
        (["Male/a.png", "male/b.png", "female/c.png"], "Labels clash: Male 1, male 1 differ only"),
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
    (note,) = reading.notes
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


def test_csv(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "deep/b.png")
    table = tmp_path / "labels.csv"
    table.write_text("path,label,split,identity,hair\na.png,x,train,7,long\nb.png,y,test,,short\n"
                     "gone.png,y,,,\n")  # fmt: skip
    for source in (table, tmp_path):
        records = read_records("csv", source) if source == tmp_path else factory.read_records(
            "csv", source, scratch=tmp_path
        ).records  # fmt: skip
        assert [(r.path, r.label, r.split, r.identity, r.groups) for r in records[:2]] == [
            ("a.png", "x", "train", "7", {"hair": "long"}),
            ("b.png", "y", "test", None, {"hair": "short"}),
        ]
        assert records[2].content is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\na.png,x\n", "labels.csv lacks the column path"),
        ("path,label\na.png,x\nb.png,\n", r"1 of 2 rows .* lack a path or a label \(first: 'b"),
        ("path,label\na.png,x\na.png,y\n", r"1 pictures .* two labels \(first: a.png as x and y"),
        ("path,label,split\na.png,x,trian\n", "unknown splits: 1 x 'trian'"),
        ("path,label\na.png,x\nb.png,x\n", r"one class only, x \(2\)"),
        ("path,label\n../../etc/passwd,x\n/etc/passwd,y\n", "None of the 2 pictures is there"),
        ("path,label\n", "no labelled pictures"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, said: str) -> None:
    write_tree(tmp_path, "a.png", "b.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(LayoutError, match=said):
        read_records("csv", tmp_path)
