"""The page of ``train review``, after fast.ai's ImageClassifierCleaner."""

from __future__ import annotations

import html
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from gender_demo.web.theme import build_theme
from train.data.decisions import DROP, KEEP
from train.review.desk import ReviewDesk, Shown

TEMPLATES = Path(__file__).parent / "templates"


def build_page(desk: ReviewDesk) -> gr.Blocks:
    """The page; ``launch_options()`` belong to it."""
    page: gr.Blocks = gr.Blocks(title="Review faces", analytics_enabled=False)
    with page:
        gr.Markdown("# Which labels are wrong?")
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

        def act(action: str) -> Any:
            return lambda shown: _escaped(desk.decide(html.unescape(shown["path"]), action))

        # One decision at a time: a quick second key waits for the first one's answer.
        quiet: dict[str, Any] = {"show_progress": "hidden", "concurrency_id": "one",
                                 "concurrency_limit": 1, "api_visibility": "private"}  # fmt: skip
        for button, action in actions.items():
            button.click(act(action), [face], [face], **quiet)
        back.click(lambda: _escaped(desk.undo()), None, [face], **quiet)
        page.load(lambda: _escaped(desk.show("")), None, [face], **quiet)
    return page


def _escaped(shown: Shown) -> dict[str, Any]:
    """Names come from files: nothing in them may be read as markup."""
    return {k: html.escape(v) if isinstance(v, str) else v for k, v in asdict(shown).items()}


def launch_options() -> dict[str, Any]:
    """On this machine only; nothing is kept in the browser or told to others."""
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
