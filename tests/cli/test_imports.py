"""What the process of a pod imports before it serves."""

import subprocess
import sys

import pytest

_LOADED = """
import sys
sys.argv = ["cloudmart", "serve"]
from cloudmart.__main__ import _command
_command()
print(*(name for name, module in sys.modules.items() if module))
"""
_OTHER_COMMANDS = ("commands", "catalogue", "dev", "doctor", "rollout", "tables", "verify")
_NOT_CONFIGURED = (
    *("azure", "cryptography", "google", "jsonschema", "jwt", "openai"),
    *("opentelemetry.exporter", "opentelemetry.sdk", "redis", "sqlite3", "typer", "yaml"),
)
# Other libraries load these by themselves where they are installed: 60 ms and 7 MB of a start.
_NEVER_USED = ("greenlet", "httpx", "pydantic.v1", "pygments", "rich", "watchfiles")


@pytest.fixture(name="loaded", scope="module")
def _loaded() -> frozenset[str]:
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True
    )
    return frozenset(run.stdout.split())


def test_the_service_loads_no_other_command(loaded: frozenset[str]) -> None:
    assert "cloudmart.app" in loaded
    assert not loaded & {f"cloudmart.cli.{name}" for name in _OTHER_COMMANDS}


@pytest.mark.parametrize("name", [*_NOT_CONFIGURED, *_NEVER_USED])
def test_the_service_loads_nothing_that_it_does_not_need(name: str, loaded: frozenset[str]) -> None:
    assert not [each for each in loaded if each == name or each.startswith(f"{name}.")]
