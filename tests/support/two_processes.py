"""How the tests are shared out where two processes run them (``make test``)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


class Files(LoadScopeScheduling):  # type: ignore[misc]
    """A file stays whole; those of ``train/measure`` stay together, which share an audit."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        measure = "tests/train/measure"
        return measure if file.startswith(f"{measure}/") else file
