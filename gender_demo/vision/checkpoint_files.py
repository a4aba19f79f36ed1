"""The files of a checkpoint folder, and whether its weights are those that its config names."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

CONFIG, WEIGHTS, AUDIT, CARD = "config.json", "model.safetensors", "audit.json", "README.md"


def stated_hash(folder: Path) -> str | None:
    """SHA-256 of the weights as config.json states it; None where it is no checkpoint's config."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except ValueError:
        return None
    if not isinstance(config, dict) or "classes" not in config:
        return None
    stated = config.get("weights_sha256")
    return stated if isinstance(stated, str) else None


def weights_match(folder: Path) -> bool:
    """Whether the folder's weights have the hash that its config states."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest() == stated_hash(folder)
