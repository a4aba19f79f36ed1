"""Where the project and its public-domain pictures are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "gender_demo" / "web" / "static" / "examples"
ASTRONAUT = EXAMPLES / "astronaut.jpg"
SOLVAY = EXAMPLES / "solvay_1927.jpg"
