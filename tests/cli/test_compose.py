"""The compose file and the image, as far as that goes without Docker: names, paths, command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from app import parse_flags
from gender_demo.cli.deploy import (
    ROOT,
    prepare,
)

DEPLOY = ROOT / "deploy"
CONF = (DEPLOY / "nginx.conf").read_text()
STEPS = (DEPLOY / "Dockerfile").read_text().splitlines()


def test_compose_starts_what_nginx_looks_for() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    nginx = services.pop("nginx")
    assert set(re.findall(r"server ([\w-]+):7860", CONF)) == set(services)
    assert nginx["depends_on"] == list(services)
    mounted, inside, _ = nginx["volumes"][0].split(":")
    assert (DEPLOY / mounted).read_text() == CONF
    assert inside == "/etc/nginx/nginx.conf"
    assert nginx["ports"][0].endswith(":" + re.findall(r"listen (\d+);", CONF)[0])
    for app in services.values():
        context = (DEPLOY / app["build"]["context"]).resolve()
        assert context == ROOT
        assert (context / app["build"]["dockerfile"]).is_file()


def test_the_image_holds_what_a_space_gets_and_runs_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GRADIO_SERVER_PORT", raising=False)
    copied = [Path(line.split()[1]) for line in STEPS if line.startswith("COPY")]
    needed = [f for f in prepare().files if f.suffix not in (".md", "") and f.parts[0] != "docs"]
    assert [f for f in needed if not any(f.is_relative_to(source) for source in copied)] == []
    allowed = [f"!{path}" for path in copied]
    assert set(allowed) == {
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    settings = prepare().settings
    assert STEPS[0] == f"FROM python:{settings['python_version']}-slim"
    python, program, *flags = json.loads(STEPS[-1].removeprefix("CMD "))
    assert (python, program) == ("python", settings["app_file"])
    assert (parse_flags(flags).host, parse_flags(flags).port) == ("0.0.0.0", 7860)
