"""Evaluation on pictures made here, against serving itself."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gender_demo.audit.figures import Rate
from gender_demo.audit.reading import fits, read_audit
from gender_demo.audit.report import report
from gender_demo.audit.schema import Audit
from gender_demo.vision.checkpoint import load_checkpoint
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.mtcnn import DetectorSettings
from gender_demo.vision.pipeline import load_pipeline
from tests.support.paths import ASTRONAUT as EXAMPLE
from tests.support.paths import ROOT, SOLVAY
from train.__main__ import main
from train.data.labelled import read_labelled
from train.data.records import (
    age_band,
)
from train.measure import drawings
from train.measure.corruptions import (
    CORRUPTIONS,
    INVARIANCE_PAIRS,
    paste_into_frame,
    seeded,
)
from train.measure.detector_cache import CachedDetector
from train.measure.observe import (
    observe,
)
from train.measure.occlusion import COVERS

SHARED = ROOT.parent / "shared" / "data"
FACES, DRAWINGS = 3, 1
"""As conftest.py makes them."""
WriteParquet = Callable[..., None]


def test_observations_are_what_serving_says(tiny: dict[str, Path]) -> None:
    pipeline = load_pipeline(tiny["checkpoint"], "cpu")
    samples = read_labelled(tiny["fairface"], ("female", "male")).samples
    seen = observe(pipeline, samples)
    assert len(seen) == FACES + DRAWINGS
    for observation, sample in zip(seen, samples, strict=True):
        predictions = pipeline.analyze(sample.picture()).predictions
        if not predictions:
            assert observation.reasons == ("no_face",)
            assert observation.label is None
            assert observation.guess is not None
            continue
        (said,) = predictions
        assert observation.label == said.label
        assert observation.reasons == said.reasons
        ours, theirs = observation.probabilities, [value for _, value in said.probabilities]
        assert ours == pytest.approx(theirs, abs=1e-4)
    assert [o.face_px is None for o in seen] == [False] * FACES + [True] * DRAWINGS


def test_one_set_is_written_as_json(tiny: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = ["evaluate", str(tiny["utkface"]), "--checkpoint", str(tiny["checkpoint"])]
    command += ["--no-cache", "--json", str(file), "--device", "cpu"]
    assert main(command) == 0
    figures = json.loads(file.read_text())
    assert figures["count"] == FACES + DRAWINGS
    assert figures["accuracy_given"] == pytest.approx(figures["right"] / figures["count"], abs=1e-5)
    assert [row["group"]["age"] for row in figures["by"]["age"]] == ["3-9", "20-29", "more than 70"]
    assert main([*command, "--end-to-end"]) == 0
    figures = json.loads(file.read_text())
    assert figures["count"] == FACES
    assert figures["found_share"] == pytest.approx(FACES / (FACES + DRAWINGS))


def test_the_audit_holds_every_part(audited: Audit, tiny: dict[str, Path]) -> None:
    checkpoint = load_checkpoint(tiny["checkpoint"])
    assert fits(audited, checkpoint.config)
    assert [data.name for data in audited.sets] == ["FairFace val", "UTKFace eval"]
    val = audited.primary
    assert val.all.count == FACES + DRAWINGS
    assert val.all.missed == DRAWINGS
    assert val.reasons["no_face"] == DRAWINGS
    assert [row.name for row in audited.corruptions] == list(CORRUPTIONS)
    assert [row.name for row in audited.covered] == list(COVERS)
    assert [row.name for row in audited.drawings] == [*drawings.DRAWINGS, *drawings.MADE_OF_PHOTOS]
    assert [row.name for row in audited.invariance] == list(INVARIANCE_PAIRS)
    assert {row.pictures for row in audited.covered} == {FACES}
    rows: list[Rate] = [*audited.invariance, *(row.correct for row in audited.corruptions)]
    assert {row.count for row in rows} == {3}
    context, frame = audited.full_pictures.shown
    assert context.found_share == 1
    assert context.chips_accuracy == audited.full_pictures.chips.accuracy
    assert context.accuracy is not None
    assert context.chips_accuracy is not None
    behind = 100 * (context.chips_accuracy - context.accuracy)
    assert context.behind_points == pytest.approx(behind, abs=1e-3)
    assert frame.pictures == FACES
    assert audited.speed.ms_per_face is not None
    assert audited.speed.ms_per_picture > audited.speed.ms_per_face > 0
    shown = report(audited, checkpoint.config)
    assert val.all.accuracy == 0.5
    assert "about 5 in 10 of them are wrong" in shown.sentences.error_rates
    assert shown.charts


def test_what_follows_from_counts_is_written_beside_them(
    audited: Audit, tiny: dict[str, Path]
) -> None:
    written = json.loads((tiny["checkpoint"] / "audit.json").read_text())
    assert written["version"] == 2
    everything = written["primary"]["all"]
    assert everything["correct"]["share"] == audited.primary.all.accuracy
    assert everything["shown"]["count"] == audited.primary.all.answered
    assert written["primary"]["age_under_10"]["group"] == {"age": "under 10"}
    assert read_audit(written) == audited


def test_cached_faces_change_nothing(tiny: dict[str, Path], tmp_path: Path) -> None:
    base = ["evaluate", str(tiny["fairface"]), "--checkpoint", str(tiny["checkpoint"])]
    runs = (["--no-cache"], ["--cache", str(tmp_path / "c")], ["--cache", str(tmp_path / "c")])
    written = []
    for i, flags in enumerate(runs):
        file = tmp_path / f"{i}.json"
        main([*base, *flags, "--device", "cpu", "--json", str(file)])
        written.append(file.read_text())
    assert written[0] == written[1] == written[2]
    assert list((tmp_path / "c").glob("*.json"))


def test_faces_found_with_other_settings_are_not_taken_from_the_cache(tmp_path: Path) -> None:
    with Image.open(SOLVAY) as opened:
        picture = opened.convert("RGB")
    found = {}
    for px in (80, 20):
        detector = FaceDetector(settings=DetectorSettings(min_face_px=px))
        for detect in (detector, detector.detect):
            found[px] = CachedDetector(detect, tmp_path, "cpu")([picture])[0]
            assert found[px] == detector([picture])[0]
    assert len(found[20]) > len(found[80])
    assert len(list(tmp_path.iterdir())) == 2


def test_corruptions_depend_on_seed_and_name_alone() -> None:
    with Image.open(EXAMPLE) as opened:
        picture = opened.convert("RGB").resize((224, 224))
    for name, change in {**CORRUPTIONS, **INVARIANCE_PAIRS}.items():
        first, again = (change(picture, seeded(name, "a")) for _ in range(2))
        assert first.tobytes() == again.tobytes()
        assert first.mode == "RGB"
    assert CORRUPTIONS["face of 40 pixels"](picture, seeded("a")).size == (43, 43)
    frame, (x, y) = paste_into_frame(picture.resize((384, 384)), seeded("frame", "a"))
    assert frame.size == (640, 480)
    assert 0 < x < 640
    assert 0 < y < 480


def test_ages_in_years_become_bands() -> None:
    years = {0: "0-2", 2: "0-2", 3: "3-9", 9: "3-9", 10: "10-19", 69: "60-69", 70: "more than 70"}
    assert {year: age_band(year) for year in years} == years


def test_the_official_folder_is_read(tmp_path: Path) -> None:
    for margin, side in (("025", 10), ("125", 20)):
        folder = tmp_path / f"fairface-img-margin{margin}-trainval" / "val"
        folder.mkdir(parents=True)
        for i in (1, 2):
            Image.new("RGB", (side, side), (i, i, i)).save(folder / f"{i}.jpg")
    with (tmp_path / "fairface_label_val.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["file", "age", "gender", "race", "service_test"])
        lines.writerow(["val/1.jpg", "3-9", "Male", "East Asian", "True"])
        lines.writerow(["val/2.jpg", "50-59", "Female", "Black", "False"])
    for split, side in (("val", 10), ("val_context", 20)):
        samples = read_labelled(tmp_path, ("female", "male"), split).samples
        assert [(s.label, s.race, s.age) for s in samples] == [
            ("male", "East Asian", "3-9"),
            ("female", "Black", "50-59"),
        ]
        assert samples[0].picture().size == (side, side)


@pytest.mark.parametrize("fault", ["no data", "no split", "empty", "label", "picture", "weights"])
def test_what_is_wrong_is_said_in_a_sentence(
    fault: str, tiny: dict[str, Path], tmp_path: Path, write_parquet: WriteParquet
) -> None:
    picture = Image.new("RGB", (32, 32))
    file = tmp_path / "val-00000-of-00001.parquet"
    write_parquet(file, [picture] * 3, gender="nobody" if fault == "label" else "Female")
    checkpoint, flags = tiny["checkpoint"], []
    said = {
        "no data": "holds neither Parquet files",
        "no split": "has no split 'test': use --split with one of val",
        "empty": "is empty",
        "label": r"1 of 3 pictures .* not labelled female or male \('nobody' × 1\): val/1.png",
        "picture": "1 pictures cannot be read: val/9.png",
        "weights": "are not those of a resnet34",
    }[fault]
    if fault == "no data":
        file.unlink()
    elif fault == "no split":
        flags = ["--split", "test"]
    elif fault == "empty":
        pq.write_table(pq.read_table(file).slice(0, 0), file)
    elif fault == "picture":
        row = {"image": {"bytes": b"GIF89a", "path": "val/9.png"}, "gender": "Male"}
        pq.write_table(pa.Table.from_pylist([row]), file)
    elif fault == "weights":
        checkpoint = tmp_path / "other"
        checkpoint.mkdir()
        for part in tiny["checkpoint"].iterdir():
            (checkpoint / part.name).write_bytes(part.read_bytes())
        config = checkpoint / "config.json"
        config.write_text(config.read_text().replace("resnet18", "resnet34"))
    with pytest.raises(SystemExit, match=said):
        main(
            ["evaluate", str(tmp_path), "--checkpoint", str(checkpoint), "--device", "cpu", *flags]
        )


def test_contradictory_labels_are_counted_and_named(
    tiny: dict[str, Path],
    tmp_path: Path,
    write_parquet: WriteParquet,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pictures = [Image.new("RGB", (64, 64), grey) for grey in ("gray", "gray", "silver")]
    write_parquet(tmp_path / "val.parquet", pictures)
    main(["evaluate", str(tmp_path), "--checkpoint", str(tiny["checkpoint"]), "--no-cache"])
    assert "2 pictures of" in (said := capsys.readouterr().out)
    assert "val/0.png, val/1.png" in said


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not on this machine")
def test_the_shared_sets_are_read() -> None:
    classes = ("female", "male")
    assert len(read_labelled(SHARED / "fairface", classes).samples) == 4537
    assert len(read_labelled(SHARED / "fairface", classes, "val_context").samples) == 1000
    samples = read_labelled(SHARED / "utkface", classes).samples
    assert len(samples) == 2500
    assert sum(sample.label == "female" for sample in samples) == 1130
    assert not math.isnan(len(samples[0].picture().size))
