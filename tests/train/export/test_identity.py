"""Photos found again by features that tell them apart, and not by features that do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gender_demo.vision.networks import build_network
from train.data.crops import Crops
from train.export.identity import change, found_again, identity_facts
from train.fit.augment import serve
from train.fit.face_weights import installed

COUNT, SIDE = 60, 160


@pytest.fixture(scope="module")
def crops() -> Crops:
    """Smooth coloured pictures, each another one."""
    random = np.random.default_rng(0)
    pictures = [
        Image.fromarray(random.integers(0, 256, (3, 3, 3)).astype(np.uint8)).resize((SIDE, SIDE))
        for _ in range(COUNT)
    ]
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    targets = {"label": torch.arange(COUNT) % 2}
    return Crops(pixels, targets, {"label": ("a", "b")}, 1.25, "toy")


def test_copies_are_other_pictures_of_the_same(crops: Crops) -> None:
    copies = change(crops.pixels, crops.margin)
    assert (copies.shape, copies.dtype) == (crops.pixels.shape, torch.uint8)
    light = copies.float().mean((1, 2, 3)) / crops.pixels.float().mean((1, 2, 3))
    assert float(light.mean()) == pytest.approx(0.6, abs=0.05)


def test_the_share_follows_from_what_features_know(crops: Crops) -> None:
    copies = Crops(
        change(crops.pixels, crops.margin), crops.targets, crops.classes, crops.margin, "copies"
    )

    def small(faces: Crops) -> Tensor:
        return serve(faces.pixels, faces.margin, 8).flatten(1)

    def label(faces: Crops) -> Tensor:
        return torch.nn.functional.one_hot(faces.target, 2).float()

    assert found_again(small, crops, copies) > 0.9
    assert found_again(label, crops, copies) == pytest.approx(2 / COUNT, abs=1e-4)


@pytest.mark.skipif(not installed(), reason="needs train/requirements-face.txt")
def test_a_network_is_measured_beside_its_starting_weights(crops: Crops) -> None:
    torch.manual_seed(0)
    facts = identity_facts(build_network("dlib-resnet29", 2).eval(), "dlib-resnet29", 104, crops)
    assert facts["faces"] == COUNT
    assert 0 <= facts["found again"] <= 1
    assert facts["by the starting weights"] > 0.5
