from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter, ImageOps

from gender_demo.vision import classifier
from gender_demo.vision.backends import Engine
from gender_demo.vision.checkpoint import (
    Checkpoint,
    Config,
    build_model,
)
from gender_demo.vision.classifier import MAX_DOUBT, Classifier, soften

CONFIG = Config("tiny", ("a", "b", "c"), input_px=64, flip_average=False)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    model = build_model(CONFIG)
    for module in model.modules():  # batch norms that do something, so that folding them shows
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return Checkpoint(Path(), CONFIG, model.state_dict())


def crops(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)) for _ in range(count)
    ]


def plain(
    checkpoint: Checkpoint, pictures: list[Image.Image], temperature: float = 1
) -> torch.Tensor:
    """The oracle: torchvision's model, one picture at a time."""
    from torchvision.transforms.functional import normalize, to_tensor

    model = build_model(CONFIG)
    model.load_state_dict(dict(checkpoint.state))
    with torch.no_grad():
        rows = [model(normalize(to_tensor(p), CONFIG.mean, CONFIG.std)[None])[0] for p in pictures]
    return (torch.stack(rows) / temperature).softmax(1)


def test_probabilities_are_the_plain_models(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "MAX_BATCH_IMAGES", 4)
    pictures = crops(5)
    found = torch.tensor(Classifier(checkpoint, precision="float32")(pictures))
    assert torch.allclose(found, plain(checkpoint, pictures), atol=1e-5)
    assert torch.allclose(found.sum(1), torch.ones(5), atol=1e-6)


def test_temperature_divides_the_logits(checkpoint: Checkpoint) -> None:
    warm = replace(checkpoint, config=replace(CONFIG, temperature=2.5))
    found = torch.tensor(Classifier(warm, precision="float32")(crops(2)))
    assert torch.allclose(found, plain(checkpoint, crops(2), 2.5), atol=1e-5)


def test_flip_averaging_makes_mirror_images_equal(checkpoint: Checkpoint) -> None:
    both = replace(checkpoint, config=replace(CONFIG, flip_average=True))
    pictures = crops(2)
    net = Classifier(both, precision="float32")
    mirrored = net([ImageOps.mirror(p) for p in pictures])
    assert torch.allclose(torch.tensor(net(pictures)), torch.tensor(mirrored), atol=1e-6)
    assert net([]) == []


def test_turns_are_the_answers_to_the_crop_and_to_its_mirror_image(checkpoint: Checkpoint) -> None:
    both = replace(checkpoint, config=replace(CONFIG, flip_average=True))
    pictures = crops(2)
    mirrored = [ImageOps.mirror(picture) for picture in pictures]
    found = torch.tensor(Classifier(both, precision="float32").by_turns(pictures, [4, 1]))
    expected = plain(checkpoint, [pictures[0], mirrored[1]])
    assert torch.allclose(found, expected, atol=1e-5)
    single = Classifier(checkpoint, precision="float32")
    assert single.by_turns(pictures, [0, 1]) == single(pictures), "nothing to take turns with"


def test_views_are_the_answers_to_windows_of_the_crop(checkpoint: Checkpoint) -> None:
    config = replace(CONFIG, views=(1.0, 1.25))
    assert (config.crop_px, config.crop_margin) == (80, 1.25)
    rng = np.random.default_rng(1)
    wide = Image.fromarray(rng.integers(0, 255, (80, 80, 3), dtype=np.uint8))
    wide = wide.filter(ImageFilter.GaussianBlur(3))  # so that the way of shrinking hardly matters
    narrow, shrunk = wide.crop((8, 8, 72, 72)), wide.resize((64, 64), Image.Resampling.BILINEAR)
    logits = plain(checkpoint, [narrow, shrunk]).log()
    found = torch.tensor(
        Classifier(replace(checkpoint, config=config), precision="float32")([wide])
    )
    assert torch.allclose(found, logits.mean(0, keepdim=True).softmax(1), atol=2e-3)
    assert not torch.allclose(found, logits[:1].softmax(1), atol=2e-3)


def test_doubt_shrinks_logits_and_turns_no_label() -> None:
    plain = torch.tensor([[2.0, -1.0]])
    assert torch.equal(soften(plain, 2), plain), "checkpoints without the outputs"
    doubt = torch.tensor([[0.0, 0.25], [-99.0, -9.0], [99.0, 99.0]])
    expected = torch.tensor([[0.25], [-MAX_DOUBT], [3 * MAX_DOUBT]])
    for withheld, more in ((None, 0.0), (-5.0, 0.0), (0.5, 0.5), (99.0, 2 * MAX_DOUBT)):
        third = [] if withheld is None else [torch.full((3, 1), withheld)]
        shrunk = soften(torch.cat([plain.repeat(3, 1), doubt, *third], 1), 2) / plain
        assert torch.allclose(shrunk, (-expected - more).exp(), rtol=1e-5)


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_both_engines_serve_doubt_and_give_the_classes_alone(engine: Engine) -> None:
    torch.manual_seed(1)
    config = replace(CONFIG, doubt=True, temperature=0.5)
    model = build_model(config)
    pictures = crops(3)
    with torch.no_grad():
        model.get_parameter("fc.bias")[3:] = torch.tensor([0.7, 0.4])
        stacked = np.stack([np.asarray(picture) for picture in pictures])
        pixels = torch.from_numpy(stacked).permute(0, 3, 1, 2) / 255
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (config.mean, config.std))
        outputs = model((pixels - mean) / std)
    rise = MAX_DOUBT * outputs[:, 3].tanh() + outputs[:, 4].clamp(0, 2 * MAX_DOUBT)
    expected = (outputs[:, :3] / (0.5 * rise.exp().unsqueeze(1))).softmax(1)
    serve = Classifier(Checkpoint(Path(), config, model.state_dict()), "cpu", engine, "float32")
    found = torch.tensor(serve(pictures))
    assert found.shape == (3, 3)
    assert torch.allclose(found, expected, atol=1e-4)
