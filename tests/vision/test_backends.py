"""OpenVINO gives what torch gives; without it torch takes over; nothing is told to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn

from gender_demo.vision import backends
from gender_demo.vision.backends import (
    MISSING,
    Network,
    OpenVinoBackend,
    TorchBackend,
    choose_backend,
)
from tests.support.paths import ROOT

CPU = torch.device("cpu")


class Small(nn.Module):
    """Two outputs, one of them per pixel, as P-Net's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        features = self.norm(self.conv(pixels.float() / 255 - 0.5)).relu()
        return features, features.mean((2, 3)).softmax(1)


def pictures(count: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    size = (count, 3, height, width)
    return torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)


@pytest.fixture(scope="module")
def networks() -> tuple[Network, Network]:
    torch.manual_seed(3)
    module = Small().eval()
    both = OpenVinoBackend(), TorchBackend(CPU)
    ours, plain = (b.load(module, pictures(1, 16, 16), any_size=True) for b in both)
    return ours, plain


@pytest.mark.parametrize(
    ("count", "height", "width"), [(1, 16, 16), (2, 40, 9), (13, 24, 24), (37, 12, 50)]
)
def test_openvino_gives_what_torch_gives(
    networks: tuple[Network, Network], count: int, height: int, width: int
) -> None:
    ours, plain = networks
    pixels = pictures(count, height, width)
    for found, expected in zip(ours(pixels), plain(pixels), strict=True):
        assert found.shape == expected.shape
        assert torch.allclose(found, expected, atol=1e-5)


def test_callers_at_once_get_their_own_answers(networks: tuple[Network, Network]) -> None:
    ours, plain = networks
    batches = [pictures(n, 32, 32) for n in range(1, 33)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ours, batches))
    for batch, (_, found) in zip(batches, answers, strict=True):
        assert torch.allclose(found, plain(batch)[1], atol=1e-5)


def test_large_pictures_go_through_in_small_parts(
    networks: tuple[Network, Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What OpenVINO once took for a batch it keeps."""
    ours, plain = networks
    infer, sizes = backends.infer, []

    def note(request: Any, rows: Tensor) -> tuple[Tensor, ...]:
        sizes.append(len(rows))
        return infer(request, rows)

    monkeypatch.setattr(backends, "infer", note)
    monkeypatch.setattr(backends, "PART_PIXELS", 3 * 40 * 50)
    for height, expected in ((40, [2, 2, 1]), (130, [1] * 5), (10, [4, 1])):
        sizes.clear()
        pixels = pictures(5, height, 50)
        for found, other in zip(ours(pixels), plain(pixels), strict=True):
            assert torch.allclose(found, other, atol=1e-5)
        assert sizes == expected


def test_torch_takes_over_where_openvino_cannot_be_loaded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    backend = choose_backend(CPU)
    assert isinstance(backend, TorchBackend)
    (record,) = caplog.records
    assert record.getMessage().startswith(MISSING.partition("%")[0])
    with pytest.raises(ImportError):
        choose_backend(CPU, "openvino")


def test_torch_takes_over_where_openvino_cannot_compile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a variable of oneDNN's forbids what the CPU could do."""
    refuse = "Exception from core.cpp:117:\nSupported descriptors list is empty\n\n"
    example = pictures(1, 48, 40)
    backend, strict = choose_backend(CPU), choose_backend(CPU, "openvino")
    core = SimpleNamespace(compile_model=Mock(side_effect=RuntimeError(refuse)))
    for each in (backend, strict):
        monkeypatch.setattr(each, "_core", core)
    module = Small().eval()
    found = backend.load(module, example, least="bfloat16")(example)
    assert torch.equal(found[1], TorchBackend(CPU).load(module, example)(example)[1])
    assert backend.name.startswith("torch")
    assert backend.precision("bfloat16") == "float32"
    backend.load(module, example)
    assert core.compile_model.call_count == 1, "it is not tried again"
    (record,) = caplog.records
    assert "(Supported descriptors list is empty)" in record.getMessage()
    with pytest.raises(RuntimeError):
        strict.load(module, example)


def test_a_gpu_and_whoever_asks_for_it_get_torch(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(choose_backend(torch.device("cuda")), TorchBackend)
    assert isinstance(choose_backend(CPU, "torch"), TorchBackend)
    assert TorchBackend(torch.device("cuda")).precision("bfloat16") == "float16"
    assert TorchBackend(CPU).precision("bfloat16") == "float32"
    assert not caplog.records


def test_openvino_counts_no_uses_and_serving_needs_no_compiler(tmp_path: Path) -> None:
    """Its telemetry would leave an identity in the home folder and call Google Analytics;
    torchvision takes torch's compiler along, a third of the time until the page is up."""
    code = (
        "import sys; from PIL import Image; from gender_demo.vision.detector import FaceDetector;"
        "FaceDetector().detect([Image.new('RGB', (64, 48))]);"
        "unwanted = ('openvino_telemetry.', 'torchvision', 'torch._dynamo', 'sympy');"
        "print([name for name in sys.modules if name.startswith(unwanted)])"
    )
    # In CI it would be silent by itself.
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "TF_BUILD")}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment | {"HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
