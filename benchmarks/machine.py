"""What the system says of a process and of itself (Linux), and on what the networks run."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gender_demo import Pipeline


def describe(*pipelines: Pipeline) -> str:
    """Processor, cores and load; versions; the engine of each pipeline: in a line each."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and "model name" in (text := cpuinfo.read_text()):
        model = text.split("model name")[1].split(":")[1].split("\n")[0].strip()
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "openvino", "numpy"))
    lines = [
        f"{model}, {os.cpu_count()} cores, {load}",
        f"{platform.system()}, Python {platform.python_version()}, {versions}",
        *(f"networks on {p.device}: {p.engine}" for p in pipelines),
    ]
    return "\n".join(lines)


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
