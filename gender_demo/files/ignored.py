"""What systems and programs leave among people's files: one list, for everything that walks
folders or archives."""

from __future__ import annotations

import re

IGNORED = re.compile(
    r"""
      \..*                                      # hidden: .DS_Store, ._a.jpg, .ipynb_checkpoints
    | __macosx | __pycache__ | icon\r           # macOS, Python
    | thumbs\.db | ehthumbs(_vista)?\.db | desktop\.ini | ~\$.*      # Windows, Office
    | \$recycle\.bin | recycler | system\ volume\ information | found\.\d{3}
    | \$windows\.~.* | \$winreagent | \$av_asw | config\.msi | msocache | wpsystem | onedrivetemp
    | lost\+found | aquota\..* | lost\.dir      # Linux, Android
    | @eadir | @tmp | @sharebin | @recycle | @recently-snapshot      # Synology, QNAP
    | \#recycle | [\#~@]snapshots?
    | backups\.backupdb | desktop\ d[bf] | resource\.frk | finder\.dat    # older macOS
    | cvs | node_modules | _vti_cnf             # programmers' and web servers'
    | network\ trash\ folder | temporary\ items # macOS's on a server
    | picasa\.ini | zbthumbnail\.info | fdd\ thumbnails
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def is_ignored(path: str) -> bool:
    """Whether any part of a "/" path is a system's or a program's own and none of a person's."""
    return any(IGNORED.fullmatch(part) for part in path.split("/") if part not in (".", ".."))
