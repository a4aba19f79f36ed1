"""About: what every export says of itself, so that it can be judged where the page is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gender_demo.vision.checkpoint import Config

CAVEAT = "A guess at how strangers may perceive a face, often wrong; not who somebody is."


@dataclass(frozen=True)
class About:
    """The model's name, the day of the analysis (UTC, ISO 8601), the probability (0 to 1) below
    which the label is withheld, and one caveat."""

    model: str
    date: str
    threshold: float
    caveat: str = CAVEAT

    @classmethod
    def today(cls, config: Config) -> About:
        """About what a model with this config says today."""
        date = datetime.now(timezone.utc).date().isoformat()
        return cls(config.name, date, round(config.rules.min_probability, 4))

    def sentence(self) -> str:
        """All of it in one line, for a drawn picture's comment."""
        return f"Model {self.model}, {self.date}, unsure below {self.threshold:g}. {self.caveat}"
