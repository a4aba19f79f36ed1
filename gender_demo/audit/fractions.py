"""Error rates as plain fractions, for people who do not think in percent."""

from __future__ import annotations

from gender_demo.audit.figures import Rate


def one_in(rate: Rate) -> str:
    """ "about 1 in 25", "about 4 in 10" above one in three, "none of 120"."""
    if not rate.hits:
        return f"none of {rate.count:,}"
    share = rate.hits / rate.count
    if share <= 0.35:
        return f"about 1 in {round(1 / share)}"
    return f"about {min(9, round(10 * share))} in 10" if share < 1 else f"all {rate.count:,}"


def wrong(rate: Rate, what: str = "labels shown") -> str:
    """ "about 1 in 25 labels shown is wrong"."""
    fraction = one_in(rate)
    return f"{fraction} {what} {'is' if fraction.startswith('about 1 in') else 'are'} wrong"


def whole_percent(share: float) -> str:
    """Rounded down, as probabilities are everywhere: what is shown never reaches a limit that it
    does not reach."""
    return f"{int(100 * share + 1e-9)} %"
