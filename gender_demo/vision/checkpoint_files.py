"""The files of a checkpoint folder, and whether its weights are those that its config names."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

CONFIG, WEIGHTS, AUDIT, CARD = "config.json", "model.safetensors", "audit.json", "README.md"


def stated_hash(folder: Path) -> str | None:
    """SHA-256 of the weights as config.json states it; None where it is no checkpoint's config."""
    config = _config(folder)
    stated = config.get("weights_sha256") if "classes" in config else None
    return stated if isinstance(stated, str) else None


def stated_classes(folder: Path) -> list[str]:
    """The classes as config.json states them; empty where it is no checkpoint's config."""
    stated = _config(folder).get("classes")
    return [name for name in stated if isinstance(name, str)] if isinstance(stated, list) else []


def weights_match(folder: Path) -> bool:
    """Whether the folder's weights have the hash that its config states."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest() == stated_hash(folder)


def _config(folder: Path) -> dict[str, object]:
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
