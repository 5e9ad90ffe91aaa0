"""Reviewed values in files beside the tests that compare with them."""

import json
from pathlib import Path
from typing import Any


class Snapshots:
    """The values of one test module; `pytest --write-snapshots` renews them."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self._path = path
        self._write = write

    def check(self, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON
        """Assert that a value has not changed."""
        kept = json.loads(self._path.read_text()) if self._path.exists() else {}
        if self._write:
            kept[name] = value
            self._path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        assert kept.get(name) == value
