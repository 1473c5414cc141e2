#!/usr/bin/env bash
# Print a Python 3.11 or 3.12 that really runs (version managers leave shims that do not), or
# nothing. Arguments: the interpreters to try instead of those on the path.
[ $# -gt 0 ] || set -- python3.11 python3.12 python3 python
for candidate in "$@"; do
  version=$("$candidate" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  case "$version" in 3.11 | 3.12) echo "$candidate"; exit 0 ;; esac
done
