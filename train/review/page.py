"""The page of ``train review``, after fast.ai's ImageClassifierCleaner."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from gender_demo.web.theme import build_theme
from train.data.decisions import DROP, KEEP
from train.review.desk import ReviewDesk, Shown, View

TEMPLATES = Path(__file__).parent / "templates"
EVERY = "every class"


def build_page(desk: ReviewDesk) -> gr.Blocks:
    """The page; ``launch_options()`` belong to it."""
    page: gr.Blocks = gr.Blocks(title="Review faces", analytics_enabled=False)
    with page:
        gr.Markdown("# Which labels are wrong?")
        with gr.Row():
            rank = gr.Dropdown(
                desk.ranks, value=desk.ranks[0], label="Show first", elem_id="review-rank"
            )
            label = gr.Dropdown(
                [EVERY, *desk.classes], value=EVERY, label="Labelled", elem_id="review-class"
            )
        face = gr.HTML(
            _escaped(desk.show("")),
            html_template=(TEMPLATES / "review.html").read_text(encoding="utf-8"),
            apply_default_css=False,
        )
        with gr.Row():
            actions = {
                gr.Button("Keep (K)", elem_id="review-keep", variant="primary"): KEEP,
                gr.Button("Drop (D)", elem_id="review-drop"): DROP,
                **{
                    gr.Button(f"{name} ({i})", elem_id=f"review-{i}"): name
                    for i, name in enumerate(desk.classes, 1)
                },
            }
            back = gr.Button("Undo (U)", elem_id="review-undo")

        def on(event: Any, answer: Callable[[str, View], Shown]) -> None:
            """Show what ``answer`` says of the face shown and of the view chosen."""

            def act(shown: dict[str, object], rank: str, label: str) -> object:
                view = View(rank, "" if label == EVERY else label)
                return _escaped(answer(html.unescape(str(shown["path"])), view))

            _on_event(event, act, [face, rank, label], face)

        def decide(action: str) -> Callable[[str, View], Shown]:
            return lambda path, view: desk.decide(path, action, view)

        for button, action in actions.items():
            on(button.click, decide(action))
        on(back.click, lambda _, view: desk.undo(view))
        for event in (page.load, rank.change, label.change):
            on(event, lambda _, view: desk.show("", view))
    return page


def _on_event(event: Any, act: Callable[..., object], inputs: list[Any], face: gr.HTML) -> None:
    """One decision at a time: a quick second key waits for the first one's answer."""
    event(
        act,
        inputs,
        [face],
        show_progress="hidden",
        concurrency_id="one",
        concurrency_limit=1,
        api_visibility="private",
    )


def _escaped(shown: Shown) -> object:
    """Names come from files: nothing in them may be read as markup."""

    def escape(value: object) -> object:
        if isinstance(value, dict):
            return {key: escape(inner) for key, inner in value.items()}
        if isinstance(value, tuple | list):
            return [escape(inner) for inner in value]
        return html.escape(value) if isinstance(value, str) else value

    return escape(asdict(shown))


def launch_options() -> dict[str, Any]:  # each value as launch() types it
    """On this machine only; nothing is kept in the browser or sent to others."""
    return {
        "server_name": "127.0.0.1",
        "theme": build_theme(),
        "css_paths": [TEMPLATES / "review.css"],
        "js": (TEMPLATES / "review.js").read_text(encoding="utf-8"),
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "ssr_mode": False,
        "show_error": True,
        "prevent_thread_lock": True,
        "quiet": True,
    }
