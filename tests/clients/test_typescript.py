"""The document for TypeScript: linted, compiled with `--strict`, compared with the last one."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TOOLS = HERE / "node_modules" / ".bin"
OPENAPI = HERE.parents[1] / "openapi"
STRICT = ["--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext", "--target", "es2023"]

pytestmark = pytest.mark.conformance

Change = Callable[[dict[str, Any]], object]


def _run(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the tools that package.json pins
        [TOOLS / tool, *arguments], capture_output=True, text=True, check=False
    )


def _broken(released: Path, now: Path, folder: Path) -> str:
    _run("openapi-typescript", released, "-o", folder / "released.d.ts").check_returncode()
    _run("openapi-typescript", now, "-o", folder / "now.d.ts").check_returncode()
    shutil.copy(HERE / "compatible.ts", folder)
    return _run("tsc", *STRICT, "--lib", "es2023", folder / "compatible.ts").stdout


def test_the_document_passes_the_recommended_rules_without_a_warning() -> None:
    report = _run("redocly", "lint", OPENAPI / "openapi.yaml", "--format", "json")

    assert json.loads(report.stdout)["problems"] == []


def test_a_typed_client_compiles() -> None:
    api = HERE.parents[1] / "build" / "clients" / "api.d.ts"
    _run("openapi-typescript", OPENAPI / "openapi.json", "-o", api).check_returncode()

    compiled = _run("tsc", *STRICT, "--lib", "es2023,dom", HERE / "shop.ts")

    assert compiled.stdout == ""


def test_a_breaking_change_comes_with_a_new_version(tmp_path: Path) -> None:
    released, now = OPENAPI / "released.json", OPENAPI / "openapi.json"

    broken = _broken(released, now, tmp_path)

    versions = [json.loads(path.read_text())["info"]["version"] for path in (released, now)]
    # Semantic Versioning, 8: a new major version says that something breaks.
    before, after = (int(version.partition(".")[0]) for version in versions)
    assert broken == "" or after > before, broken


def _without_a_field(api: dict[str, Any]) -> None:
    order = api["components"]["schemas"]["Order"]
    order["properties"].pop("total")
    order["required"].remove("total")


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda api: api["paths"]["/api/products/{product_id}"].pop("delete"), "delete_product"),
        (lambda api: api["paths"].pop("/api/tickets"), "/api/tickets"),
        (_without_a_field, "get_order"),
        (
            lambda api: (
                api["components"]["schemas"]["TicketUpdate"]["properties"].update(
                    note={"type": "string"}
                )
                or api["components"]["schemas"]["TicketUpdate"]["required"].append("note")
            ),
            "change_ticket",
        ),
    ],
)
def test_a_breaking_change_is_found(tmp_path: Path, change: Change, broken: str) -> None:
    assert broken in _broken(OPENAPI / "openapi.json", _changed(tmp_path, change), tmp_path)


def test_an_addition_breaks_nothing(tmp_path: Path) -> None:
    def grow(api: dict[str, Any]) -> None:
        api["components"]["schemas"]["Order"]["properties"]["note"] = {"type": "string"}
        new = {"operationId": "new", "summary": "New", "responses": {"200": {"description": "New"}}}
        api["paths"]["/api/new"] = {"get": new}

    assert _broken(OPENAPI / "openapi.json", _changed(tmp_path, grow), tmp_path) == ""


def _changed(folder: Path, change: Change) -> Path:
    api = json.loads((OPENAPI / "openapi.json").read_text())
    change(api)
    path = folder / "openapi.json"
    path.write_text(json.dumps(api))
    return path
