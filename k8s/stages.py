"""What a roll-out applies, stage by stage, for `rollout.sh`.

python -m k8s.stages production DIRECTORY
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from k8s.check import complaints
from k8s.kustomize import OVERLAYS, Manifest, Rendered, render

_COMPONENT = "app.kubernetes.io/component"
# What the Job that brings the tables about needs, and the Job itself.
_BEFORE = ("configuration", "tables")
# How the pods are reached. What judged those of before judges the new ones until they have taken
# over: another health check would find the old ones ill while they are still needed.
_EDGE = ("Service", "Ingress", "NetworkPolicy")


def stages(rendered: Rendered) -> dict[str, list[Manifest]]:
    """Return the manifests of each stage, in their order."""
    before = [each for each in rendered.manifests if _component(each) in _BEFORE]
    others = [each for each in rendered.manifests if _component(each) != "tables"]
    return {
        "tables": before,
        "service": [each for each in others if each["kind"] not in _EDGE],
        "edge": [each for each in others if each["kind"] in _EDGE],
    }


def facts(rendered: Rendered) -> dict[str, str]:
    """Return what a script has to know of what it applies."""
    (job,) = rendered.of_kind("Job")
    return {
        "namespace": job["metadata"]["namespace"],
        "job": job["metadata"]["name"],
        "url": rendered.environment()["PUBLIC_BASE_URL"],
    }


def main(environment: str, directory: Path) -> int:
    """Write a file for each stage into a directory, and one of facts for a shell to read.

    Nothing is written while something is to be filled in; that is printed, and the exit code 1.
    """
    overlay = OVERLAYS / environment
    if found := complaints(overlay):
        sys.stderr.writelines(f"{line}\n" for line in found)
        return 1
    rendered = render(overlay)
    for name, manifests in stages(rendered).items():
        _write(directory / f"{name}.yaml", manifests)
    lines = [f"{name}={value}\n" for name, value in facts(rendered).items()]
    (directory / "facts").write_text("".join(lines), "utf-8")
    return 0


def _component(manifest: Manifest) -> str:
    return str(manifest["metadata"]["labels"].get(_COMPONENT))


def _write(file: Path, manifests: Iterable[Manifest]) -> None:
    file.write_text(yaml.safe_dump_all(manifests, sort_keys=False), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
