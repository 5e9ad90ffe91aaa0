#!/bin/sh
# Rolls an environment out: `cloudmart rollout`, of the checkout that this file is in.
cd "$(dirname "$0")/.." && python=${PYTHON:-.venv/bin/python}
command -v "$python" >/dev/null || { echo "There is no $python here: run \`make setup\` first." >&2; exit 2; }
exec "$python" -m cloudmart rollout "$@"
