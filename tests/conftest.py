"""What many tests need: the two public-domain pictures and a checkpoint with random weights."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from PIL import Image

from tests.support.paths import EXAMPLES
from tests.support.server import free_port

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline


# The same cases each time, whatever the machine is busy with.
settings.register_profile("project", deadline=None, derandomize=True, database=None)
settings.load_profile("project")

# A run started by nohup, or in a shell's background, is deaf to these and hands that on to the
# programs under test; with a handler here they start as they do elsewhere.
for deaf in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(deaf) == signal.SIG_IGN:
        signal.signal(deaf, lambda *_: None)

# Somebody may be looking at the page, on the port that is the default, while the tests run.
os.environ["GRADIO_SERVER_PORT"] = str(free_port())

LONGEST_FIRST = ("train", "web")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest starts first, so that of two processes none is left over at the end."""

    def room(item: pytest.Item) -> str:
        return item.path.relative_to(Path(__file__).parent).parts[0]

    items.sort(key=lambda item: (*LONGEST_FIRST, room(item)).index(room(item)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.support.two_processes import Files

    return Files(config, log)


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """512 x 512 pixels, one face."""
    return EXAMPLES / "astronaut.jpg"


@pytest.fixture(scope="session")
def solvay_path() -> Path:
    """2000 x 1333 pixels, grey, 29 faces."""
    return EXAMPLES / "solvay_1927.jpg"


@pytest.fixture(scope="session")
def astronaut(astronaut_path: Path) -> Image.Image:
    return Image.open(astronaut_path).convert("RGB")


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder with random weights and no audit, whose labels are never withheld for
    being a close call."""
    import torch

    from gender_demo.vision.checkpoint import (
        Config,
        build_model,
        save_checkpoint,
    )
    from gender_demo.vision.decision import Rules

    folder = tmp_path_factory.mktemp("checkpoints") / "random"
    config = Config("random", ("female", "male"), input_px=64, rules=Rules(min_probability=0.5))
    torch.manual_seed(0)
    save_checkpoint(folder, config, build_model(config).state_dict())
    return folder


@pytest.fixture(scope="session")
def random_pipeline(random_checkpoint: Path) -> Pipeline:
    from gender_demo.vision.pipeline import load_pipeline

    return load_pipeline(random_checkpoint, "cpu")
