#!/usr/bin/env bash
# Print a Python 3.11 or 3.12 that really runs (version managers leave shims that do not), or nothing.
for candidate in python3.11 python3.12 python3 python; do
  version=$("$candidate" -c 'import sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  case "$version" in 3.11|3.12) echo "$candidate"; exit 0 ;; esac
done
