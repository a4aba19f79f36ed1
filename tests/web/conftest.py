"""What several tests of the page's parts start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gender_demo.web.photos import Annotator

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline


@pytest.fixture
def annotator(
    random_pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Annotator:
    """Photos of random weights, with a cache of its own."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    return Annotator(random_pipeline)
