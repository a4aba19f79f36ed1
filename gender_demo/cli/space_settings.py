"""read_settings(): the README's front matter, by the rules that Spaces applies to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gender_demo.errors import DeployError

ROOT = Path(__file__).resolve().parents[2]
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
KEYS = (
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version"),
    *("app_file", "license", "short_description", "tags", "pinned", "thumbnail", "header"),
    *("fullWidth", "models", "datasets", "suggested_hardware", "startup_duration_timeout"),
)
LICENCE = "apache-2.0"
SHORT_DESCRIPTION = 60


def read_settings(root: Path = ROOT) -> dict[str, object]:
    """The README's front matter, checked by the rules that Spaces would apply after the upload."""
    from huggingface_hub import metadata_load

    try:
        found = metadata_load(root / "README.md")
    except Exception as error:
        first = str(error).splitlines()[0]
        raise DeployError(f"README.md's front matter cannot be read: {first}.") from None
    if not found:
        raise DeployError("README.md must begin with the Space's settings between two lines ---.")
    lock = re.search(r"^gradio==(\S+)", (root / "requirements.lock").read_text(), re.M)
    locked = lock[1] if lock else "none"
    rules: list[tuple[str, Callable[[Any], bool], str]] = [
        ("title", _is_text, "a title"),
        ("emoji", lambda value: _is_text(value) and len(value) <= 4, "one emoji"),
        ("colorFrom", lambda value: value in COLOURS, f"one of {', '.join(COLOURS)}"),
        ("colorTo", lambda value: value in COLOURS, f"one of {', '.join(COLOURS)}"),
        ("sdk", lambda value: value == "gradio", "gradio"),
        ("sdk_version", lambda value: value == locked, f"{locked}, as in requirements.lock"),
        ("python_version", _is_python, 'a version in quotes such as "3.11"'),
        ("app_file", lambda value: value == "app.py", "app.py"),
        ("license", lambda value: value == LICENCE, LICENCE),
        (
            "short_description",
            lambda value: _is_text(value) and len(value) <= SHORT_DESCRIPTION,
            f"a text of {SHORT_DESCRIPTION} characters at most",
        ),
    ]
    for key, holds, wanted in rules:
        if not holds(found.get(key)):
            raise DeployError(f"README.md's front matter: {key} must be {wanted}.")
    if unknown := sorted(set(found) - set(KEYS)):
        raise DeployError(f"README.md's front matter: {unknown[0]} is no setting of a Space.")
    return dict(found)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_python(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"3\.1\d", value))
