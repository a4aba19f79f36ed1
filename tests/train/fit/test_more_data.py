"""Small faces and soft labels: read, mixed in, refused where they do not fit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import Config, build_model, save_checkpoint
from train.data.crops import Crops
from train.fit.batches import Batches
from train.fit.presets import make_settings
from train.fit.recipe import Recipe
from train.fit.schedule import Schedule
from train.fit.small_faces import SmallFaces, load_small_faces
from train.fit.soft_labels import disagreement, soft_labels

CLASSES: dict[str, tuple[str, ...]] = {"gender": ("female", "male"), "race": ("X", "Y")}


def crops(count: int = 12) -> Crops:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 40, 40, 3), generator=generator, dtype=torch.uint8)
    targets = {"gender": torch.arange(count) % 2, "race": torch.arange(count) // 2 % 2}
    return Crops(pixels, targets, CLASSES, 1.25, "toy")


def small_file(path: Path, genders: list[str]) -> Path:
    """Grey 32-px pictures; the third is of group 7."""
    images = []
    for i in range(len(genders)):
        packed = io.BytesIO()
        Image.fromarray(np.full((32, 32), 20 * i, np.uint8)).save(packed, "PNG")
        images.append({"bytes": packed.getvalue(), "path": f"{i}.png"})
    groups = [7 if i == 2 else 100 + i for i in range(len(genders))]
    columns = {"image": images, "gender": genders, "race": ["X"] * len(genders), "group": groups}
    pq.write_table(pa.table(columns), path)
    return path


def test_small_faces_of_held_out_groups_stay_out(tmp_path: Path) -> None:
    path = small_file(tmp_path / "small.parquet", ["Male", "Female", "Male", "Female", "Male"])
    small = load_small_faces(path, crops(), {"7"}, 0.5)
    assert small.crops.pixels.shape == (4, 32, 32, 3)
    assert small.crops.targets["gender"].tolist() == [1, 0, 0, 1]
    assert small.crops.pixels[:, 0, 0, 0].tolist() == [0, 20, 60, 80]


def test_each_small_face_comes_once_in_its_epoch(tmp_path: Path) -> None:
    path = small_file(tmp_path / "small.parquet", ["Male", "Female"] * 4)
    small = load_small_faces(path, crops(), (), 0.5)
    seen = [
        row
        for step in range(2)
        for rank in range(2)
        for row in small.batch(step, 4, 32, 0, (rank, 2))[1].tolist()
    ]
    assert sorted(seen) == list(range(8))


@pytest.mark.parametrize("genders", [["Male", "Tree"], ["Male", ""]])
def test_other_labels_are_told_in_one_sentence(tmp_path: Path, genders: list[str]) -> None:
    path = small_file(tmp_path / "small.parquet", genders)
    with pytest.raises(DataError, match=r"no Parquet file of small faces .* gender, race"):
        load_small_faces(path, crops(), (), 0.5)


def test_a_batch_has_both_kinds_and_softened_targets(tmp_path: Path) -> None:
    data = crops()
    settings = make_settings("scratch", start="none", batch=4, mixup=0.0, smoothing=0.0)
    recipe = Recipe.of(settings, "resnet18", data)
    path = small_file(tmp_path / "small.parquet", ["Male", "Female"] * 4)
    small: SmallFaces = load_small_faces(path, data, (), 0.5)
    soft = torch.tensor([[0.6, 0.4]]).expand(len(data), 2)
    schedule = Schedule((((1.0, 32),),), 3, 1, 0.5)
    pictures, wanted = Batches(recipe, data, schedule, soft=soft, small=small)[0]
    assert pictures.shape == (6, 3, 32, 32)
    assert wanted.sum(1).tolist() == pytest.approx([2.0] * 6)
    assert {round(value, 3) for value in wanted[:4, 0].tolist()} == {0.3, 0.8}
    assert set(wanted[4:, 0].tolist()) <= {0.0, 1.0}


def test_soft_labels_are_what_the_checkpoint_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = Config("toy", ("female", "male"), input_px=32)
    save_checkpoint(tmp_path, config, build_model(config).state_dict())
    data = crops()
    soft = soft_labels(tmp_path, data)
    assert soft.shape == (12, 2)
    assert torch.allclose(soft.sum(1), torch.ones(12))
    mirrored = Crops(data.pixels.flip(2), data.targets, CLASSES, 1.25, "toy")
    assert torch.allclose(soft, soft_labels(tmp_path, mirrored), atol=1e-5)
    certain = torch.nn.functional.one_hot(1 - data.target).float()
    assert disagreement(certain, data, "race") == {"X": 1.0, "Y": 1.0}
    other = Config("toy", ("hat", "none"), input_px=32)
    save_checkpoint(tmp_path / "other", other, build_model(other).state_dict())
    with pytest.raises(DataError, match="soft labels need the same"):
        soft_labels(tmp_path / "other", data)
