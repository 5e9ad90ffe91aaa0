"""Finds strings in the project's files that look like secrets.

`make secrets` records them. Review what it adds before you commit it.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).parents[2]
KNOWN = ROOT / "tests" / "known_secrets.json"

# Hashes of packages, and generated documents.
_GENERATED = re.compile(
    r"requirements/.*\.txt|.*package-lock\.json|openapi/.*|tests/known_secrets\.json|.*\.png"
)
# These look at the name of a variable or at randomness. Most values in tests are made up.
_BY_LOOKS = {"KeywordDetector", "Base64HighEntropyString", "HexHighEntropyString"}

Finding = tuple[str, str, str]
"""The file, the kind, and the hash of the string. Line numbers change; the string is secret."""


def committed() -> list[str]:
    """Return the files of the project, as paths below its root."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


def scan(paths: Iterable[str], root: Path = ROOT) -> set[Finding]:
    """Return the strings in some files that look like secrets."""
    paths = [path for path in paths if not _GENERATED.fullmatch(path)]
    tests = {path for path in paths if path.startswith("tests/")}
    plugins: dict[str, type] = get_mapping_from_secret_type_to_class()
    every = [plugin.__name__ for plugin in plugins.values()]
    by_form = [name for name in every if name not in _BY_LOOKS]
    return {
        *_findings(sorted(tests), by_form, root),
        *_findings(sorted(set(paths) - tests), every, root),
    }


def known() -> set[Finding]:
    """Return the reviewed strings, which are no secrets."""
    return {(path, kind, digest) for path, kind, digest in json.loads(KNOWN.read_text("utf-8"))}


def _findings(paths: Iterable[str], plugins: Iterable[str], root: Path) -> Iterator[Finding]:
    settings = {
        "plugins_used": [{"name": name} for name in plugins],
        "filters_used": [
            {"path": f"detect_secrets.filters.heuristic.{name}"}
            for name in ("is_potential_uuid", "is_not_alphanumeric_string", "is_templated_secret")
        ],
    }
    with transient_settings(settings):
        found = SecretsCollection(root=str(root))
        for path in paths:
            found.scan_file(path)
        for path, secret in found:
            yield path, secret.type, secret.secret_hash


if __name__ == "__main__":
    lines = (json.dumps(finding) for finding in sorted(scan(committed())))
    KNOWN.write_text("[\n  {}\n]\n".format(",\n  ".join(lines)), "utf-8")
