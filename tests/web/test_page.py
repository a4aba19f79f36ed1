"""The page's structure, over a checkpoint with random weights."""

from __future__ import annotations

import asyncio
import errno
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr
import pytest
from gradio import route_utils
from gradio.queueing import Queue

from gender_demo.audit.wording import NO_AUDIT
from gender_demo.errors import CheckpointError
from gender_demo.operator import Operator
from gender_demo.vision.preflight import SHIPPED
from gender_demo.web.middleware import Traffic
from gender_demo.web.page import (
    build_page,
    is_shipped,
    launch_options,
    who_runs_it,
    whose_model,
)
from gender_demo.web.safe_blocks import (
    SafeBlocks,
    delete_old_files,
    forgive_closed_sessions,
    names_address,
    outlive_deletions,
)
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from gender_demo.vision.pipeline import Pipeline


def build(pipeline: Pipeline, operator: Operator | None = None) -> gr.Blocks:
    """Inside a running loop: outside of one, gradio opens loops that it never closes. In a thread
    of its own, since Playwright leaves a loop running in the main one."""

    async def inside() -> gr.Blocks:
        return build_page(pipeline, operator)

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, inside()).result()


@pytest.fixture(scope="module")
def page(random_pipeline: Pipeline) -> gr.Blocks:
    return build(random_pipeline)


def values(page: gr.Blocks, kind: type[Any]) -> list[Any]:
    return [block.value for block in page.blocks.values() if isinstance(block, kind)]


def test_the_page_loads_no_torch_and_gradio_writes_no_type_hints() -> None:
    code = (
        "import sys; from gender_demo.web.type_stubs import skip_type_stubs; skip_type_stubs();"
        "import gender_demo.web.page; from gradio.component_meta import create_or_modify_pyi;"
        "print('torch' in sys.modules, create_or_modify_pyi.__module__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["False", "gender_demo.web.type_stubs"]


def test_only_the_three_routes_are_public(page: gr.Blocks) -> None:
    assert set(page.get_api_info()["named_endpoints"]) == {"/annotate", "/photos", "/video"}


def test_nothing_of_a_visitor_is_kept(page: gr.Blocks) -> None:
    options = launch_options(Traffic(Path()))
    assert options["run_history"] is False
    assert options["enable_monitoring"] is False
    assert page.analytics_enabled is False
    assert page.delete_cache is not None
    assert sum(page.delete_cache) <= 300


def test_no_font_or_script_comes_from_elsewhere() -> None:
    options = launch_options(Traffic(Path()))
    assert not options["theme"]._stylesheets
    texts = [options["js"], options["theme"]._get_theme_css()]
    texts += [path.read_text() for path in (*options["css_paths"], *options["head_paths"])]
    assert not re.search(r"(url\(|src=|import|href=)\W*http", " ".join(texts))


def test_without_an_audit_the_page_says_so(page: gr.Blocks) -> None:
    (report,) = [v for v in values(page, gr.HTML) if isinstance(v, dict) and v.get("about")]
    assert NO_AUDIT in report["about"]
    assert report["tables"] == report["charts"] == []
    assert not {"picture", "sure", "experts"} & set(report)
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


@pytest.mark.parametrize(
    ("operator", "said"),
    [
        (Operator("Ann", "mailto:ann@a.org"), r"run by Ann: [ann\@a\.org](mailto:ann@a.org)."),
        (Operator("[x](y) *Z*", "https://a.org"), r"run by \[x\]\(y\) \*Z\*: [https\:"),
        (Operator("<b>Ann</b>", "https://a.org"), r"run by \<b\>Ann\<\/b\>: "),
        (None, "nobody is named as its operator"),
    ],
)
def test_the_page_says_who_runs_it(operator: Operator | None, said: str) -> None:
    assert said in who_runs_it(operator)


def test_every_sentence_about_who_runs_it_follows_the_flags(
    page: gr.Blocks, random_pipeline: Pipeline
) -> None:
    operated = build(random_pipeline, Operator("Ann Example", "mailto:ann@a.org"))
    for built, named in ((page, False), (operated, True)):
        text = " ".join(filter(None, values(built, gr.Markdown)))
        assert ("run by Ann Example" in text) == named
        assert ("[Contact](mailto:ann@a.org)" in text) == named
        assert ("write to whoever runs this page, named at its top" in text) == named
        assert ("write to whoever gave you this page’s address" in text) != named
        assert ("nobody is named as its operator" in text) != named


def test_an_audit_of_unknown_form_is_a_sentence(random_pipeline: Pipeline) -> None:
    from gender_demo.audit.reading import settings
    from gender_demo.audit.schema import VERSION

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
        build(pipeline)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "ann.jpg"), "disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "ann.jpg"), "disk is full"),
        (ValueError("ann.jpg"), "could not answer"),
    ],
)
def test_what_breaks_in_a_picture_request_is_one_sentence(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise error

    async def call() -> None:
        with SafeBlocks(analytics_enabled=False) as page:
            gr.Button().click(broken, None, gr.Textbox())
        await page.process_api(page.fns[0], [])

    with ThreadPoolExecutor(1) as threads, pytest.raises(gr.Error, match=said) as caught:
        threads.submit(asyncio.run, call()).result()
    assert caught.value.print_exception is False, "gradio prints no traceback"
    (line,) = [record.getMessage() for record in caplog.records]
    assert "ann.jpg" not in line + str(caught.value)


@pytest.mark.parametrize(
    "sent",
    [{"path": None}, {"path": 3, "meta": {"_type": "gradio.FileData"}}, 7, "a.jpg", True,
     {"path": "a", "size": "x", "meta": {"_type": "gradio.FileData"}}, ["a"], float("nan")],
)  # fmt: skip
def test_what_is_no_file_is_one_sentence_and_no_failure(
    page: gr.Blocks, sent: Any, caplog: pytest.LogCaptureFixture
) -> None:
    annotate = next(fn for fn in page.fns.values() if fn.api_name == "annotate")
    with ThreadPoolExecutor(1) as threads, pytest.raises(gr.Error) as caught:
        threads.submit(asyncio.run, page.process_api(annotate, [sent])).result()
    assert str(caught.value.message).endswith(".")
    assert "\n" not in str(caught.value.message)
    assert not caplog.records, [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("route", ["annotate", "photos"])
def test_too_few_inputs_are_one_sentence_and_no_failure(
    page: gr.Blocks, route: str, caplog: pytest.LogCaptureFixture
) -> None:
    called = next(fn for fn in page.fns.values() if fn.api_name == route)
    with ThreadPoolExecutor(1) as threads, pytest.raises(gr.Error, match="has not the form"):
        threads.submit(asyncio.run, page.process_api(called, [])).result()
    assert not caplog.records


def test_files_that_requests_keep_are_deleted_whatever_else_is_kept_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(tmp_path / f"{n}.jpg") for n in range(9)]
    for path in paths[1:]:  # the first is gone already
        Path(path).touch()
    files = set(paths)

    class Component:
        @property
        def keep_in_cache(self) -> set[str]:
            return {paths[8]}

    blocks: Any = SimpleNamespace(blocks={1: Component()}, temp_file_sets=[files, set()])
    unlink = Path.unlink

    def another_comes(path: Path, missing_ok: bool) -> None:
        files.add(f"{path}.new")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", another_comes)
    delete_old_files(blocks, 60)
    assert files == set(paths[1:]) | {f"{paths[0]}.new"}, "only what is gone is forgotten"
    delete_old_files(blocks, None)
    assert [path.name for path in tmp_path.iterdir()] == ["8.jpg"]
    monkeypatch.setattr(route_utils, "delete_files_created_by_app", None)
    outlive_deletions()
    assert route_utils.delete_files_created_by_app is delete_old_files


def test_a_visitor_who_has_gone_fails_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Queue, "send_message", Queue.send_message)
    forgive_closed_sessions()
    messages: asyncio.Queue[Any] = asyncio.Queue()
    queue: Any = SimpleNamespace(pending_messages_per_session={"here": messages})
    for session in ("gone", "here"):
        event: Any = SimpleNamespace(alive=True, session_hash=session, _id=session)
        Queue.send_message(queue, event, SimpleNamespace())  # type: ignore[arg-type]
    assert messages.get_nowait().event_id == "here"
    assert messages.empty()


def test_a_file_named_by_an_address_is_not_fetched(page: gr.Blocks) -> None:
    file = {"path": "HTTPS://example.invalid/a.jpg", "meta": {"_type": "gradio.FileData"}}
    photos = next(fn for fn in page.fns.values() if fn.api_name == "photos")
    with ThreadPoolExecutor(1) as threads, pytest.raises(gr.Error, match="Send the picture itself"):
        threads.submit(asyncio.run, page.process_api(photos, [[file]])).result()
    assert not names_address([[{"path": "/tmp/http/a.jpg", "url": None}], "http://a", 1])
