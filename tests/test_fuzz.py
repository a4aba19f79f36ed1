"""A short run of the seeded fuzz; benchmarks/fuzz.py is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fuzz
from tests.support.hostile_files import HostileFiles
from tests.support.server import free_port, start_app, stop_app


def test_hostile_things_are_answered_and_good_ones_afterwards(
    random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "LONGEST_S", 60.0)  # the machine may be busy with other tests
    port, log = free_port(), tmp_path / "log.txt"
    app = start_app(port, "--checkpoint", str(random_checkpoint), log=log)
    try:
        fire = fuzz.Fuzz(port, seed=7)
        fire.run(150)
        fire.check_good()
        assert app.poll() is None
    finally:
        stop_app(app)
    assert fire.troubles == []
    assert sum(fire.outcomes.values()) > 50
    assert len(log.read_text().splitlines()) == 1, log.read_text()


def test_hostile_files_and_variables_break_no_command() -> None:
    files = HostileFiles(seed=7)
    for attempt in (files.try_data_set, files.try_names, files.try_environment):
        assert [wrong for _ in range(40) if (wrong := attempt())] == []
