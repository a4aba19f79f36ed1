"""Measure a checkpoint on labelled pictures, through the very pipeline that serves.

`accuracy_given`: each picture as it is in the data set, the face nearest its middle cropped by the
serving code, or the whole picture as one crop where no face is found, abstention off.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from PIL import Image

from gender_demo.audit import report as audit
from gender_demo.errors import CheckpointError, DataError, DeviceError
from gender_demo.vision.checkpoint import (
    AUDIT,
    build_model,
    load_checkpoint,
    write_file,
)
from gender_demo.vision.pipeline import (
    Pipeline,
    load_pipeline,
)
from train.data.labelled import (
    check_pictures,
    contradictions,
    read_labelled,
)
from train.data.prepared import (
    CONTEXT,
    is_prepared,
)
from train.data.records import LabelledSet, Record, name_some
from train.measure.corruptions import (
    COPIES,
    WEBCAM,
    Change,
    Random,
    paste_into_frame,
)
from train.measure.figures import (
    flips,
    label_gap,
    only,
    row,
    rows_by,
    summary,
    worst_and_best,
)
from train.measure.observe import (
    Observation,
    Point,
    RememberedDetector,
    Show,
    middle,
    observe,
)
from train.measure.speed import (
    describe_machine,
    measure_speed,
)

Figures = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    """Measure and print; one sentence where that is not possible."""
    try:
        pipeline = load_pipeline(args.checkpoint, args.device)
        measured = _audit(pipeline, args) if args.write_audit else _one_set(pipeline, args)
        if args.json is not None:
            _write(args.json, measured)
        if args.write_audit:
            _check_unchanged(pipeline, args.checkpoint)
            _write(args.checkpoint / AUDIT, measured)
    except (CheckpointError, DeviceError, DataError) as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        raise SystemExit(f"{error.filename or 'A file'}: {error.strerror}.") from None
    return 0


def _one_set(pipeline: Pipeline, args: argparse.Namespace) -> Figures:
    data = _read(args.data, pipeline, args.split, args.limit)
    kept = _remembering(pipeline, args)
    seen = observe(kept, data.samples, whole_if_none=not args.end_to_end)
    figures = {**_about(data), **_summary(kept, seen)}
    all_ = figures["all"]
    name = "accuracy_found" if args.end_to_end else "accuracy_given"
    figures = {name: all_["accuracy"], "count": all_["count"], "right": all_["right"], **figures}
    _say(name, all_)
    if args.end_to_end:
        found = all_["pictures"] - all_["missed"]
        figures["found_share"] = found / all_["pictures"]
        print(f"middle face found in {found} of {all_['pictures']} pictures")
    if args.degrade:
        figures["degraded"] = _degraded(kept, data.samples, seen, not args.end_to_end)
    return figures


def _audit(pipeline: Pipeline, args: argparse.Namespace) -> Figures:
    """Everything that panel, report and card show."""
    split = args.split or (None if is_prepared(args.data) else "val")
    val = _read(args.data, pipeline, split, args.limit)
    context = _read(args.data, pipeline, f"{val.split}{CONTEXT}", args.limit)
    elsewhere = _read(args.utkface, pipeline, None, args.limit) if args.utkface else None
    kept = _remembering(pipeline, args)
    seen = observe(kept, val.samples, what=f"{val.title} {val.split} as given")
    _say("accuracy_given", row(seen))
    sets = {"fairface": {**_about(val), **_summary(kept, seen)}}
    if elsewhere:
        other = observe(kept, elsewhere.samples, what=f"{elsewhere.title} as given")
        _say("accuracy_given", row(other))
        sets["utkface"] = {**_about(elsewhere), **_summary(kept, other)}
    config = pipeline.checkpoint.config
    step = max(1, len(seen) // args.variants) if args.variants else 1
    part = seen[::step][: args.variants]
    samples = [o.sample for o in part]
    measured = {
        "version": audit.VERSION,
        "date": date.today().isoformat(),
        "checkpoint": {"name": config.name, "weights_sha256": config.weights_sha256},
        "settings": audit.settings(config),
        "parameters": sum(value.numel() for value in build_model(config).parameters()),
        "machine": describe_machine(pipeline),
        "sets": sets,
        "context": _context(kept, context, seen),
        "degraded": _degraded(kept, samples, part),
        "flips": [
            flips(part, observe(kept, samples, _show(copy), what=name), name)
            for name, copy in COPIES.items()
        ],
        "speed": measure_speed(pipeline, context.samples),
    }
    _say_in_short(measured)
    return measured


def _context(pipeline: Pipeline, data: LabelledSet, chips: Sequence[Observation]) -> Figures:
    """Pictures with more around the face, against the same faces' given chips."""
    shown: dict[str, tuple[str, Show | None]] = {"context": ("as the pictures show them", None)}
    if data.split == "val_context":
        shown = {
            "context": ("as a photo shows them, 384 px", None),
            "frame": ("in a 640 × 480 frame, face 60 to 120 px", paste_into_frame),
        }
    given = only(chips, {sample.path for sample in data.samples})
    result: Figures = {**_about(data), "given": row(given), "shown": []}
    for name, (title, show) in shown.items():
        seen = observe(pipeline, data.samples, show, what=name, whole_if_none=False)
        found = [o for o in seen if o.guess]
        same = row(only(chips, {o.sample.path for o in found}))
        here = row(seen)
        _say(f"{name}: found {here['count']} of {here['pictures']}, accuracy", here)
        result["shown"].append(
            {
                **here,
                "name": title,
                "found_share": len(found) / len(seen),
                "same_faces_given": same["accuracy"],
                "behind_points": _points(same["accuracy"], here["accuracy"]),
                "by": {kind: rows_by(seen, kind) for kind in ("label", "race", "age", "face_px")},
            }
        )
    return result


def _degraded(
    pipeline: Pipeline,
    samples: Sequence[Record],
    clean: Sequence[Observation],
    whole_if_none: bool = True,
) -> list[Figures]:
    """A row for each way a webcam spoils a picture, and how many points it costs."""
    before = row(clean)["accuracy"]
    result = []
    for name, change in WEBCAM.items():
        seen = observe(pipeline, samples, _show(change), what=name, whole_if_none=whole_if_none)
        figures = {**row(seen), "name": name, "label_gap_points": label_gap(seen)}
        figures["lost_points"] = _points(before, figures["accuracy"])
        figures["worst"] = worst_and_best(rows_by(seen, "race", "label"))[0]
        _say(name, figures)
        result.append(figures)
    return result


def _check_unchanged(pipeline: Pipeline, folder: Path) -> None:
    """A training run may have put newer weights there meanwhile."""
    if load_checkpoint(folder).config != pipeline.checkpoint.config:
        raise CheckpointError(
            f"{folder} was changed while it was measured, so the audit was not written there: "
            "measure a copy that no training run writes to."
        )


def _read(path: Path, pipeline: Pipeline, split: str | None, limit: int | None) -> LabelledSet:
    data = read_labelled(path, pipeline.checkpoint.config.classes, split, limit)
    check_pictures(data.samples)
    twice = contradictions(data.samples)
    if twice:
        print(
            f"{len(twice)} pictures of {data.title} {data.split} stand there under different "
            f"labels and are measured as they are: {name_some(twice)}."
        )
    return data


def _about(data: LabelledSet) -> Figures:
    return {
        "title": data.title,
        "split": data.split,
        "files": list(data.files),
        "sha256": data.sha256,
        "contradictory": len(contradictions(data.samples)),
    }


def _summary(pipeline: Pipeline, seen: Sequence[Observation]) -> Figures:
    return summary(seen, pipeline.checkpoint.config.temperature)


def _remembering(pipeline: Pipeline, args: argparse.Namespace) -> Pipeline:
    """The same pipeline, its detector backed by the cache."""
    if args.no_cache:
        return pipeline
    detect = RememberedDetector(pipeline.detect, args.cache, str(pipeline.device))
    return Pipeline(detect, pipeline.classify, pipeline.checkpoint, pipeline.device)


def _show(change: Change) -> Show:
    def show(picture: Image.Image, random: Random) -> tuple[Image.Image, Point]:
        changed = change(picture, random)
        return changed, middle(changed)

    return show


def _points(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(100 * (before - after), 3)


def _write(path: Path, figures: Figures) -> None:
    write_file(path, (json.dumps(figures, indent=1, ensure_ascii=False) + "\n").encode())


def _say_in_short(measured: Figures) -> None:
    """The figures that a release is judged by, in one place."""
    for data in measured["sets"].values():
        surest = {point["coverage"]: 1 - point["error"] for point in data["risk_coverage"]}
        lines = {
            "accuracy_given": data["all"]["accuracy"],
            "ages 10 and over": (data["age_10_and_over"] or {}).get("accuracy"),
            "worst race × label cell": (data["worst"] or {}).get("accuracy"),
            "points between labels": data["label_gap_points"],
            "surest 90 %": surest.get(0.9),
            "calibration error": (data["calibration"] or {}).get("ece"),
        }
        print(f"{data['title']} {data['split']}")
        for name, value in lines.items():
            print(f"  {name:<24}{'–' if value is None else format(value, '.4f')}")
    rows = {
        **{f"found, {r['name']}": r["found_share"] for r in measured["context"]["shown"]},
        **{f"points behind, {r['name']}": r["behind_points"] for r in measured["context"]["shown"]},
        **{f"points lost, {r['name']}": r["lost_points"] for r in measured["degraded"]},
        **{f"label flips, {r['name']}": r["share"] for r in measured["flips"]},
    }
    for name, value in rows.items():
        print(f"{name:<62}{'–' if value is None else format(value, '.4f')}")


def _say(name: str, figures: Figures) -> None:
    if figures["count"]:
        print(
            f"{name} {figures['accuracy']:.4f} ({figures['right']} of {figures['count']}, 95 % "
            f"interval {figures['low']:.4f}–{figures['high']:.4f})"
        )
    else:
        print(f"{name}: no face was found in {figures['pictures']} pictures")
