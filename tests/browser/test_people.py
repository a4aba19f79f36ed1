"""Who is who on the live view, and what is said of them: people.js and face_list.js, told where
faces are and when, without waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from gender_demo.web.static_files import module_address

OpenPage = Callable[..., Page]
Looks = list[tuple[int, list[tuple[int, list[int]]]]]

FOLLOW = """async ([address, looks, wishes]) => {
    const { createPeople } = await import(new URL(address, document.baseURI).href);
    const people = createPeople();
    return looks.map(([at, faces], i) => {
        const found = people.identify(faces.map(([track, box]) => ({ track, box })), at, false);
        if (i === 0) wishes.forEach((wish, n) => Object.assign(found[n].person, wish));
        return found.map(({ person }) => [person.number, person.word, person.blurred ?? false]);
    });
}"""
LIST = """async ([address, counts]) => {
    const { createFaceList } = await import(new URL(address, document.baseURI).href);
    const [text, spoken, list] = [0, 0, 0].map(() => document.createElement("div"));
    const nothing = () => {}, said = [];
    const faces = createFaceList({ text, spoken, list,
        onOpen: nothing, onQuiet: nothing, onBlur: nothing, onPoint: nothing });
    for (const count of counts) {
        faces.announce(Array.from({ length: count }, (_, i) => ({
            person: { id: i, number: i + 1, word: null },
            track: i, caption: "perceived as female 93 %", label: "female" })), false);
        await new Promise((done) => setTimeout(done)); // the first is spoken at once
        said.push([text.textContent, spoken.textContent, list.innerText]);
    }
    return said;
}"""
LEFT, RIGHT = [50, 100, 110, 180], [300, 100, 360, 180]


@pytest.fixture
def follow(open_page: OpenPage) -> Callable[..., list[Any]]:
    page = open_page()

    def run(looks: Looks, *wishes: dict[str, Any]) -> list[Any]:
        """[number, word, blurred] of each face in the last of the looks (ms, [(track, box)])."""
        found: list[list[Any]] = page.evaluate(FOLLOW, [module_address("people.js"), looks, wishes])
        return found[-1]

    return run


def test_corrections_survive_gaps_and_short_losses(follow: Callable[..., list[Any]]) -> None:
    """A pause, another tab and a lost server are gaps: nobody looked for faces meanwhile."""
    anna, quiet, hidden = {"word": "Anna"}, {"word": ""}, {"blurred": True}
    alone: Looks = [(0, [(1, LEFT)])]
    pair: Looks = [(0, [(1, LEFT), (2, RIGHT)])]
    far, aside = [400, 300, 430, 340], [130, 110, 190, 190]
    for wish, kept in ((anna, ["Anna", False]), (quiet, ["", False]), (hidden, [None, True])):
        assert follow([*alone, (60_000, [(7, far)])], wish) == [[1, *kept]], "moved in a pause"
        assert follow([*alone, (100, []), (2500, [(7, aside)])], wish) == [[1, *kept]], "lost"
    # Both moved to the right; the server counts its tracks from 1 again.
    moved = [(1, [330, 100, 390, 180]), (2, [100, 100, 160, 180])]
    assert follow([*pair, (9000, moved)], anna, quiet) == [[2, "", False], [1, "Anna", False]]
    # One is found a moment after the other.
    later: Looks = [(9000, moved[:1]), (9100, moved)]
    assert follow([*pair, *later], anna, quiet) == [[2, "", False], [1, "Anna", False]]
    # A third person has come.
    third = follow([*pair, (9000, [*moved, (3, [200, 10, 260, 90])])], anna, quiet)
    assert third == [[2, "", False], [1, "Anna", False], [3, None, False]]


def test_a_word_ends_with_the_face_that_it_is_for(follow: Callable[..., list[Any]]) -> None:
    anna = {"word": "Anna"}
    alone: Looks = [(0, [(1, LEFT)])]
    looks: Looks = [(at, []) for at in range(100, 6000, 500)]
    assert follow([*alone, *looks, (6000, [(2, LEFT)])], anna) == [[1, None, False]], "gone for 5 s"
    assert follow([*alone, (100, []), (900, [(2, RIGHT)])], anna)[0][1] is None, "someone else"
    small = [70, 130, 90, 156]
    assert follow([*alone, (100, []), (900, [(2, small)])], anna)[0][1] is None, "another scene"
    both: Looks = [(100, [(1, LEFT), (2, [120, 100, 180, 180])])]
    assert follow([*alone, *both], anna) == [[1, "Anna", False], [2, None, False]], "someone beside"


def test_what_is_read_changes_at_once_what_is_spoken_not_so_often(open_page: OpenPage) -> None:
    first, second = open_page().evaluate(LIST, [module_address("face_list.js"), [1, 2]])
    one = "One face: perceived as female."
    assert first[:2] == [one, one]
    assert second[:2] == ["2 faces: 2 perceived as female.", one]
    assert "Face 2: perceived as female 93 % – change" in second[2], "as in the picture"
