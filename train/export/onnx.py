"""A checkpoint as ONNX, for programs without torch: the classifier alone, or the whole chain.

classifier.onnx  ``pixels``: uint8 (faces, 3, crop_px, crop_px), RGB crops as
                 ``gender_demo.vision.crops`` cuts them with the margin ``crop_margin`` ->
                 ``probabilities``: (faces, classes), views and mirror images averaged, temperature
                 applied. The metadata names classes, side, margin and the weights' hash.
pnet.onnx        ``pixels``: uint8 (pictures, 3, height, width) -> ``regression``: (pictures, 4,
                 rows, columns), ``probability``: (pictures, 2, rows, columns)
rnet.onnx        ``pixels``: uint8 (pieces, 3, 24, 24) -> ``regression``: (pieces, 4),
                 ``probability``: (pieces, 2)
onet.onnx        ``pixels``: uint8 (pieces, 3, 48, 48) -> ``regression``: (pieces, 4), ``points``:
                 (pieces, 10), ``probability``: (pieces, 2)

``docs/onnx_example.py`` puts them together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from gender_demo.vision.checkpoint import Checkpoint, write_file
from gender_demo.vision.classifier import Served
from gender_demo.vision.mtcnn import ONET_PX, RNET_PX, stock_networks

OPSET = 18
REGRESSION, POINTS, PROBABILITY = "regression", "points", "probability"


def write_onnx(checkpoint: Checkpoint, path: Path) -> None:
    """Write the classifier, whole in one file."""
    config = checkpoint.config
    state = {name: value.float() for name, value in checkpoint.state.items()}
    facts = {
        "name": config.name,
        "classes": json.dumps(config.classes),
        "crop_px": str(config.crop_px),
        "crop_margin": str(config.crop_margin),
        "weights_sha256": config.weights_sha256,
        "licence": str(config.training.get("licence", "")),
    }
    _write(Served(config, state), path, config.crop_px, ["probabilities"], facts=facts)


def write_chain(checkpoint: Checkpoint, folder: Path) -> None:
    """Write classifier and detector, four files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_onnx(checkpoint, folder / "classifier.onnx")
    pnet, rnet, onet = stock_networks()
    _write(pnet, folder / "pnet.onnx", 100, [REGRESSION, PROBABILITY], any_size=True)
    _write(rnet, folder / "rnet.onnx", RNET_PX, [REGRESSION, PROBABILITY])
    _write(onet, folder / "onet.onnx", ONET_PX, [REGRESSION, POINTS, PROBABILITY])


def _write(
    network: nn.Module,
    path: Path,
    side_px: int,
    outputs: list[str],
    *,
    any_size: bool = False,
    facts: Mapping[str, str] | None = None,
) -> None:
    dynamic = {0: torch.export.Dim("n")}
    if any_size:
        dynamic |= {2: torch.export.Dim("height", min=12), 3: torch.export.Dim("width", min=12)}
    program = torch.onnx.export(
        network.eval(),
        (torch.zeros(2, 3, side_px, side_px + any_size, dtype=torch.uint8),),
        input_names=["pixels"],
        output_names=outputs,
        dynamic_shapes=(dynamic,),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # only the old exporter returns nothing
    model = program.model_proto
    for key, value in (facts or {}).items():
        model.metadata_props.add(key=key, value=value)
    write_file(path, model.SerializeToString())
