"""`compose.yaml`, run by podman-compose with Debian's podman."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.image.engine import BASE, PODMAN, ROOT, build_of, run

_COMPOSE = Path(sys.executable).parent / "podman-compose"
# podman may not raise limits here, and its default log needs systemd.
_ENGINE = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
events_logger = "file"
"""
_STOREFRONT = """
FROM {base}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
RUN echo '<title>CloudMart</title>' >/usr/share/nginx/html/index.html
"""


def storefront_image(directory: Path) -> str:
    """Build an image like a storefront's: nginx and a page."""
    (directory / "Dockerfile").write_text(_STOREFRONT.format(base=BASE), "utf-8")
    return build_of(directory, "localhost/cloudmart-storefront:test")


def tag(image: str, name: str) -> None:
    """Provide an image another name."""
    run(*PODMAN, "tag", image, name)


@contextmanager
def composed(directory: Path, *options: str, **environ: str) -> Iterator[None]:
    """Run the services of `compose.yaml` while the context lasts."""
    (directory / "containers.conf").write_text(_ENGINE, "utf-8")
    podman = directory / "podman"
    podman.write_text(f'#!/bin/sh\nexec {" ".join(PODMAN)} "$@"\n', "utf-8")
    podman.chmod(0o755)
    told = os.environ | {"CONTAINERS_CONF": str(directory / "containers.conf")} | environ
    command = [str(_COMPOSE), "--podman-path", str(podman), *options]
    try:
        _compose(command, "up", "--detach", environ=told)
        yield
    finally:
        _compose(command, "down", "--timeout", "1", environ=told)


def _compose(command: list[str], *words: str, environ: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own arguments
        [*command, *words], cwd=ROOT, env=environ, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
