"""How the tests are shared out where two processes run them (``make test``)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


class Files(LoadScopeScheduling):  # type: ignore[misc]
    """A file stays whole, and the browser's files stay together: one camera at a time is enough for
    the machine."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "browser" if file.startswith("tests/browser/") else file
