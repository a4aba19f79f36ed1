"""Measure a checkpoint on labelled pictures, through the very pipeline that serves.

`accuracy_given`: each chip as it is in the data set, the face nearest its middle cropped by the
serving code, or the whole picture as one crop where no face is found, abstention off.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from gender_demo.audit.reading import settings
from gender_demo.audit.schema import Audit, CheckpointId
from gender_demo.errors import CheckpointError, DataError, DeviceError
from gender_demo.vision.checkpoint import build_model, load_checkpoint, write_file
from gender_demo.vision.checkpoint_files import AUDIT
from gender_demo.vision.pipeline import Pipeline, load_pipeline
from train.data.labelled import (
    check_pictures,
    contradictions,
    read_labelled,
)
from train.data.prepared import CONTEXT, is_prepared
from train.data.records import LabelledSet, name_some
from train.measure.conditions import (
    measure_corruptions,
    measure_covered,
    measure_drawings,
    measure_full_pictures,
    measure_invariance,
)
from train.measure.detector_cache import CachedDetector
from train.measure.metrics import group_figures, set_figures
from train.measure.observe import Observation, observe
from train.measure.printing import print_accuracy, print_audit
from train.measure.speed import describe_machine, measure_speed


def run(args: argparse.Namespace) -> int:
    """Measure and print; one sentence where that is not possible."""
    try:
        pipeline = load_pipeline(args.checkpoint, args.device)
        if args.write_audit:
            measured = measure_audit(pipeline, args).model_dump(mode="json")
        else:
            measured = _measure_one_set(pipeline, args)
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


def measure_audit(pipeline: Pipeline, args: argparse.Namespace) -> Audit:
    """Everything that panel, report and card show; ``args`` as ``train evaluate`` takes them."""
    split = args.split or (None if is_prepared(args.data) else "val")
    data = [_read(args.data, pipeline, split, args.limit)]
    full_pictures = _read(args.data, pipeline, f"{data[0].split}{CONTEXT}", args.limit)
    if args.utkface:
        data.append(_read(args.utkface, pipeline, None, args.limit))
    config, cached = pipeline.checkpoint.config, _cached(pipeline, args)
    observed = [_observe_chips(cached, each) for each in data]
    primary, *others = (
        set_figures(each, seen, config) for each, seen in zip(data, observed, strict=True)
    )
    step = max(1, len(observed[0]) // args.variants) if args.variants else 1
    clean = observed[0][::step][: args.variants]
    records = [o.record for o in clean]
    audit = Audit(
        date=date.today(),
        checkpoint=CheckpointId(name=config.name, weights_sha256=config.weights_sha256),
        settings=settings(config),
        parameters=sum(value.numel() for value in build_model(config).parameters()),
        machine=describe_machine(pipeline),
        primary=primary,
        others=tuple(others),
        full_pictures=measure_full_pictures(cached, full_pictures, observed[0]),
        corruptions=measure_corruptions(cached, records, clean),
        covered=measure_covered(cached, clean),
        invariance=measure_invariance(cached, records, clean),
        drawings=measure_drawings(cached, records),
        speed=measure_speed(pipeline, full_pictures.samples),
    )
    print_audit(audit)
    return audit


def _observe_chips(pipeline: Pipeline, data: LabelledSet) -> list[Observation]:
    seen = observe(pipeline, data.samples, what=f"{data.title} {data.split} chips")
    print_accuracy("accuracy_given", group_figures(seen))
    return seen


def _measure_one_set(pipeline: Pipeline, args: argparse.Namespace) -> dict[str, object]:
    data = _read(args.data, pipeline, args.split, args.limit)
    cached = _cached(pipeline, args)
    seen = observe(cached, data.samples, whole_if_none=not args.end_to_end)
    figures = set_figures(data, seen, pipeline.checkpoint.config)
    everything = figures.all
    name = "accuracy_found" if args.end_to_end else "accuracy_given"
    print_accuracy(name, everything)
    result = {
        name: everything.accuracy,
        "count": everything.count,
        "right": everything.right,
        **figures.model_dump(mode="json"),
    }
    if args.end_to_end:
        found = everything.pictures - everything.missed
        result["found_share"] = found / everything.pictures
        print(f"middle face found in {found} of {everything.pictures} pictures")
    if args.corruptions:
        rows = measure_corruptions(cached, data.samples, seen, not args.end_to_end)
        rows += measure_covered(cached, seen)
        result["corruptions"] = [row.model_dump(mode="json") for row in rows]
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


def _cached(pipeline: Pipeline, args: argparse.Namespace) -> Pipeline:
    """The same pipeline, its detector backed by the cache."""
    if args.no_cache:
        return pipeline
    detect = CachedDetector(pipeline.detect, args.cache, f"{pipeline.device} {pipeline.engine}")
    return Pipeline(
        detect, pipeline.classify, pipeline.checkpoint, pipeline.device, pipeline.engine
    )


def _write(path: Path, figures: Mapping[str, Any]) -> None:
    write_file(path, (json.dumps(figures, indent=1, ensure_ascii=False) + "\n").encode())
