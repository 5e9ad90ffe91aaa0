"""The code reads every setting."""

import ast
from collections.abc import Iterator
from pathlib import Path

from cloudmart.settings.variables import variables

PACKAGE = Path(__file__).parents[2] / "cloudmart"

# AWS's SDK, and the checks of the role, read these from the environment by name.
FROM_ENVIRONMENT = {"AWS_ROLE_ARN"}


def _attributes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node.attr


def test_every_setting_is_read() -> None:
    read = {
        name
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in _attributes(ast.parse(path.read_text("utf-8")))
    }

    unread = {
        variable.name
        for variable in variables().values()
        if variable.obsolete is None and variable.field not in read
    }

    assert unread == FROM_ENVIRONMENT
