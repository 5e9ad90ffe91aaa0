"""A roll-out as its script makes it: on a cluster that is a fake, of a shop that is one too."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from k8s.kustomize import kubectl
from tests.support.fake_kubectl import Cluster
from tests.support.overlays import ROOT

Pages = dict[str, tuple[int, str]]
"""What is answered, by path: a status and a body."""

_FAKE = ROOT / "tests" / "support" / "fake_kubectl.py"
_ASKING = ("get ", "logs ", "apply --dry-run=server ")


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left of a roll-out."""

    code: int
    told: str
    calls: list[str]

    @property
    def changes(self) -> list[str]:
        """What the cluster was told to do, without its options."""
        words = [call.removeprefix("--namespace default ") for call in self.calls]
        return [without_options(each) for each in words if not each.startswith(_ASKING)]


class Script:
    """The script, on a copy of the manifests with every value filled in."""

    def __init__(self, overlay: Path, url: str, directory: Path) -> None:
        self._root = overlay.parents[2]
        self._url = url
        self._cluster = directory / "cluster.json"
        program = directory / "bin" / "kubectl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {_FAKE} "$@"\n')
        program.chmod(0o755)
        self._environ = {
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{self._root}:{ROOT}",
            "PYTHON": sys.executable,
            "KUBECTL": "kubectl",
            "REAL_KUBECTL": str(kubectl()),
            "FAKE_CLUSTER": str(self._cluster),
            "ROLLOUT_PAUSE": "0.05",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def run(self, *options: str, cluster: Cluster | None = None) -> Ended:
        """Roll production out on a cluster."""
        (cluster or Cluster()).write(self._cluster)
        words = ["--url", self._url, "--answers-within", "60", *options, "production"]
        ended = subprocess.run(  # noqa: S603 - our own script
            [str(self._root / "k8s" / "rollout.sh"), *words],
            env=self._environ,
            capture_output=True,
            check=False,
            text=True,
        )
        calls = [" ".join(call) for call in Cluster.read(self._cluster).calls]
        return Ended(ended.returncode, ended.stderr, calls)


@contextmanager
def seen_from_outside(pages: Pages) -> Iterator[tuple[str, Pages]]:
    """Give a shop's address and its pages, which may change, for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages[self.path]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def without_options(words: str) -> str:
    """Return what kubectl is told, short enough to compare."""
    match words.split():
        case ["apply", "--filename", file]:
            return f"apply {Path(file).name}"
        case ["apply", verb, *_]:
            return f"apply {verb}"
        case ["delete", "job", job, *_]:
            return f"delete job {job}"
        case ["rollout", "undo", _, *revision]:
            return f"rollout undo {' '.join(revision)}"
        case ["rollout", "status", *_]:
            return "rollout status"
    return words
