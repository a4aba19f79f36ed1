"""Which room may import from which, and no circle between files; CONTRIBUTING shows it."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# Which rooms each room may import from, as CONTRIBUTING.md draws it.
ROOMS = {
    name: set(re.findall(r"\w+", named)) - {"nothing"}
    for name, named in re.findall(
        r"^    ((?:gender_demo|train)\.\w+) +imports (.+)$",
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
MAY_IMPORT = {
    "torch": ("gender_demo.vision", "gender_demo.tracking", "train"),
    "facenet_pytorch": ("gender_demo.vision.mtcnn",),
    "huggingface_hub": ("gender_demo.cli", "gender_demo.vision.hub", "train.measure.card"),
    "av": ("gender_demo.video",),
    "gradio": ("gender_demo.web", "train.review"),
}
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in ("gender_demo", "train")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.name not in ("__init__.py", "__main__.py")
}


def imports(path: Path) -> set[str]:
    """Full names of everything a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path.name}: relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("module", FILES)
def test_arrows_between_rooms_run_one_way(module: str) -> None:
    package = module.split(".", maxsplit=1)[0]
    allowed = {room(module)} | {f"{package}.{name}" for name in ROOMS[room(module)]}
    own = {room(name) for name in imports(FILES[module]) if name in FILES}
    if package == "train":
        own = {name for name in own if not name.startswith("gender_demo.")}
    assert own <= allowed, f"{module} imports from {own - allowed}"


def test_no_circle_between_rooms_or_files() -> None:
    rooms = {
        name: {f"{name.split('.')[0]}.{other}" for other in named} for name, named in ROOMS.items()
    }
    files = {name: imports(path) & FILES.keys() - {name} for name, path in FILES.items()}
    for graph in (rooms, files):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            pytest.fail(f"These import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", FILES)
def test_heavy_libraries_stay_where_they_belong(module: str) -> None:
    tops = {name.split(".")[0] for name in imports(FILES[module])}
    for library, homes in MAY_IMPORT.items():
        assert library not in tops or module.startswith(homes), f"{module} imports {library}"


def test_serving_never_imports_training() -> None:
    for name, path in {**FILES, "app": ROOT / "app.py"}.items():
        if not name.startswith("train."):
            assert not any(n.split(".")[0] == "train" for n in imports(path)), name


def test_every_room_says_what_it_does() -> None:
    for folder in {path.parent for path in FILES.values()}:
        init = folder / "__init__.py"
        assert init.is_file(), f"{folder.relative_to(ROOT)} is no package"
        assert ast.get_docstring(ast.parse(init.read_text())), f"{init} says nothing"


def test_no_markup_in_python_strings() -> None:
    for name, path in {**FILES, "app": ROOT / "app.py"}.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "</" not in node.value, f"{name}:{node.lineno} holds markup"
