"""Exit codes of all commands."""

from __future__ import annotations

DONE, SOME_FAILED, NOT_STARTED = 0, 1, 2
"""All done; some files could not be read or written, the others done; wrong use."""
