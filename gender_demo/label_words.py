"""Words for what the program found: labels, probabilities and reasons as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

JUST_FOUND = "just_found"
"""The reason of a followed face that the classifier has not seen yet."""

REASONS = {
    "close_call": "the model is not sure enough",
    "small": "the face is too small",
    "blurred": "the face is too blurred",
    "cut_off": "the face is cut off by the picture's border",
    "barely_detected": "this may not be a face",
    JUST_FOUND: "the face was only just found",
}
"""Reason name -> plain words, in the order of their importance."""

NOTES = {
    "turned": "no face was found upright, but one was when the picture was turned",
    "most_faces": "there are more faces: only the largest are reported",
    "very_large": "the picture has more than 50 megapixels: small faces in it may be missed",
}
"""What an analysis notes about the search -> plain words."""

GENDERS = {"female", "male", "woman", "man", "women", "men", "girl", "boy", "girls", "boys"}


def about_gender(classes: Sequence[str]) -> bool:
    """Whether every class name has a word for a gender in it, as in "Male Faces"."""
    return all(GENDERS & set(re.findall("[a-z]+", name.lower())) for name in classes)


def in_words(label: str, classes: Sequence[str]) -> str:
    """ "perceived as female"; "looks like: no glasses" where the classes are no genders."""
    said = "perceived as" if about_gender(classes) else "looks like:"
    return f"{said} {label.replace('_', ' ')}"


def certainty(probability: float) -> str:
    """ "93 %", rounded down, so that what is short of a limit is never shown as the limit; never
    "100 %": no guess about a face is certain."""
    return f"{min(99, int(100 * probability + 1e-9))} %"
