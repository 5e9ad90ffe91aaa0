"""The example values of settings in our manifests and pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

SHIPPED = (
    "*.md",
    "*.example",
    "docs/**/*",
    "k8s/**/*",
    "infra/**/*",
    "Dockerfile",
    "compose*.y*ml",
)

_NAME = r"(?P<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|PORT|ENVIRONMENT)"
_VALUE = r"""(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare><[^>\n]*>|[^\s"'`|,]+))"""
_FORMS = [
    re.compile(rf"(?<![\w$]){_NAME}={_VALUE}"),
    re.compile(rf"(?m)^\s*(?:- )?\"?{_NAME}\"?:[ \t]+{_VALUE}"),
    re.compile(rf"name:[ \t]*{_NAME}[ \t]*,?\s*value:[ \t]*{_VALUE}"),
]


@dataclass(frozen=True, slots=True)
class Example:
    """A value that somebody may copy."""

    file: str
    name: str
    value: str


def shipped(root: Path) -> Iterator[Example]:
    """Yield the examples in the files below a directory that people are meant to copy."""
    for path in sorted(set(chain.from_iterable(map(root.glob, SHIPPED)))):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            yield from found(str(path.relative_to(root)), text)


def found(file: str, text: str) -> Iterator[Example]:
    """Yield the examples in a text: shell and env files, YAML, JSON."""
    for match in chain.from_iterable(form.finditer(text) for form in _FORMS):
        value = match["double"] or match["single"] or match["bare"] or ""
        yield Example(file, match["name"], value)
