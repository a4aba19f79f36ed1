"""Weights that may be served, at each side: of a run, of a file of weights, of a checkpoint."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from gender_demo.errors import DataError
from gender_demo.vision.checkpoint import build_model, load_checkpoint
from gender_demo.vision.checkpoint_files import CONFIG
from gender_demo.vision.networks import ARCHITECTURES, build_network
from train.data.crops import Crops, described
from train.export.doubt import Doubt
from train.export.inputs import last_inputs
from train.fit.augment import augment
from train.fit.holdout import HoldoutPredictions
from train.fit.saved_run import read_run

VIEWS = (1.0, 1.2)
"""Squares around a face whose answers are averaged: see ``Config.views``. A third one costs half as
much again and brings nothing; in one alone more labels flip when a picture is shifted (the log,
24)."""


@dataclass(frozen=True)
class Candidate:
    """Weights that may be served at a side, and what is known of how they came about.

    ``finished``: a checkpoint's, which stay as they are.
    """

    name: str
    px: int
    arch: str
    model: nn.Module
    training: dict[str, object]
    finished: bool = False

    @property
    def fc(self) -> nn.Linear:
        """The last layer: all labels, then an output for faces, where it was trained; or the served
        label, then doubt."""
        layer = self.model.get_submodule("fc")
        assert isinstance(layer, nn.Linear)
        return layer

    def inputs(self, crops: Crops, views: tuple[float, ...] = VIEWS) -> Tensor:
        """What the last layer gets for n crops: (n, k)."""
        return last_inputs(self.model, crops, self.px, views)

    def own_doubt(self, crops: Crops) -> Doubt | None:
        """That of a finished checkpoint which has it."""
        served, fc = len(crops.served), self.fc
        if not self.finished or fc.out_features == served:
            return None
        return Doubt(fc.weight[served:].detach(), fc.bias[served:].detach())

    @torch.no_grad()
    def predictions(
        self, crops: Crops, inputs: Tensor, doubt: Doubt | None = None
    ) -> HoldoutPredictions:
        """What it says of n ``crops``, whose ``inputs`` (n, k) are at hand."""
        logits = self.fc(inputs)[:, : len(crops.served)]
        logits = logits if doubt is None else doubt.soften(logits, inputs)
        return HoldoutPredictions(
            logits.unsqueeze(0),
            crops.target.cpu(),
            crops.served,
            self.px,
            VIEWS,
            0 if doubt is None else len(doubt.bias),
        )


def candidates(path: Path, train: Crops, crops: Crops, sides: Sequence[int]) -> Iterator[Candidate]:
    """Those of a checkpoint folder, a run folder, or a file of weights that another program trained
    on ``train``; ``crops`` are held out."""
    if (path / CONFIG).exists():
        yield _of_checkpoint(path, crops)
        return
    if path.is_file():
        state, facts = _read_weights(path)
        arch, states = _architecture(path, state), {"as it is": state}
    else:
        run = read_run(path)
        arch, states = run.recipe.arch, {"average": run.average, "last": run.model}
        facts = {"recipe": asdict(run.recipe), "steps": run.step}
    facts |= {"date": date.today().isoformat(), "data": described(train, crops)}
    for (weights, state), px in itertools.product(states.items(), sides):
        model = build_network(arch, len(state["fc.bias"])).to(memory_format=torch.channels_last)
        model.load_state_dict(state)
        if path.is_file():
            yield Candidate(weights, px, arch, model.eval(), {**facts, "weights": weights})
        else:
            renew_statistics(model, train, px)
            yield Candidate(weights, px, arch, model, {**facts, "weights": weights})


def _of_checkpoint(path: Path, crops: Crops) -> Candidate:
    """The very weights of a checkpoint: only views, temperature and rules are set anew."""
    checkpoint = load_checkpoint(path)
    config, classes = checkpoint.config, crops.served
    if config.classes != classes:
        raise DataError(
            f"{path} knows {', '.join(config.classes)} and {crops.name} {', '.join(classes)}: "
            "give the data that it was trained on"
        )
    model = build_model(config).to(memory_format=torch.channels_last)
    model.load_state_dict(dict(checkpoint.state))
    return Candidate("as it is", config.input_px, config.arch, model, config.training, True)


def _read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """The file's "state", and what else it holds in numbers."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        state = {name: value.float() for name, value in saved["state"].items()}
        return state, {name: v for name, v in saved.items() if isinstance(v, int | float)}
    except (RuntimeError, EOFError, UnpicklingError, LookupError, TypeError, AttributeError) as bad:
        raise DataError(
            f"{path} holds no weights ({type(bad).__name__}): give a run folder, a checkpoint "
            'folder, or what torch.save wrote of {"state": model.state_dict()}'
        ) from None


def _architecture(path: Path, state: Mapping[str, Tensor]) -> str:
    for arch in ARCHITECTURES:
        with torch.device("meta"):
            names = build_network(arch, 2).state_dict().keys()
        if names == state.keys():
            return arch
    raise DataError(f"{path} holds weights of another network than {', '.join(ARCHITECTURES)}")


@torch.no_grad()
def renew_statistics(model: nn.Module, crops: Crops, size_px: int, batches: int = 16) -> None:
    """Means and variances of the batch norms over augmented crops, as ``swa_utils.update_bn``."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(crops), generator=generator)[: batches * 128]
    update_bn(
        [
            augment(crops.pixels[part], crops.margin, size_px, generator)
            for part in torch.split(chosen, 128)
        ],
        model,
    )
