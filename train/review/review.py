"""Look at the most doubtful faces and say what they are: keep, relabel or drop.

A page in the browser, after fast.ai's ImageClassifierCleaner. Every decision is in the manifest at
once and can be taken back, also another day; the next ``train fit`` learns from what is left.
"""

from __future__ import annotations

import argparse
import os
import threading

from gender_demo.errors import CheckpointError, DataError
from train.review.desk import ReviewDesk


def run(args: argparse.Namespace) -> int:
    """Serve the page on this machine until interrupted."""
    if args.folds == 1 or args.folds < 0:
        raise SystemExit(f"--folds {args.folds}: give 2 or more, 5 for example.")
    try:
        desk = ReviewDesk(args.data, args.checkpoint, args.folds)
    except (CheckpointError, DataError) as error:
        raise SystemExit(str(error)) from None
    # Gradio reads it when it is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from train.review.page import build_page, launch_options

    page = build_page(desk)
    try:
        _, url, _ = page.launch(server_port=args.port, **launch_options())
    except OSError as error:
        raise SystemExit(f"The page cannot be served on port {args.port} ({error}).") from None
    print(f"Look at {url} (stop with Ctrl+C).", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        page.close(verbose=False)
    return 0
