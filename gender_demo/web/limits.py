"""How much the server takes at once: sizes of requests and uploads, visitors, waiting calls."""

from __future__ import annotations

from gender_demo.video.limits import Limits

MAX_JSON_BYTES = 1_000_000
MAX_UPLOAD_BYTES = 500_000_000
"""One upload, all its files together."""
MAX_STORED_BYTES = 4_000_000_000
"""All pictures that wait to be deleted; an upload that would pass this is rejected."""
MAX_UPLOADS, MAX_REQUESTS = 16, 400
"""Uploads and requests of all kinds that are answered at the same time."""
BODY_PAUSE_S = 20.0
"""A sender who pauses for longer in the middle of a request is given up."""
SPARE_DISK_BYTES = 200_000_000
MAX_WAITING = 64
"""Photo requests that wait for their turn."""
MAX_FILES = 100
"""Photos of one request."""
MAX_EXPLANATIONS, MAX_EXPLAINED = 4, 1000
"""Explanations of faces worked on or waiting, and photos that may be asked about or downloaded."""
MAX_WORD, MAX_WISHES = 24, 10_000
"""Letters of a visitor's own label, and faces of one download that have one or are hidden."""
MAX_VIEWERS = 32
"""Live views at the same time."""
MAX_SESSIONS = 64
"""Sessions that gradio remembers: they hold nothing of ours, and a forgotten one is made anew."""
VIDEO = Limits(minutes=2, bytes=100_000_000, pixels=1920 * 1088, frames=15_000)
"""One video; ``static/video.md`` says it to visitors."""
