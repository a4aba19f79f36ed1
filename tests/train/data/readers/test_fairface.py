"""FairFace as Parquet and as the official folder."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gender_demo.errors import LayoutError
from tests.support.trees import png, read_records
from train.data.readers import factory

ROWS = [
    ("train/1.jpg", "50-59", "Male", "East Asian"),
    ("train/2.jpg", "30-39", "Female", "Indian"),
    ("train/3.jpg", "more than 70", "Female", "Black"),
]


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
