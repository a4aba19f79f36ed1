"""A phone on a thin line, as Chromium plays it, and what moves on its page."""

from __future__ import annotations

from typing import Any

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 3,
}
SLOW_LINE = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 0.75e6 / 8,
}
"""Bytes a second and milliseconds: 1.6 Mbit/s down, as Lighthouse's slow 4G."""
WATCH_SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
        const where = sources.map(({ node }) => node?.id || node?.className || node?.nodeName);
        if (!hadRecentInput) window.shifts.push([value, ...where]);
    }
}).observe({ type: "layout-shift", buffered: true });"""
