"""A checkpoint as one ONNX file, for programs without Python.

Input ``pixels``: uint8 (faces, 3, crop_px, crop_px), RGB crops as ``gender_demo.vision.crops`` cuts
them with the margin ``crop_margin``. Output ``probabilities``: (faces, classes), views and mirror
images averaged, temperature applied. The metadata names classes, side, margin and the weights'
hash.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from gender_demo.vision.checkpoint import Checkpoint, write_file
from gender_demo.vision.classifier import Served

OPSET = 18


def write_onnx(checkpoint: Checkpoint, path: Path) -> None:
    """Write ``path``, whole in one file."""
    config = checkpoint.config
    state = {name: value.float() for name, value in checkpoint.state.items()}
    served = Served(config, state).eval()
    example = torch.zeros(2, 3, config.crop_px, config.crop_px, dtype=torch.uint8)
    program = torch.onnx.export(
        served,
        (example,),
        input_names=["pixels"],
        output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("faces")},),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # only the old exporter returns nothing
    model = program.model_proto
    facts = {
        "name": config.name,
        "classes": json.dumps(config.classes),
        "crop_px": str(config.crop_px),
        "crop_margin": str(config.crop_margin),
        "weights_sha256": config.weights_sha256,
        "licence": str(config.training.get("licence", "")),
    }
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    write_file(path, model.SerializeToString())
