"""Inputs of the last layer, computed as serving does, are those that torch computes."""

from __future__ import annotations

import torch

from gender_demo.vision.networks import build_network
from train.data.crops import Crops
from train.export.inputs import last_inputs
from train.fit.holdout import compute_logits


def test_the_last_layer_of_its_inputs_is_the_network() -> None:
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (5, 80, 80, 3), dtype=torch.uint8)
    crops = Crops(pixels, {"label": torch.zeros(5).long()}, {"label": ("a", "b")}, 1.25, "toy")
    net = build_network("resnet18", 2).eval()
    with torch.no_grad():
        logits = net.get_submodule("fc")(last_inputs(net, crops, 64, (1.0, 1.25)))
    views = [compute_logits(net, crops, 64, view).mean(0) for view in (1.0, 1.25)]
    # The engine computes in bfloat16, and windows are cut at whole pixels.
    assert torch.allclose(logits, torch.stack(views).mean(0), atol=0.05)
    assert net.get_submodule("fc").out_features == 2, "the network is left as it was"
