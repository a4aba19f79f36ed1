#!/bin/sh
# $CHROMIUM without the right to raise its own priority.
exec setpriv --inh-caps=-sys_nice --bounding-set=-sys_nice -- "$CHROMIUM" "$@"
