"""What is sent as a live frame: wrong, damaged, too large."""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from gender_demo.errors import FrameError
from gender_demo.web.frames import (
    MAX_JPEG_BYTES,
    decode,
    read_frame,
)
from tests.support.live_service import jpeg, new_service, one_face, request
from tests.support.paths import ASTRONAUT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"viewer": None}, "viewer"),
        ({"viewer": "../../etc/passwd"}, "viewer"),
        ({"viewer": "A" * 32}, "viewer"),
        ({"frame": -1}, "frame"),
        ({"frame": True}, "frame"),
        ({"frame": "1"}, "frame"),
        ({"frame": 2**60}, "frame"),
        ({"at_ms": None}, "at_ms"),
        ({"at_ms": float("nan")}, "at_ms"),
        ({"at_ms": float("inf")}, "at_ms"),
        ({"at_ms": -1}, "at_ms"),
        ({"picture": None}, "picture"),
        ({"picture": ["x"]}, "picture"),
        ({"picture": "äöü"}, "base64"),
        ({"picture": "!!!!"}, "base64"),
        ({"picture": base64.b64encode(b"GIF89a" * 9).decode()}, "JPEG"),
        ({"picture": "A" * (2 * MAX_JPEG_BYTES)}, "too large"),
    ],
)
def test_a_wrong_request_gets_one_sentence(change: dict[str, Any], words: str) -> None:
    answer = new_service(lambda: one_face).submit(request() | change).result(0)
    assert words in answer["error"]
    assert answer["error"].endswith(".")
    assert "\n" not in answer["error"]


@pytest.mark.parametrize("bad", [None, [], "x", 3, {}, [request()]])
def test_what_is_no_object_gets_one_sentence(bad: object) -> None:
    assert "error" in new_service(lambda: one_face).submit(bad).result(0)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"\xff\xd8\xff" + b"no jpeg at all", "damaged"),
        (jpeg()[:200], "damaged"),
        (jpeg(4000, 40, quality=1), "4000x40"),
        (jpeg(8, 8), "8x8"),
    ],
)
def test_a_wrong_picture_gets_one_sentence_and_the_next_goes_on(picture: bytes, words: str) -> None:
    service = new_service(lambda: one_face)
    answer = service.submit(request(1, picture=picture)).result(10)
    assert words in answer["error"]
    assert service.submit(request(2)).result(10)["marks"]


def test_seeded_damage_never_breaks_the_service() -> None:
    random.seed(3)
    good, service = ASTRONAUT.read_bytes(), new_service(lambda: one_face)
    for number in range(300):
        damaged = bytearray(good[: random.choice([len(good), random.randrange(4, len(good))])])
        for _ in range(random.randrange(1, 30)):
            damaged[random.randrange(3, len(damaged))] = random.randrange(256)
        answer = service.submit(request(number, picture=bytes(damaged))).result(10)
        assert "marks" in answer or answer["error"].endswith(".")
    assert service.submit(request(1000, picture=good)).result(10)["size"] == [512, 512]


def test_seeded_junk_gets_a_sentence_each_and_no_place() -> None:
    rng, service = random.Random(4), new_service(lambda: one_face)
    junk: list[Callable[[], object]] = [
        lambda: None,
        lambda: rng.randrange(-(2**70), 2**70),
        lambda: rng.choice([float("nan"), float("inf"), -0.5, 1e308]),
        lambda: "".join(chr(rng.randrange(1, 0xD800)) for _ in range(rng.randrange(99))),
        lambda: "A" * rng.randrange(MAX_JPEG_BYTES * 4 // 3, 10**6),
        lambda: base64.b64encode(rng.randbytes(99)).decode(),
        lambda: [junk[0]()] * rng.randrange(9),
        lambda: {"viewer": {}},
    ]
    for number in range(500):
        bad: object = rng.choice(junk)()
        if number % 3:
            bad = request(number) | {rng.choice(["viewer", "picture"]): bad}
        error = service.submit(bad).result(10)["error"]
        assert error.endswith(".")
        assert len(error) < 100
    assert service.viewers == 0


def test_a_frame_is_decoded_as_rgb() -> None:
    file = io.BytesIO()
    Image.new("L", (32, 32), 7).save(file, "JPEG")
    picture = decode(file.getvalue())
    assert (picture.mode, picture.size) == ("RGB", (32, 32))


def test_the_size_is_checked_before_decoding() -> None:
    huge = bytearray(jpeg(64, 64))
    at = huge.index(b"\xff\xc0")
    huge[at + 5 : at + 9] = b"\x23\x28\x23\x28"  # height and width say 9000
    with pytest.raises(FrameError, match="9000x9000"):
        decode(bytes(huge))


def test_a_request_is_read_into_a_frame() -> None:
    read = read_frame(request(3, viewer=255))
    assert (read.viewer, read.number, read.at_s) == (f"{255:032x}", 3, 0.12)
