#!/bin/sh
# The machine's Chromium or Chrome without the right to raise its own priority.
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    path=$(command -v "$name") && break
done
exec setpriv --inh-caps=-sys_nice --bounding-set=-sys_nice -- "$path" "$@"
