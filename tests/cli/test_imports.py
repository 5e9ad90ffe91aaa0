"""What a pod's process loads before it serves."""

import subprocess
import sys

_LOADED = """
import sys
import cloudmart.cli.serve
print(*sys.modules)
"""
_OTHER_COMMANDS = ("commands", "catalogue", "dev", "doctor", "rollout", "tables", "verify")
_NOT_CONFIGURED = ("azure", "google", "openai", "redis", "typer", "yaml")


def test_the_service_loads_no_other_command_and_no_sdk_that_is_not_configured() -> None:
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True
    )
    loaded = {
        *run.stdout.split(),
        *(name.partition(".")[0] for name in run.stdout.split()),
    }

    assert "cloudmart.app" in loaded
    assert not loaded & {f"cloudmart.cli.{name}" for name in _OTHER_COMMANDS}
    assert not loaded & set(_NOT_CONFIGURED)
