"""The page's structure and its API, over a checkpoint with random weights."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from gender_demo.audit import NO_AUDIT
from gender_demo.checkpoint import SHIPPED, CheckpointError
from gender_demo.page import build_page, is_shipped, launch_options, whose_model

if TYPE_CHECKING:
    from gender_demo.pipeline import Pipeline


@pytest.fixture(scope="module")
def page(random_pipeline: Pipeline) -> gr.Blocks:
    return build_page(random_pipeline)


@pytest.fixture(scope="module")
def client(page: gr.Blocks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The real server on a port of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        _, url, _ = page.launch(prevent_thread_lock=True, quiet=True, **launch_options())
        client = Client(url, verbose=False, download_files=tmp_path_factory.mktemp("fetched"))
        yield client
        client.close()
        page.close(verbose=False)


def values(page: gr.Blocks, kind: type[Any]) -> list[Any]:
    return [block.value for block in page.blocks.values() if isinstance(block, kind)]


def test_only_the_two_routes_are_public(page: gr.Blocks) -> None:
    assert set(page.get_api_info()["named_endpoints"]) == {"/annotate", "/photos"}


def test_nothing_of_a_visitor_is_kept(page: gr.Blocks) -> None:
    options = launch_options()
    assert options["run_history"] is False
    assert options["enable_monitoring"] is False
    assert page.analytics_enabled is False
    assert page.delete_cache is not None
    assert sum(page.delete_cache) <= 300


def test_no_font_or_script_comes_from_elsewhere() -> None:
    options = launch_options()
    assert not options["theme"]._stylesheets
    texts = [options["js"], options["theme"]._get_theme_css()]
    texts += [path.read_text() for path in (*options["css_paths"], *options["head_paths"])]
    assert not re.search(r"(url\(|src=|import|href=)\W*http", " ".join(texts))


def test_without_an_audit_the_page_says_so(page: gr.Blocks) -> None:
    (report,) = [v for v in values(page, gr.HTML) if isinstance(v, dict) and v["about"]]
    assert NO_AUDIT in report["about"]
    assert report["tables"] == report["charts"] == []
    assert any("nothing was measured" in text for text in values(page, gr.Markdown) if text)


def test_another_persons_model_is_named(page: gr.Blocks, random_pipeline: Pipeline) -> None:
    checkpoint = random_pipeline.checkpoint
    said = whose_model(checkpoint)
    assert said == (
        "The model “random” from the folder “random” (not the project's own) "
        "knows the labels female, male."
    )
    assert not is_shipped(checkpoint)
    assert is_shipped(replace(checkpoint, path=SHIPPED))
    assert any("not the project" in text for text in values(page, gr.Markdown) if text)


def test_an_audit_of_unknown_form_is_a_sentence(random_pipeline: Pipeline) -> None:
    from gender_demo.audit import VERSION, settings

    config = random_pipeline.checkpoint.config
    audit = {
        "version": VERSION,
        "checkpoint": {"weights_sha256": config.weights_sha256},
        "settings": settings(config),
    }
    pipeline = type(random_pipeline)(
        random_pipeline.detect,
        random_pipeline.classify,
        replace(random_pipeline.checkpoint, audit=audit),
    )
    with pytest.raises(CheckpointError, match=r"audit\.json cannot be read by this version"):
        build_page(pipeline)


def test_annotate_route(client: Client, astronaut_path: Path) -> None:
    path, analysis = client.predict(handle_file(str(astronaut_path)), api_name="/annotate")
    with Image.open(path) as drawn:
        assert drawn.size == (512, 512)
    assert analysis["size"] == [512, 512]
    assert analysis["predictions"][0]["probabilities"][0][0] == "female"


def test_photos_route(client: Client, astronaut_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no")
    gallery, table, csv_path, json_path, zip_path = client.predict(
        [handle_file(str(astronaut_path)), handle_file(str(broken))], api_name="/photos"
    )
    assert len(gallery) == 1
    assert table["headers"] == ["File", "Face", "Perceived as", "Probability", "Reasons", "Box"]
    assert table["data"][0][0] == "astronaut.jpg"
    assert table["data"][-1][4].startswith("broken.jpg is not a picture")
    assert Path(csv_path).read_text().startswith("file,face,label,probability,reasons,")
    assert len(json.loads(Path(json_path).read_text())) == 2
    assert Path(zip_path).stat().st_size > 10_000


def test_a_bad_picture_reaches_the_client_as_one_sentence(client: Client, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(Exception, match=r"empty\.png is empty\."):
        client.predict(handle_file(str(tmp_path / "empty.png")), api_name="/annotate")
