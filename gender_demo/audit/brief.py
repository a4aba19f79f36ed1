"""brief(): the three short lines that everybody reads before the camera starts."""

from __future__ import annotations

from gender_demo.audit.fractions import one_in, wrong
from gender_demo.audit.schema import Audit
from gender_demo.label_words import about_gender

NOT_MEASURED = "How often it is wrong was not measured."
NOTHING_KEPT = "Camera pictures are answered and forgotten: none is kept, nobody is recognised."


def brief(audit: Audit | None, classes: tuple[str, ...]) -> tuple[str, str, str]:
    """What it does, how often it is wrong about what it shows, what happens to pictures."""
    return (_purpose(classes), _errors(audit), NOTHING_KEPT)


def _purpose(classes: tuple[str, ...]) -> str:
    names = ", ".join(name.replace("_", " ") for name in classes)
    if about_gender(classes):
        return (
            f"An AI system guesses which sex a face may be perceived as: {names} or “unsure”. It "
            "cannot know who somebody is."
        )
    return f"An AI system guesses how a face looks: {names} or “unsure”. It knows nothing else."


def _errors(audit: Audit | None) -> str:
    if audit is None:
        return NOT_MEASURED
    if not audit.primary.all.answered:
        return "None of the faces that it was measured on got a label."
    sentence, children = wrong(audit.primary.all.shown), audit.primary.age_under_10
    if children and children.answered:
        sentence += f"; for children under 10, {one_in(children.shown)}"
    return f"{sentence[:1].upper()}{sentence[1:]}."
