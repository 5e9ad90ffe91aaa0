"""The policies of an environment's roles, made from its overlay.

python -m k8s.roles staging ISSUER policies/staging
"""

import subprocess
import sys
from pathlib import Path

from dotenv import dotenv_values

from k8s.check import complaints
from k8s.kustomize import OVERLAYS, PUBLIC, render_overlay
from k8s.operator_values import operator_values

# The commands need nothing from this process's environment: the overlay has it all.
_RENDER = [sys.executable, "-m", "cloudmart", "iam", "render"]


def render_policies(overlay: Path, issuer: str, directory: Path) -> int:
    """Write a file for each policy, and return the exit code of the command that wrote them."""
    rendered = render_overlay(overlay)
    values = operator_values(overlay)
    told = rendered.environment()
    told.pop("CLOUDMART_SECRETS_DIR", None)
    # The id of a Bedrock agent is in the Secret, and the role needs access to that agent.
    held = {name: value or "" for name, value in dotenv_values(overlay / "secret.env").items()}
    namespace = rendered.named("Deployment", "cloudmart-backend")["metadata"]["namespace"]
    options = ["--account", values["account"], "--namespace", namespace]
    return subprocess.run(  # noqa: S603 - our own command
        [*_RENDER, *options, "--oidc-provider", issuer, "--directory", str(directory)],
        env=held | told,
        check=False,
    ).returncode


def main(arguments: list[str]) -> int:
    """Write the policies of an environment, print the role of each, and return the exit code."""
    if len(arguments) != len(("environment", "issuer", "directory")) or arguments[0] not in PUBLIC:
        sys.stderr.write(
            "Which environment, and which issuer? For example: make iam-policies ENV="
            f"{PUBLIC[0]} ISSUER=https://oidc.eks.eu-central-1.amazonaws.com/id/9FCEB02D0AE5\n"
        )
        return 2
    environment, issuer, directory = arguments[0], arguments[1], Path(arguments[2])
    overlay = OVERLAYS / environment
    if found := complaints(overlay):
        sys.stderr.writelines(f"{line}\n" for line in found)
        return 1
    if code := render_policies(overlay, issuer, directory):
        return code
    if not (overlay / "secret.env").exists():
        sys.stderr.write(
            f"There is no {overlay.name}/secret.env: a Bedrock agent that only the Secret names "
            "is not allowed by these policies.\n"
        )
    values = operator_values(overlay)
    for role, policy in ((values["role"], "serve"), (values["tables-role"], "operator")):
        files = f"{directory / policy}.json and {directory / policy}-trust.json"
        sys.stdout.write(f"{role}: {files}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
