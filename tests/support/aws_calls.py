"""The AWS operations that a program may call, found in the source of everything it imports."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import grimp
from botocore import xform_name

ROOT = Path(__file__).parents[2]
# Our own methods that take the name of an operation.
_BY_NAME = {"call", "_call", "_walk", "_write_when"}
# Operations that another action allows, or that need no permission.
_ACTIONS = {
    "bedrock-runtime:Converse": "bedrock:InvokeModel",
    "bedrock-runtime:ConverseStream": "bedrock:InvokeModelWithResponseStream",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sts:GetCallerIdentity": None,
}
_PREFIXES = {
    "bedrock-agent-runtime": "bedrock",
    "bedrock-runtime": "bedrock",
    "dynamodbstreams": "dynamodb",
}
_SESSION = botocore.session.get_session()


def actions_of(*programs: str) -> set[str]:
    """Return the IAM actions that modules or packages, and everything they import, may need."""
    sources = [_parsed(module) for program in programs for module in _imported(program)]
    services = {name for tree in sources for name in _services(tree)}
    operations = {
        f"{service}:{operation}"
        for service in services
        for tree in sources
        for operation in _operations(tree, service)
    }
    return {action for each in operations if (action := _action(each))}


def _action(operation: str) -> str | None:
    service, name = operation.split(":")
    return _ACTIONS.get(operation, f"{_PREFIXES.get(service, service)}:{name}")


def _services(tree: ast.AST) -> Iterator[str]:
    for call in _calls(tree):
        if _name(call).endswith("client"):
            told = {str(arg.value) for arg in call.args if isinstance(arg, ast.Constant)}
            yield from told & _every_service()


def _operations(tree: ast.AST, service: str) -> Iterator[str]:
    known = _model(service)
    for call in _calls(tree):
        name, first = _name(call), call.args[0] if call.args else None
        # A method that is passed on, so that another function calls it.
        for each in call.args:
            if isinstance(each, ast.Attribute) and each.attr in known and _is_client(each.value):
                yield known[each.attr].name
        if name in _BY_NAME and isinstance(first, ast.Constant) and first.value in known:
            yield known[first.value].name
        # Clients take named parameters only. A call without them is no call of an operation.
        elif name in known and not call.args and isinstance(call.func, ast.Attribute):
            shape = known[name].input_shape
            if call.keywords or shape is None or not shape.required_members:
                yield known[name].name


@cache
def _every_service() -> frozenset[str]:
    return frozenset(_SESSION.get_available_services())


@cache
def _model(service: str) -> dict[str, Any]:
    model = _SESSION.get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("cloudmart")


def _imported(module: str) -> set[str]:
    graph = _graph()
    parts = {module} | graph.find_descendants(module)
    return parts.union(*(graph.find_upstream_modules(part) for part in parts))


@cache
def _parsed(module: str) -> ast.AST:
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    # grimp counts a folder without Python files as a package; it has no source.
    return ast.parse(file.read_text("utf-8") if file.exists() else "")


@cache
def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call: ast.Call) -> str:
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))


def _is_client(holder: ast.expr) -> bool:
    return str(getattr(holder, "attr", getattr(holder, "id", ""))).endswith("client")
