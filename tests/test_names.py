"""Names are easy to find: public names are unique, and modules have a readable size."""

import ast
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.glob("cloudmart/**/*.py"))
}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}

PICTURES = {
    *("desk", "board", "astray", "furnishing", "sealing", "rhythm", "pulse", "late", "ways"),
    *("front", "gate", "entrance", "upkeep", "lane", "rude", "place", "turns", "vendors"),
}
VAGUE = {"utils", "helpers", "manager", "data", "info"}

# Functions with the name under which they are registered: a command, an operation, a check.
REGISTERED = ("cloudmart.cli.", "cloudmart.doctor.", "cloudmart.verify.")
# Modules that run as `python -m`, or in Lambda, under a name that is configured outside.
ENTRIES = {"main", "handler"}

# Small modules with one importer; each has a reason.
SMALL = {
    "cloudmart.pipeline.router": "the router of a URL segment",
    "cloudmart.dynamodb.messages": "the JSON of DynamoDB by a faster library, in one place",
    "cloudmart.observability.exemplars": "the link between metrics and traces",
}

# Planned packages, by the beginning of a module's name. They do not count.
LATER = (
    *("cloudmart.doctor.", "cloudmart.evaluation.", "cloudmart.findings.", "cloudmart.verify."),
    *("cloudmart.cli.assistants", "cloudmart.cli.doctor", "cloudmart.cli.verify"),
    *("cloudmart.ai.help_search", "cloudmart.ai.languages.", "cloudmart.ai.prices"),
    *("cloudmart.ai.product_search.", "cloudmart.ai.satisfaction", "cloudmart.ai.step_"),
    *("cloudmart.ai.tool_arguments", "cloudmart.settings.knowledge"),
    *("cloudmart.composition.trac", "cloudmart.dynamodb.spans", "cloudmart.settings.tracing"),
    *("cloudmart.observability.semantic_conventions", "cloudmart.observability.span_redaction"),
    *("cloudmart.observability.trac", "cloudmart.observability.metrics_page"),
    *("cloudmart.dynamodb.call_metrics", "cloudmart.health.process_metrics"),
    *("cloudmart.dynamodb.lazy_items", "cloudmart.orders.list_json"),
    *("cloudmart.mcp_server.", "cloudmart.cli.mcp", "cloudmart.cli.ended_by_signals"),
    *("cloudmart.ai.confirmations", "cloudmart.ai.providers.offline_", "cloudmart.ai.ticket_"),
    *("cloudmart.composition.request_log", "cloudmart.observability.events"),
    *("cloudmart.pipeline.invariants.", "cloudmart.settings.invariants", "cloudmart.settings.log"),
    *("cloudmart.dynamodb.messages", "cloudmart.dynamodb.service_files"),
    *("cloudmart.ai.providers.responses_api", "cloudmart.values.unreadable"),
)

# Everything that is tracked at the top of the repository.
TOP = {
    *(".ci", ".dockerignore", ".env.example", ".github", ".gitignore", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile", "README.md", "SECURITY.md"),
    *("bench", "cloudmart", "compose.yaml", "docs", "infra", "k8s", "openapi", "pyproject.toml"),
    *("redocly.yaml", "requirements", "schemathesis.toml", "tests"),
}


def twice(names: Iterator[str]) -> list[str]:
    """Return the public names that occur more than once."""
    counts = Counter(name for name in names if not name.startswith("_"))
    return sorted(name for name, times in counts.items() if times > 1)


def importers(module: str) -> set[str]:
    """Return the modules that import a module."""
    package, _, leaf = module.rpartition(".")
    return {
        name
        for name, tree in TREES.items()
        for each in ast.walk(tree)
        if isinstance(each, ast.ImportFrom)
        and (
            each.module == module
            or (each.module == package and any(alias.name == leaf for alias in each.names))
        )
    }


def test_a_public_class_has_a_unique_name() -> None:
    classes = (
        each.name for tree in TREES.values() for each in tree.body if isinstance(each, ast.ClassDef)
    )

    assert twice(classes) == []


def test_a_public_function_has_a_unique_name() -> None:
    functions = (
        each.name
        for name, tree in TREES.items()
        if not name.startswith(REGISTERED) and not name.endswith(".router")
        for each in tree.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name not in ENTRIES
    )

    assert twice(functions) == []


def test_no_module_is_named_by_a_picture() -> None:
    assert [name for name in MODULES if name.rpartition(".")[2] in PICTURES | VAGUE] == []


def test_no_module_is_over_400_lines() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}

    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_the_tree_has_no_more_modules_than_a_reader_can_search() -> None:
    counted = [
        name
        for name, path in MODULES.items()
        if path.name != "__init__.py" and not name.startswith(LATER)
    ]

    assert 165 <= len(counted) <= 215


def test_a_new_name_of_the_page_of_renames_is_a_module() -> None:
    page = (ROOT / "docs" / "renames.md").read_text("utf-8")
    rows = re.findall(r"^\| `[\w.]+` \| `([\w.]+)` \|$", page, re.MULTILINE)
    packages = {name.removesuffix(".__init__") for name in MODULES}

    assert rows
    assert [row for row in rows if f"cloudmart.{row}" not in packages] == []


def test_a_small_module_with_one_reader_is_part_of_its_reader() -> None:
    small = {
        name
        for name, path in MODULES.items()
        if path.name != "__init__.py"
        and len(path.read_text().splitlines()) < 45
        and len(importers(name)) == 1
    }

    assert small <= set(SMALL)
    assert len(small) < 5


def test_nothing_else_is_tracked_at_the_top() -> None:
    git = shutil.which("git") or "git"
    tracked = subprocess.run(  # noqa: S603 - git, on our own files
        [git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert {path.partition("/")[0] for path in tracked.splitlines()} == TOP
