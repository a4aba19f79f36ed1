"""The import order of the arrow, kept true."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each module of gender_demo imports only from those that stand before it.
ORDER = [
    "refusals",
    "results",
    "boxes",
    "pictures",
    "light",
    "crops",
    "labels",
    "candidates",
    "detector",
    "checkpoint",
    "classifier",
    "sturdy",
    "pipeline",
    "smoothing",
    "tracks",
    "tracker",
    "drawing",
    "audit_tables",
    "charts",
    "audit",
    "failures",
    "guard",
    "scratch",
    "frames",
    "live",
    "files",
    "photos",
    "theme",
    "page",
    "deploy",
    "__main__",
]
MAY_IMPORT = {
    "torch": {
        "candidates",
        "detector",
        "checkpoint",
        "classifier",
        "sturdy",
        "pipeline",
        "tracker",
    },
    "facenet_pytorch": {"detector"},
    "huggingface_hub": {"deploy"},
    "gradio": {"live", "photos", "theme", "page"},
}
MODULES = sorted((ROOT / "gender_demo").glob("*.py"))


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


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_import_only_what_stands_before_them(path: Path) -> None:
    if path.stem == "__init__":
        return
    assert path.stem in ORDER, f"{path.name} has no place in the order"
    own = {name.split(".")[1] for name in imports(path) if name.startswith("gender_demo.")}
    later = own & set(ORDER[ORDER.index(path.stem) :])
    assert not later, f"{path.name} imports {later}, which stand after it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_heavy_libraries_stay_where_they_belong(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports(path)}
    for library, homes in MAY_IMPORT.items():
        assert library not in tops or path.stem in homes, f"{path.name} imports {library}"


def test_serving_never_imports_training() -> None:
    for path in [*MODULES, ROOT / "app.py"]:
        assert not any(name.split(".")[0] == "train" for name in imports(path)), path.name


def test_no_markup_in_python_strings() -> None:
    for path in [*MODULES, ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "</" not in node.value, f"{path.name}:{node.lineno} holds markup"
