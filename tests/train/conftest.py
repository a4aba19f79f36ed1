"""A tiny checkpoint and tiny data sets, made of the one face that the repository holds."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, ImageDraw, ImageEnhance

from gender_demo.audit.reading import read_audit
from gender_demo.audit.schema import Audit
from gender_demo.vision.checkpoint import Config, build_model, load_checkpoint, save_checkpoint
from gender_demo.vision.crops import crop_square, cut_square
from gender_demo.vision.pipeline import load_pipeline
from tests.support.portraits import EXAMPLE, portrait
from train.__main__ import main
from train.data.records import RACES

FACES, DRAWINGS = 3, 1


def _write_parquet(
    path: Path, pictures: list[Image.Image], *, years: bool = False, gender: str = "Female"
) -> None:
    rows = []
    for i, picture in enumerate(pictures):
        packed = io.BytesIO()
        picture.save(packed, "PNG")
        age: str | int = (5, 26, 71)[i % 3] if years else ("3-9", "20-29", "more than 70")[i % 3]
        labels = {"age": age, "gender": gender if i % 2 else "Male", "race": RACES[i % 3]}
        rows.append({"image": {"bytes": packed.getvalue(), "path": f"val/{i}.png"}, **labels})
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.fixture(scope="session")
def write_parquet() -> Callable[..., None]:
    """(path, pictures, years=False, gender="Female"): labelled by turns, in the sets' true form."""
    return _write_parquet


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders: a checkpoint with random weights, and both data sets' forms with one face."""
    root = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = Config(name="tiny", classes=("female", "male"), temperature=1.5, input_px=64)
    save_checkpoint(root / "checkpoint", config, build_model(config).state_dict())
    with Image.open(EXAMPLE) as opened:
        portrait = opened.convert("RGB")
    face = load_pipeline(root / "checkpoint", "cpu").find([portrait])[0][0]
    cx, cy, side, _ = crop_square(face)
    close = cut_square(portrait, cx, cy, side * 1.08, 0.0, 112)
    wide = cut_square(portrait, cx, cy, side * 1.08 * 3.5 / 1.5, 0.0, 192)
    for name, picture, split in (
        ("fairface", close, "val"),
        ("fairface", wide, "val_context"),
        ("utkface", close, "eval"),
    ):
        (root / name).mkdir(exist_ok=True)
        pictures = [ImageEnhance.Brightness(picture).enhance(1 - i / 20) for i in range(FACES)]
        if split != "val_context":
            pictures += [_drawing(picture.width) for _ in range(DRAWINGS)]
        file = root / name / f"{split}-00000-of-00001.parquet"
        _write_parquet(file, pictures, years=name == "utkface")
    return {name: root / name for name in ("checkpoint", "fairface", "utkface")}


@pytest.fixture(scope="session")
def audited(tiny: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The audit that the command writes into the tiny checkpoint's folder."""
    cache = tmp_path_factory.mktemp("cache")
    command = ["evaluate", str(tiny["fairface"]), "--utkface", str(tiny["utkface"])]
    command += ["--checkpoint", str(tiny["checkpoint"]), "--device", "cpu", "--cache", str(cache)]
    assert main([*command, "--write-audit", "--variants", "3"]) == 0
    audit = read_audit(load_checkpoint(tiny["checkpoint"]).audit)
    assert audit is not None
    return audit


@pytest.fixture(scope="session")
def draw_portrait() -> Callable[..., Image.Image]:
    """(number, kind="plain", size=(160, 160)): see ``portraits``."""
    return portrait


def _drawing(side: int) -> Image.Image:
    picture = Image.new("RGB", (side, side), (40, 90, 140))
    ImageDraw.Draw(picture).rectangle((10, 15, 50, 60), fill=(220, 200, 60))
    return picture
