"""torchvision's compiled operations, without torchvision where that is possible.

Its Python part imports torch's compiler and with it sympy: five seconds of a core and 200 MB that
serving has no use for.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch


@cache
def compiled_ops() -> Any:
    """What has ``nms(boxes, scores, threshold)`` and ``roi_align(images, rois, scale, height,
    width, sampling_ratio, aligned)``."""
    spec = find_spec("torchvision")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for library in Path(folder).glob("_C*"):
            with suppress(OSError):
                torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
    if not hasattr(torch.ops.torchvision, "nms"):
        import torchvision  # noqa: F401 - registers them
    return torch.ops.torchvision
