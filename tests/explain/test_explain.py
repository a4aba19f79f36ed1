"""What a guess rests on and how steady it is, with classifiers of which that is known."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gender_demo.__main__ import main
from gender_demo.explain.explain import Explanation, explain, name_part
from gender_demo.explain.occlusion import STEPS, occlusion_map
from gender_demo.explain.sheet import draw_map, draw_sheet
from gender_demo.explain.steadiness import steadiness
from gender_demo.results import Face
from gender_demo.vision.pipeline import Pipeline, load_pipeline

SIDE = 128


@pytest.fixture(scope="module")
def noise() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 120, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels[:16, :16] = 255
    return Image.fromarray(pixels)


def corner_only(pictures: Sequence[Image.Image]) -> list[tuple[float, ...]]:
    """Looks at nothing but the 16 x 16 pixels at the top left: the brighter, the surer."""
    light = [float(np.asarray(picture)[:16, :16].mean()) / 255 for picture in pictures]
    return [(1 - value, value) for value in light]


def test_the_map_is_hot_only_where_the_classifier_looks(noise: Image.Image) -> None:
    found = occlusion_map(corner_only, noise)
    assert found.drops[0, 0] > 0.5
    assert np.count_nonzero(found.drops) == 1
    assert found.peak == (1 / (STEPS + 1), 1 / (STEPS + 1))
    heat = found.heat(SIDE)
    assert heat[:16, :16].min() > 0.5
    assert not heat[37:].any()
    assert not heat[:, 37:].any()
    drawn = np.asarray(draw_map(noise, found)).astype(int)
    coloured = drawn.max(2) != drawn.min(2)
    assert coloured[:16, :16].all()
    assert not coloured[37:].any()
    assert not coloured[:, 37:].any()


def test_a_part_that_speaks_against_the_guess_is_cold(noise: Image.Image) -> None:
    def against(pictures: Sequence[Image.Image]) -> list[tuple[float, ...]]:
        return [(0.9 - 0.3 * value, 0.1 + 0.3 * value) for _, value in corner_only(pictures)]

    found = occlusion_map(against, noise)
    assert found.drops[0, 0] < -0.1
    assert found.drops.max() == pytest.approx(0)


@pytest.fixture(scope="module")
def shipped() -> Pipeline:
    return load_pipeline(device="cpu")


@pytest.fixture(scope="module")
def face(shipped: Pipeline, astronaut: Image.Image) -> Face:
    return shipped.find([astronaut])[0][0]


@pytest.fixture(scope="module")
def explained(shipped: Pipeline, astronaut: Image.Image, face: Face) -> Explanation:
    return explain(shipped, astronaut, face)


def test_the_face_as_it_is_gets_the_served_answer(
    shipped: Pipeline, astronaut: Image.Image, face: Face, explained: Explanation
) -> None:
    (served,) = shipped.predict([(astronaut, face)])
    first = explained.variants[0]
    assert (first.name, first.label, first.reasons) == ("as it is", served.label, served.reasons)
    assert first.probability == pytest.approx(served.probability, abs=0.01)
    assert len({variant.name for variant in explained.variants}) == 10
    assert len({variant.crop.tobytes() for variant in explained.variants}) == 10


def test_what_hides_the_label_is_said(
    random_pipeline: Pipeline, astronaut: Image.Image, face: Face
) -> None:
    """A classifier that answers by brightness alone changes with light, and with nothing else."""

    def by_light(crops: Sequence[Image.Image]) -> list[tuple[float, ...]]:
        light = [np.asarray(crop.convert("L"), dtype=float).mean() for crop in crops]
        bright = [float(value > np.asarray(whole, dtype=float).mean() * 1.2) for value in light]
        return [(0.1 + 0.8 * value, 0.9 - 0.8 * value) for value in bright]

    whole = random_pipeline.cut(astronaut, face).convert("L")
    pipeline = Pipeline(random_pipeline.detect, by_light, random_pipeline.checkpoint)
    changed = {one.name: one.guess for one in steadiness(pipeline, astronaut, face)}
    assert changed.pop("brighter") == "female"
    changed.pop("a quarter of the light")  # brightened again, by how much is the picture's
    assert set(changed.values()) == {"male"}


def test_both_architectures_and_engines_are_explained(
    random_pipeline: Pipeline, random_checkpoint: Path, astronaut: Image.Image, face: Face
) -> None:
    other = load_pipeline(random_checkpoint, "cpu", engine="torch")
    one, two = (explain(p, astronaut, face).occlusion for p in (random_pipeline, other))
    assert np.abs(one.drops - two.drops).max() < 0.02


@pytest.mark.parametrize(
    ("peak", "said"),
    [
        ((3 / 7, 3 / 7), "left eye and nose"),
        ((5 / 7, 2 / 7), "right eye"),
        ((2 / 7, 5 / 7), "left corner of the mouth"),
        ((3 / 7, 1 / 7), "forehead or hair"),
        ((3 / 7, 6 / 7), "chin or what is below"),
        ((1 / 7, 3.5 / 7), "left side of the face or what is beside it"),
    ],
)
def test_what_a_patch_covers_is_named(
    face: Face, shipped: Pipeline, peak: tuple[float, float], said: str
) -> None:
    assert name_part(peak, face, shipped.checkpoint.config.crop_margin) == said


def test_the_sheet_holds_every_picture(explained: Explanation) -> None:
    sheet = np.asarray(draw_sheet(explained))
    assert sheet.shape == (436, 1044, 3)
    assert sheet[12:172, 12:172].std() > 10


def test_one_face_takes_less_than_a_second_and_a_half(
    shipped: Pipeline, astronaut: Image.Image, face: Face, explained: Explanation
) -> None:
    times = []
    for _ in range(3):
        began = time.process_time()
        explain(shipped, astronaut, face)
        times.append(time.process_time() - began)
    assert min(times) < 3.0, "seconds of two cores"


def test_the_command_prints_draws_and_says_what_it_cannot(
    random_checkpoint: Path, astronaut_path: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "none.jpg").write_bytes(b"no picture")
    (tmp_path / "again").mkdir()
    shutil.copy(astronaut_path, tmp_path / "again" / "astronaut.jpg")
    words = ["explain", str(astronaut_path), str(tmp_path / "again"), str(tmp_path / "none.jpg")]
    words += ["--device", "cpu", "--checkpoint", str(random_checkpoint)]
    words += ["--out", str(tmp_path / "out")]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "The likelier label stays" in said.out
    assert said.out.endswith("not therefore right.\n")
    assert said.err.count("\n") == 1
    with Image.open(tmp_path / "out" / "astronaut-face1.png") as sheet:
        assert (sheet.format, sheet.width) == ("PNG", 1044)
    assert (tmp_path / "out" / "astronaut-face1-2.png").is_file()
    assert main([*words, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert len(told["faces"][0]["variants"]) == 10
    assert np.shape(told["faces"][0]["drops"]) == (STEPS, STEPS)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["none*.jpg"], "No pictures were found in none*.jpg"),
        (["a.jpg", "--faces", "0"], "--faces 0: give a number from 1 up"),
        (["a.jpg", "--checkpoint", "/nowhere"], "There is no checkpoint folder at /nowhere"),
    ],
)
def test_wrong_flags_are_one_sentence(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *flags]) == 2
    assert capsys.readouterr().err.startswith(said)
