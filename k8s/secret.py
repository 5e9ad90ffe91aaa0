"""The Secret of an environment, made from a file that is not in the repository.

python -m k8s.secret production | kubectl apply --server-side --filename -
"""

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import CalledProcessError

from dotenv import dotenv_values

from cloudmart.settings import load_settings
from cloudmart.settings.misspelt import nearest_setting
from cloudmart.settings.proxies import FILES
from cloudmart.settings.variables import variables
from k8s.kustomize import OVERLAYS, PUBLIC, Manifest, Rendered, render_overlay

NAME = "cloudmart-api-keys"


def secret(rendered: Rendered, values: Mapping[str, str]) -> Manifest:
    """Return the Secret that the pods of an environment mount."""
    deployment = rendered.named("Deployment", "cloudmart-backend")["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": deployment["namespace"]},
        "type": "Opaque",
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in values.items()},
    }


def mounted(rendered: Rendered) -> set[str]:
    """Return the keys of the Secret that pods mount."""
    pod = rendered.named("Deployment", "cloudmart-backend")["spec"]["template"]["spec"]
    return {
        item["key"]
        for volume in pod["volumes"]
        if volume.get("secret", {}).get("secretName") == NAME
        for item in volume["secret"]["items"]
    }


def faults(rendered: Rendered, values: Mapping[str, str]) -> list[str]:
    """Return a sentence for each value that would stop the service from starting."""
    known = {name for each in variables().values() for name in each.names}
    strangers = [_stranger(name) for name in sorted(values.keys() - known)]
    strangers += [
        f"{name} is mounted by no name, so no pod reads it: put it into settings.env."
        for name in sorted((values.keys() & known) - mounted(rendered))
    ]
    told = rendered.environment()
    # In the pod, the directory has these values.
    for name in ("CLOUDMART_SECRETS_DIR", *FILES):
        told.pop(name, None)
    refusals = load_settings({**values, **told}).report.refusals
    # `make k8s-check` reports faults of the manifests.
    return strangers + [fault.sentence for fault in refusals if fault.name not in told]


def _stranger(name: str) -> str:
    meant = nearest_setting(name)
    return (
        f"{name} is not a setting; did you mean {meant}?"
        if meant
        else (f"{name} is not a setting: remove it.")
    )


def main(arguments: list[str]) -> int:
    """Print the Secret as JSON, or the faults of the file; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in PUBLIC:
        return _complain(f"Which environment? One of: {', '.join(PUBLIC)}", code=2)
    overlay = OVERLAYS / arguments[0]
    file = overlay / "secret.env"
    if not file.exists():
        example = f"cp {_shown(OVERLAYS / 'secret.env.example')} {_shown(file)}"
        return _complain(f"There is no {_shown(file)}. Begin with `{example}`.")
    values = {name: value or "" for name, value in dotenv_values(file, interpolate=False).items()}
    try:
        rendered = render_overlay(overlay)
    except FileNotFoundError as error:
        return _complain(str(error))
    except CalledProcessError as error:
        return _complain(error.stderr)
    if found := faults(rendered, values):
        return _complain("\n".join(f"{_shown(file)}: {fault}" for fault in found))
    json.dump(secret(rendered, values), sys.stdout)
    return 0


def _shown(path: Path) -> Path:
    return path.relative_to(OVERLAYS.parents[1])


def _complain(sentence: str, *, code: int = 1) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
