"""Operator: who runs a page that others can reach, and how they are reached."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gender_demo.errors import UsageError

NAME_VARIABLE, CONTACT_VARIABLE = "GENDER_DEMO_OPERATOR", "GENDER_DEMO_CONTACT"
"""Where a Space finds them; ``deploy`` sets them."""
ADDRESS = re.compile(
    r"https?://[^\s<>\"()\\]+\.[^\s<>\"()\\]+|mailto:[^\s@<>\"()\\]+@[^\s@<>\"()\\]+"
)
MAIL = re.compile(r"[^\s@:/<>\"()\\]+@[^\s@:/<>\"()\\]+")
MAX_NAME = 100


@dataclass(frozen=True)
class Operator:
    """A person's or an organisation's name, and a web or mail address."""

    name: str
    contact: str


def read_operator(name: str | None, contact: str | None) -> Operator | None:
    """The operator whom two flags name, or None; raises UsageError for half a name or a contact
    that is no address."""
    name, contact = (name or "").strip(), (contact or "").strip()
    if not name and not contact:
        return None
    if not name or not contact:
        raise UsageError("Give both, --operator NAME and --contact URL, or neither.")
    if len(name) > MAX_NAME or not name.isprintable():
        raise UsageError(f"--operator is a name in one line, {MAX_NAME} characters at most.")
    if MAIL.fullmatch(contact):
        contact = f"mailto:{contact}"
    if not ADDRESS.fullmatch(contact):
        raise UsageError(
            f"{contact!r} is no way to reach anybody: give --contact https://... or a mail address."
        )
    return Operator(name, contact)


def operator_of(
    name: str | None, contact: str | None, environment: Mapping[str, str] = os.environ
) -> Operator | None:
    """The operator whom the flags name, else the environment's variables."""
    return read_operator(
        name or environment.get(NAME_VARIABLE), contact or environment.get(CONTACT_VARIABLE)
    )


def require_operator(operator: Operator | None, *, waived: bool) -> None:
    """UsageError when a page is to be published and nobody says whose it is."""
    if operator is None and not waived:
        raise UsageError(
            "A public page says who runs it: give --operator NAME and --contact URL, or "
            "--no-operator to publish without."
        )
