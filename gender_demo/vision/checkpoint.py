"""The checkpoint folder that train writes and serving reads.

config.json         how to rebuild the model, its classes, temperature and rules, its hash
model.safetensors   the weights, half precision
audit.json          what was measured about it (optional)
README.md           the model card, generated
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import pydantic
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from gender_demo.errors import CheckpointError
from gender_demo.vision.checkpoint_files import AUDIT, CONFIG, WEIGHTS
from gender_demo.vision.decision import Rules
from gender_demo.vision.networks import build_network
from gender_demo.vision.preflight import check_folder

DOUBT_OUTPUTS = 2
"""What ``Config.doubt`` adds to the network: see ``classifier.soften``."""

Name = Annotated[str, pydantic.Field(min_length=1)]
View = Annotated[float, pydantic.Field(ge=0.5, le=2)]


@pydantic.dataclasses.dataclass(frozen=True)
class Config:
    """What config.json says, validated. ``mean`` and ``std`` are of RGB in 0 to 1.

    ``views``: how many times wider than ``crop_face``'s square each view is whose answers are
    averaged; one crop as wide as the widest holds them all. ``doubt``: the network has two outputs
    more than classes, which make it less sure (``classifier.soften``), ``withheld`` a third one.
    ``training`` is train's own record, which serving only shows.
    """

    name: str
    classes: Annotated[tuple[Name, ...], pydantic.Field(min_length=2)]
    arch: str = "resnet18"
    input_px: Annotated[int, pydantic.Field(ge=32, le=512)] = 112
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    flip_average: bool = True
    views: Annotated[tuple[View, ...], pydantic.Field(min_length=1)] = (1.0,)
    temperature: Annotated[float, pydantic.Field(gt=0)] = 1.0
    doubt: bool = False
    withheld: bool = False
    rules: Rules = field(default_factory=Rules)
    weights_sha256: str = ""
    training: dict[str, Any] = field(default_factory=dict)  # nested as each version of train likes

    @property
    def outputs(self) -> int:
        """How many the network has: one for each class, two or three more for doubt."""
        return len(self.classes) + (DOUBT_OUTPUTS + self.withheld if self.doubt else 0)

    def view_px(self, view: float) -> int:
        """Side of a view's window in the crop: as far from ``input_px`` by an even number."""
        return self.input_px + 2 * round(self.input_px * (view - 1) / 2)

    @property
    def crop_px(self) -> int:
        """Side of the crops that the classifier takes."""
        return max(self.view_px(view) for view in self.views)

    @property
    def crop_margin(self) -> float:
        """``crop_face``'s margin for those crops."""
        return self.crop_px / self.input_px


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder that was read.

    ``state`` are the weights by name; ``audit`` is audit.json as it is, since what it holds is
    for the room above to say (``gender_demo.audit``).
    """

    path: Path
    config: Config
    state: Mapping[str, Tensor]
    audit: dict[str, object] | None = None

    def label_state(self) -> dict[str, Tensor]:
        """The weights in float32, of the last layer's outputs only those of the classes."""
        state = {name: value.float() for name, value in self.state.items()}
        for name in ("fc.weight", "fc.bias"):
            state[name] = state[name][: len(self.config.classes)]
        return state


def load_checkpoint(path: str | Path | None = None) -> Checkpoint:
    """Read what ``check_folder`` takes; CheckpointError if it cannot be used."""
    folder = check_folder(path)
    config = _read_config(folder / CONFIG)
    raw = _read(folder / WEIGHTS)
    if hashlib.sha256(raw).hexdigest() != config.weights_sha256:
        raise CheckpointError(
            f"{folder / WEIGHTS} does not match the hash in {CONFIG}: the file is damaged or not "
            "the one it was saved with; fetch the folder again or export it anew."
        )
    try:
        state = load(raw)
    except SafetensorError as error:
        raise CheckpointError(f"{folder / WEIGHTS} cannot be read: {error}.") from error
    _check_state(config, state, folder)
    return Checkpoint(folder, config, state, _read_audit(folder / AUDIT))


def save_checkpoint(
    folder: str | Path,
    config: Config,
    state: Mapping[str, Tensor],
    audit: dict[str, object] | None = None,
) -> Config:
    """Write the folder and return the config with the hash of its half-precision weights.

    An audit that belongs to other weights is removed unless a new one is given.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    half = {
        name: (value.half() if value.is_floating_point() else value).detach().cpu().contiguous()
        for name, value in state.items()
    }
    raw = save(half)
    config = replace(config, weights_sha256=hashlib.sha256(raw).hexdigest())
    _check_state(config, half, folder)
    write_file(folder / WEIGHTS, raw)
    write_file(folder / CONFIG, _json(asdict(config)))
    if audit is None:
        (folder / AUDIT).unlink(missing_ok=True)
    else:
        write_file(folder / AUDIT, _json(audit))
    return config


def build_model(config: Config) -> nn.Module:
    """The network that the config names, with random weights, in eval mode."""
    return build_network(config.arch, config.outputs).eval()


def write_file(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a reader never sees half a file."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.replace(path)


def _json(value: Mapping[str, object]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}): a checkpoint folder holds {CONFIG} and "
            f"{WEIGHTS}."
        ) from error


def _read_config(path: Path) -> Config:
    try:
        return pydantic.TypeAdapter(Config).validate_json(_read(path))
    except pydantic.ValidationError as invalid:
        error = invalid.errors()[0]
        where = ".".join(map(str, error["loc"])) or "the whole file"
        raise CheckpointError(
            f"{path} is not a checkpoint's config: {where}: {error['msg']}."
        ) from invalid


def _read_audit(path: Path) -> dict[str, object] | None:
    if not path.exists():
        return None
    try:
        audit = json.loads(_read(path))
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON ({error}): delete or replace it.") from error
    if not isinstance(audit, dict):
        raise CheckpointError(f"{path} does not hold an audit: delete or replace it.")
    return audit


def _check_state(config: Config, state: Mapping[str, Tensor], folder: Path) -> None:
    with torch.device("meta"):
        expected = build_model(config).state_dict()
    wrong = [
        name
        for name in sorted(expected.keys() | state.keys())
        if name not in expected or name not in state or expected[name].shape != state[name].shape
    ]
    if wrong:
        raise CheckpointError(
            f"The weights in {folder} are not those of a {config.arch} with {len(config.classes)} "
            f"classes ({len(wrong)} tensors differ, the first is {wrong[0]})."
        )
