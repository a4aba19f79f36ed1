"""A full GPU, played by nets that raise: halves, then the CPU, with the same answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

from gender_demo.vision.classifier import Classifier
from gender_demo.vision.detector import FaceDetector
from gender_demo.vision.memory_fallback import WENT_TO_CPU, retry_with_half_batch
from gender_demo.vision.mtcnn import Mtcnn

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline

CPU = torch.device("cpu")


def test_halves_until_it_fits() -> None:
    tried: list[int] = []

    def run(items: Sequence[int]) -> list[int]:
        tried.append(len(items))
        if len(items) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return [-item for item in items]

    def never() -> None:
        raise AssertionError("the CPU is not needed")

    assert retry_with_half_batch(run, range(10), never) == [-n for n in range(10)]
    assert tried == [10, 5, 2, 3, 5, 2, 3]


def test_other_errors_pass() -> None:
    def run(items: Sequence[int]) -> list[int]:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        retry_with_half_batch(run, [1, 2], lambda: None)


def test_the_classifier_goes_to_the_cpu_and_says_so(
    random_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    crops = [Image.new("RGB", (64, 64), (n, 90, 200)) for n in (0, 120, 250)]
    expected = random_pipeline.classify(crops)
    classifier = Classifier(random_pipeline.checkpoint, CPU)
    full = classifier.network

    def no_memory(some: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(classifier, "network", no_memory)
    found = classifier(crops)
    assert classifier.network not in (full, no_memory)
    assert classifier.device == CPU
    assert [pytest.approx(row, abs=1e-5) for row in expected] == found
    assert [record.getMessage() for record in caplog.records] == [WENT_TO_CPU]


def test_the_detector_goes_to_the_cpu_and_finds_the_same(
    astronaut: Image.Image, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    small = astronaut.resize((256, 256))
    pictures = [small, small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    expected = FaceDetector("cpu").detect(pictures)
    full = FaceDetector("cpu")
    first = full._mtcnn  # stands for nets on a GPU without memory

    def guarded(name: str) -> Any:
        real = getattr(Mtcnn, name)

        def run(self: Mtcnn, *args: Any) -> Any:
            if self is first:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return real(self, *args)

        return run

    for name in ("propose", "locate"):
        monkeypatch.setattr(Mtcnn, name, guarded(name))
    found = full.detect(pictures)
    for faces, same in zip(found, expected, strict=True):
        assert [face.box for face in faces] == [pytest.approx(f.box, abs=0.01) for f in same]
    assert [record.getMessage() for record in caplog.records] == [WENT_TO_CPU]
    followed = full.follow(pictures, [[face.box for face in faces] for faces in expected])
    assert [len(faces) for faces in followed] == [1, 1]
