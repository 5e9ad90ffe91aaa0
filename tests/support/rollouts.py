"""Runs roll-outs on a fake cluster, with a fake shop."""

import base64
import copy
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cloudmart.doctor.command import reasons_of_pods
from cloudmart.rollout.command import RolloutCommand, run_rollout
from cloudmart.rollout.output import RolloutOutput
from cloudmart.rollout.pod_faults import RolloutLimits
from cloudmart.rollout.run import RolloutChoices
from tests.support.api_server import Object
from tests.support.fake_cluster import FakeCluster
from tests.support.overlays import FILLED
from tests.support.threaded_server import running

Page = tuple[int, str]
Pages = dict[str, Page | Callable[[], Page]]
"""The answers by path: a status and a body, or a function that returns them."""

SECRETS = {
    "OPENAI_API_KEY": "sk-proj-9fceb02d0ae598e95dc970b7",
    "ADMIN_USERS": "ann:$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "OPENAI_ASSISTANT_ID": "",
    "GCP_SERVICE_ACCOUNT_KEY": "",
}
PAGE = "<!doctype html><title>CloudMart</title>"


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of a roll-out."""

    code: int
    told: str
    changes: list[str]
    document: dict[str, Any]

    @property
    def last(self) -> str:
        """The last sentence."""
        said = [line for line in self.told.splitlines() if line.startswith("== ")]
        return said[-1].removeprefix("== ")


@dataclass(slots=True)
class PassingTime:
    """A clock that only moves while somebody waits."""

    at: float = 0.0
    on_sleep: Callable[[float], None] = field(default=lambda _: None)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.on_sleep(self.at)


class Rig:
    """A cluster, a shop as seen from outside, and roll-outs of production."""

    def __init__(self, overlay: Path, url: str, pages: Pages) -> None:
        self.overlay = overlay
        self.url = url
        self.pages = pages
        self.cluster = FakeCluster()
        self.time = PassingTime()
        self.complaints = ""
        pages.update(
            {
                "/api/health": self.health,
                "/api/products": (200, "[]"),
                "/metrics": (200, PAGE),
                "/": (200, PAGE),
            }
        )
        self.cluster.put(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}},
            secret(SECRETS),
            *storefront(8080),
        )
        labels = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
        self.cluster.live("namespace/default")["metadata"]["labels"] = labels

    def health(self) -> Page:
        """Answer like one of the pods: first the oldest, while it ends."""
        for pod in self.cluster.listed("pod"):
            for container in pod.get("spec", {}).get("containers", ()):
                told = {each["name"]: each.get("value") for each in container.get("env", ())}
                if container["name"] == "cloudmart":
                    shown = f'"rolloutId":"{told.get("ROLLOUT_ID")}"'
                    return 200, f'{{"status":"pass","serviceId":"cloudmart-backend",{shown}}}'
        return 200, '{"status":"ok"}'

    def run(self, context: str | None = None, **choices: Any) -> Ended:  # noqa: ANN401
        """Roll out, and return the result."""
        self.cluster.calls.clear()
        stream = io.StringIO()
        limits = {"clock": self.time.now, "sleep": self.time.sleep, "answers": 20}
        code, document = run_rollout(
            RolloutCommand(
                overlay=self.overlay,
                choices=RolloutChoices("production", choices.pop("url", self.url), **choices),
                limits=RolloutLimits(**limits),  # type: ignore[arg-type] # floats and functions by name
                complaints=lambda: self.complaints,
                explain=reasons_of_pods,
                context=context,
                run=self.cluster,
                report=self.overlay.parents[2] / "report.json",
                output=RolloutOutput(stream),
            )
        )
        return Ended(int(code), stream.getvalue(), self.cluster.changes, document)

    def set_tag(self, tag: str, was: str = FILLED["tag"]) -> None:
        """Fill in another tag."""
        file = self.overlay / "operator.yaml"
        file.write_text(file.read_text("utf-8").replace(f'tag: "{was}"', f'tag: "{tag}"'), "utf-8")


def secret(values: dict[str, str], name: str = "cloudmart-api-keys") -> Object:
    """Return a Secret."""
    coded = {key: base64.b64encode(each.encode()).decode() for key, each in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": coded}


def storefront(port: int, *, ready: bool = True) -> tuple[Object, Object]:
    """Return a Service of the page, and its endpoints."""
    metadata = {"name": "cloudmart-frontend", "namespace": "default"}
    labels = {"kubernetes.io/service-name": "cloudmart-frontend"}
    return (
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"type": "ClusterIP", "ports": [{"port": port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": labels},
            "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": ready}}],
        },
    )


def of_before() -> list[Object]:
    """Return production as the older manifests made it."""
    metadata = {"namespace": "default", "labels": {"app": "cloudmart-backend"}}
    keys = ("OPENAI_API_KEY", "OPENAI_ASSISTANT_ID", "GCP_SERVICE_ACCOUNT_KEY")
    env: list[Object] = [
        {"name": each, "valueFrom": {"secretKeyRef": {"name": "cloudmart-api-keys", "key": each}}}
        for each in keys
    ]
    container = {
        "name": "backend",
        "image": "registry/cloudmart-backend:node-2.3",
        "ports": [{"containerPort": 5000}],
        "env": env,
    }
    template = {
        "metadata": {"labels": {"app": "cloudmart-backend"}},
        "spec": {"containers": [container]},
    }
    return copy.deepcopy(
        [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "cloudmart-backend", **metadata},
                "spec": {
                    "replicas": 3,
                    "selector": {"matchLabels": {"app": "cloudmart-backend"}},
                    "template": template,
                },
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "cloudmart-backend", **metadata},
                "spec": {
                    "type": "LoadBalancer",
                    "selector": {"app": "cloudmart-backend"},
                    "ports": [{"port": 80, "targetPort": 5000}, {"port": 5000, "targetPort": 5000}],
                },
            },
        ]
    )


@contextmanager
def seen_from_outside() -> Iterator[tuple[str, Pages]]:
    """Return the address of a shop, and its pages, which a test may change."""
    pages: Pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages[self.path]
            status, body = page() if callable(page) else page
            self.send_response(status)
            if body.startswith(("{", "[")):
                self.send_header("Content-Type", "application/json")
                # Only a pod sends this header back.
                self.send_header("X-Request-ID", self.headers["X-Request-ID"])
            elif body.startswith("<"):
                self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server):
        yield f"http://127.0.0.1:{server.server_port}", pages
