"""Idle connections, and which side closes them first."""

import re
from pathlib import Path

from starlette.applications import Starlette

from cloudmart.health.state import Lifecycle
from cloudmart.server.server import Server

INGRESS = Path(__file__).parents[2] / "k8s" / "components" / "alb" / "ingress.yaml"


def test_the_load_balancer_closes_an_idle_connection_before_the_service_does() -> None:
    (idle,) = re.findall(r"idle_timeout\.timeout_seconds=(\d+)", INGRESS.read_text())

    service = Server(Starlette(), Lifecycle()).config.timeout_keep_alive

    # The clocks of the two sides start at different moments, and the machine may be busy.
    assert service >= int(idle) + 10
