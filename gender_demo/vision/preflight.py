"""What is refused at once, before torch is loaded, which takes seconds: a checkpoint folder or a
device that is not there."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from gender_demo.errors import CheckpointError, DeviceError
from gender_demo.sensitive import why_refused
from gender_demo.vision.checkpoint_files import CONFIG, WEIGHTS, stated_classes
from gender_demo.vision.hub import fetch, is_hub_name

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints" / "resnet29-fairface"
CHECKPOINT_VARIABLE = "GENDER_DEMO_CHECKPOINT"
"""Where a Space finds which checkpoint it serves; ``deploy`` sets it."""
CHECKPOINT_HELP = "folder, or hf:USER/MODEL[@revision] on the Hugging Face Hub (the shipped one)"


def check_folder(path: str | Path | None) -> Path:
    """The checkpoint folder (None: the shipped one; hf:USER/MODEL[@revision]: fetched from the
    Hub); CheckpointError if there is none."""
    if path is not None and is_hub_name(path):
        return fetch(path)
    folder = SHIPPED if path is None else Path(path)
    if not os.path.isdir(folder):  # unlike Path, for any name
        raise CheckpointError(
            f"There is no checkpoint folder at {folder}: give a folder that holds "
            f"{CONFIG} and {WEIGHTS}."
        )
    for name in (CONFIG, WEIGHTS):
        if not os.path.isfile(folder / name):
            raise CheckpointError(
                f"{folder / name} cannot be read (there is no such file): a checkpoint folder "
                f"holds {CONFIG} and {WEIGHTS}."
            )
    return folder


def check_labels(folder: Path, *, allowed: bool) -> None:
    """CheckpointError where a checkpoint's labels are sensitive (``gender_demo.sensitive``) and
    that is not ``allowed``."""
    if not allowed and (why := why_refused(stated_classes(folder))):
        raise CheckpointError(f"{why}.")


def check_device(name: str) -> None:
    """DeviceError for what is no device, or certainly not one of this machine."""
    kind, _, number = name.partition(":")
    possible = {
        "auto": not number,
        "cpu": not number,
        "mps": not number and sys.platform == "darwin",
        "cuda": (not number or number.isdigit()) and _may_have_cuda(),
    }
    if kind not in possible:
        raise DeviceError(f"The device {name!r} is not known: use auto, cpu, cuda, cuda:N or mps.")
    if not possible[kind]:
        raise no_device(name)


def no_device(name: str) -> DeviceError:
    """The error that says so in one sentence."""
    return DeviceError(f"The device {name!r} is not on this machine: use --device auto or cpu.")


def _may_have_cuda() -> bool:
    """Only torch knows for certain; on Linux it needs NVIDIA's driver, or AMD's."""
    if sys.platform != "linux":
        return sys.platform != "darwin"
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return Path("/dev/kfd").exists()
    return True
