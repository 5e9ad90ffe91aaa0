"""Builds and runs images without a daemon, with Debian's buildah and podman."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.13-slim-trixie"
_CACHE = ROOT / ".cache" / "image"
_STORE = [f"--root={_CACHE}/store", f"--runroot={_CACHE}/run", "--storage-driver=overlay"]
# This machine may have no systemd, and not the kernel features for podman's default runtime.
PODMAN = ["podman", *_STORE, "--cgroup-manager=cgroupfs", "--runtime=runc"]
# As Kubernetes runs it in a namespace with `restricted`.
_CONFINED = [
    "--network=host",
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
    "--no-healthcheck",
]
# A package index may use a CA that only this machine knows. The CA does not stay in the image.
_OF_THIS_MACHINE = [Path("/etc/pip.conf"), Path("/etc/ssl/certs/ca-certificates.crt")]


def make_base() -> None:
    """Build the stand-in for the official Python image, unless it exists."""
    run(ROOT / "tests" / "image" / "make_base.sh", _CACHE, BASE)


def build(target: str, **arguments: str) -> str:
    """Build a target of the Dockerfile, and return the image's name."""
    told = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    return build_of(ROOT, f"localhost/cloudmart-{target}:test", f"--target={target}", *told)


def build_of(directory: Path, image: str, *options: str) -> str:
    """Build the Dockerfile of a directory, and return the image's name."""
    mounts = [f"--volume={path}:{path}:ro" for path in _OF_THIS_MACHINE if path.exists()]
    how = ["--isolation=chroot", "--pull-never", "--format=docker", "--layers", *mounts, *options]
    run("buildah", *_STORE, "bud", *how, f"--tag={image}", directory)
    return image


def inspect(image: str) -> dict[str, Any]:
    """Return the configuration of an image."""
    found: dict[str, Any] = json.loads(run(*PODMAN, "image", "inspect", image))[0]
    return found


class Container:
    """A running container."""

    def __init__(self, name: str) -> None:
        self._name = name

    def run(self, *command: str) -> str:
        """Return the output of a command in it."""
        return run(*PODMAN, "exec", self._name, *command)

    def signal(self, name: str) -> None:
        """Send a signal to its first process."""
        run(*PODMAN, "kill", "--signal", name, self._name)

    def ended(self) -> int:
        """Wait for its end, and return the exit code."""
        return int(run(*PODMAN, "wait", self._name))

    def log(self) -> str:
        """Return its output so far."""
        return run(*PODMAN, "logs", self._name, stderr=subprocess.STDOUT)


@contextmanager
def container(image: str, *arguments: str, **environ: str) -> Iterator[Container]:
    """Run an image with restrictions while the context lasts."""
    told = [f"--env={name}={value}" for name, value in environ.items()]
    name = run(*PODMAN, "run", "--detach", *_CONFINED, *told, image, *arguments).strip()
    try:
        yield Container(name)
    finally:
        run(*PODMAN, "rm", "--force", "--time=1", name)


def run(*command: str | os.PathLike[str], stderr: int = subprocess.PIPE) -> str:
    """Run a command, and return its output."""
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, check=False, stdout=subprocess.PIPE, stderr=stderr, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
