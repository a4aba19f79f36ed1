"""skip_type_stubs(): gradio is imported in half the time.

While it is imported, gradio takes the source of each of its components apart and writes a file with
type hints beside it, for editors. Serving needs none, and the folder may not be ours to write to.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

MODULE, FUNCTION = "gradio.component_meta", "create_or_modify_pyi"


def skip_type_stubs() -> None:
    """To be called before gradio is imported; later, or with a gradio that does without, it does
    nothing."""
    if "gradio" not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the one module, once; all others are for the finders after it."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """Its spec, with a loader that replaces the one function."""
        if fullname != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads as ``loader`` does."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As ever."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """The module, whose function does nothing."""
        self.loader.exec_module(module)
        if hasattr(module, FUNCTION):
            setattr(module, FUNCTION, lambda *_: None)
