"""What is left of recognition: how well a network's last features find a photo of a face again.

Of FACES held-out crops each gets a copy as another camera, at another moment, might have made it:
moved, darker, its face 40 pixels wide, saved as JPEG. Counted are the copies whose own original is
the nearest of all originals (cosine of the features, less their mean). It is the same photo, not
another one of the same person: the data knows no persons. What the starting weights reach, which
were made to recognise people, stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from gender_demo.vision.networks import DLIB
from train.data.crops import Crops
from train.export.inputs import last_inputs
from train.fit.corruptions import coarsen, jpeg
from train.fit.face_weights import installed
from train.fit.pretrained import load_face_network
from train.fit.views import sample

FACES, VIEW = 1000, 1.1
MOVED, ZOOM, LIGHT, FACE_PX, QUALITY = 0.06, 0.93, 0.6, 40, 30
"""Shares of the crop's half side and of its side; of the light; pixels of the served square."""


def identity_facts(model: nn.Module, arch: str, px: int, crops: Crops) -> dict[str, float]:
    """What is kept in the config: the share found again among so many, by ``model`` and, where it
    is of their kind and they are installed, by the starting weights."""
    targets = {name: target[:FACES] for name, target in crops.targets.items()}
    some = replace(crops, pixels=crops.pixels[:FACES], targets=targets)
    copies = replace(some, pixels=change(some.pixels, some.margin))

    def features(net: nn.Module) -> Callable[[Crops], Tensor]:
        return lambda faces: last_inputs(net, faces, px, (VIEW,))

    facts = {"faces": len(some), "found again": found_again(features(model), some, copies)}
    if arch == DLIB and installed():
        start = load_face_network()
        descriptor = start.fc.weight.detach().T
        known = features(start)
        facts["by the starting weights"] = found_again(
            lambda faces: known(faces) @ descriptor, some, copies
        )
    return facts


def found_again(features: Callable[[Crops], Tensor], crops: Crops, copies: Crops) -> float:
    """Share of the n ``copies`` whose nearest original is their own, by ``features`` (n, k)."""
    originals, changed = (normalize(x - x.mean(0)) for x in map(features, (crops, copies)))
    cosines = changed @ originals.T
    return round(float((cosines.argmax(1) == torch.arange(len(cosines))).float().mean()), 4)


def change(pixels: Tensor, margin: float) -> Tensor:
    """The copies of uint8 crops (n, side, side, 3), of the same form; every other one is moved to
    the left."""
    moved = MOVED * (1 - 2 * (torch.arange(len(pixels)) % 2))
    views = torch.tensor([ZOOM, ZOOM, 1.0]).diag().repeat(len(pixels), 1, 1)
    views[:, 0, 2], views[:, 1, 2] = moved, MOVED
    side = pixels.shape[1]
    whole = side // 8 * 8  # what ``jpeg`` takes
    result = []
    for part, view in zip(torch.split(pixels, 100), torch.split(views, 100), strict=True):
        x = coarsen(sample(part, view, whole) * LIGHT, round(FACE_PX * margin))
        x = jpeg(x, torch.full((len(x),), float(QUALITY))).clamp(0, 1)
        x = nn.functional.interpolate(x, (side, side), mode="bilinear")
        result.append((x * 255).round().to(torch.uint8).permute(0, 2, 3, 1))
    return torch.cat(result)
