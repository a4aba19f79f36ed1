"""The readers of ``train.data.readers`` on small trees in each data set's own form."""

from __future__ import annotations

import csv
import io
import zipfile
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


TABLE = "path,label\na.png,x\nÄ/b.png,y\n"


@pytest.mark.parametrize(
    "raw",
    [
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.encode("utf-32"),
        TABLE.encode("latin-1"),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode("utf-16"),
        TABLE.replace(",", "|").encode(),
        TABLE.replace("\n", "\r\n").encode("cp1252"),
        TABLE.replace("\n", "\r").encode(),
        TABLE.encode() + bytes(7),
        b"\n\n" + TABLE.encode() + b",\n",
        b"sep=;\r\n" + TABLE.replace(",", ";").encode(),
        TABLE.replace("path,label", " Image Path , CLASS_NAME ").encode(),
        TABLE.replace("path,label", "Filename,Target").encode(),
        TABLE.replace("path,label", "img,y").encode(),
        b'"path","label"\n"a.png"," x "\n"' + "Ä\\b.png".encode() + b'","y"\n',
        TABLE.replace("Ä", "A\u0308").encode(),
        TABLE.replace("Ä/b.png", "./ä/B.PNG").encode(),
        TABLE.replace(".png", "").encode(),
    ],
)
def test_tables_as_programs_write_them(tmp_path: Path, raw: bytes) -> None:
    write_tree(tmp_path, "a.png", "Ä/b.png")
    (tmp_path / "labels.csv").write_bytes(raw)
    records = read_records("csv", tmp_path)
    assert [(record.label, record.content) for record in records] == [
        ("x", tmp_path / "a.png"),
        ("y", tmp_path / "Ä" / "b.png"),
    ]


def test_paths_of_this_machine_and_of_another(tmp_path: Path) -> None:
    write_tree(tmp_path, "set/man/a.png", "set/woman/a.png", "elsewhere/c.png", "set/d.png")
    lines = [
        f"{tmp_path}/set/man/a.png,x",
        "C:\\Users\\ann\\my set\\woman\\a.png,y",
        f"{tmp_path / 'elsewhere' / 'c.png'},x",
        "../elsewhere/c.png,x",
        "/home/ann/d.png,y",
        "/home/ann/a.png,y",  # two end so
        "/etc/hostname,y",
    ]
    (tmp_path / "set" / "labels.csv").write_text("path,label\n" + "\n".join(lines))
    reading = factory.read_records("csv", tmp_path / "set" / "labels.csv", scratch=tmp_path / "s")
    inside, outside = tmp_path / "set", tmp_path / "elsewhere" / "c.png"
    found = [r.content.resolve() if isinstance(r.content, Path) else None for r in reading.records]
    assert found == [
        inside / "man" / "a.png", inside / "woman" / "a.png", outside, outside,
        inside / "d.png", None, None,
    ]  # fmt: skip
    assert reading.notes[1:] == [
        "labels.csv has the columns path from path, label from label",
        "2 paths are another machine's and were found by their ends (first: "
        "C:\\Users\\ann\\my set\\woman\\a.png)",
    ]


def test_columns_are_told(tmp_path: Path) -> None:
    write_tree(tmp_path, "a.png", "b.png", "c.png")
    rows = "a.png;man;TRAIN;curly;7\nb.png;woman;;;8\nc.png;man;Testing;;\n"
    (tmp_path / "t.tsv").write_text("File Name;Sex;Usage;Hair;Person ID\n" + rows)
    reading = factory.read_records("csv", tmp_path, scratch=tmp_path / "s")
    assert [(r.label, r.split, r.groups, r.identity) for r in reading.records] == [
        ("man", "train", {"Hair": "curly"}, "7"),
        ("woman", "train", {"Hair": ""}, "8"),
        ("man", "test", {"Hair": ""}, None),
    ]
    assert reading.notes == [
        "Read as 2 classes: man 2, woman 1 (train 2, test 1)",
        "t.tsv has the columns path from File Name, label from Sex, split from Usage, identity "
        "from Person ID; only counted: Hair",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foto,label\na.png,x\n", "labels.csv lacks the column path: it has foto, label"),
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
