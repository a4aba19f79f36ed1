"""Who runs a public page: names and addresses that are taken, and what gets one sentence."""

from __future__ import annotations

import pytest

from gender_demo.errors import UsageError
from gender_demo.operator import Operator, operator_of, read_operator, require_operator


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("https://example.org/contact", "https://example.org/contact"),
        ("http://example.org:8080/a?b=c#d", "http://example.org:8080/a?b=c#d"),
        ("mailto:ann@example.org", "mailto:ann@example.org"),
        (" ann+faces@example.org ", "mailto:ann+faces@example.org"),
        ("https://bücher.example/über", "https://bücher.example/über"),
    ],
)
def test_ways_to_reach_somebody(contact: str, shown: str) -> None:
    assert read_operator(" Ann Example ", contact) == Operator("Ann Example", shown)


@pytest.mark.parametrize(
    ("name", "contact", "said"),
    [
        ("Ann", None, "Give both"),
        (None, "https://a.org", "Give both"),
        ("Ann", "  ", "Give both"),
        ("Ann", "javascript:alert(1)", "no way to reach"),
        ("Ann", "https://a.org/)[x](javascript:1", "no way to reach"),
        ("Ann", 'https://a.org/"><script>', "no way to reach"),
        ("Ann", "ftp://a.org", "no way to reach"),
        ("Ann", "https://localhost", "no way to reach"),
        ("Ann", "ann@b@c", "no way to reach"),
        ("A\nB", "https://a.org", "in one line"),
        ("\u202eA", "https://a.org", "in one line"),
        ("x" * 101, "https://a.org", "100 characters at most"),
    ],
)
def test_what_is_refused(name: str | None, contact: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_operator(name, contact)


def test_variables_stand_in_for_flags() -> None:
    told = {"GENDER_DEMO_OPERATOR": "Ann", "GENDER_DEMO_CONTACT": "ann@example.org"}
    assert operator_of(None, None, {}) is None
    assert operator_of(None, None, told) == Operator("Ann", "mailto:ann@example.org")
    assert operator_of("Bob", None, told) == Operator("Bob", "mailto:ann@example.org")


def test_a_public_page_names_its_operator() -> None:
    require_operator(Operator("Ann", "https://a.org"), waived=False)
    require_operator(None, waived=True)
    with pytest.raises(UsageError, match="--no-operator to publish without"):
        require_operator(None, waived=False)
