"""What the system says of a process and of itself (Linux)."""

from __future__ import annotations

import os
from pathlib import Path


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def cpu_s(pid: int) -> float:
    """Seconds of a core that the process has had."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def stolen_s() -> float:
    """Seconds of a core that the host of this virtual machine gave to others, since its start."""
    first = Path("/proc/stat").read_text().split("\n", 1)[0]
    return int(first.split()[8]) / os.sysconf("SC_CLK_TCK")
