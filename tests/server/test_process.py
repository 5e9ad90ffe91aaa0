"""`cloudmart serve` as the kubelet sees it: when it listens, and how it ends."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cloudmart.settings import Settings
from tests.support.aws import aws_client
from tests.support.fault_proxy import Fault, FaultProxy, Refusal, fault_proxy
from tests.support.serve_process import environment, free_port, serving_process

ROLE = "arn:aws:iam::111122223333:role/cloudmart-eks-pod-role"
DENIED = Refusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
_LIST = "Scan"
"""Requests use this operation and probes do not, so a hang stops requests only."""


def told(log: str, event: str) -> list[dict[str, Any]]:
    """Return the events with a name in a log."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def test_an_idle_process_shows_its_metrics_and_ends_at_once_despite_open_connections(
    settings: Settings, tmp_path: Path
) -> None:
    with (
        serving_process(environment(settings), tmp_path) as it,
        httpx2.Client(base_url=it.url, timeout=60) as client,
    ):
        it.wait_for(200, "/ready")
        assert client.get("/api/products").json() == []
        metrics = httpx2.get(f"http://127.0.0.1:{it.metrics_port}/metrics", timeout=60).text
        hidden = client.get("/metrics").status_code
        it.stop()
        code, log = it.ended()

    assert "\ncloudmart_ready 1.0\n" in metrics
    assert hidden == 404
    assert code == 0
    assert [event["port"] for event in told(log, "listening")] == [it.port, it.metrics_port]
    assert it.termination_log.read_text() == ""


def test_it_refuses_to_start_without_auth(settings: Settings, tmp_path: Path) -> None:
    with serving_process(environment(settings, AUTH=""), tmp_path) as it:
        code, log = it.ended()

    assert code == 78
    assert "AUTH is not set, and without it anyone could change products" in log
    assert it.termination_log.read_text() in log


def test_it_warns_for_as_long_as_anyone_gets_in(settings: Settings, tmp_path: Path) -> None:
    with serving_process(environment(settings), tmp_path) as it:
        health = it.wait_for(200, "/health").json()

    assert health["status"] == "warn"
    assert "access off, customer orders open" in health["notes"]
    assert health["checks"]["access:authentication"][0] == {
        "componentType": "system",
        "status": "warn",
        "output": "Disabled: AUTH is off: anyone may change products and read all orders.",
        "affectedEndpoints": ["/api/products", "/api/orders", "/api/tickets"],
    }


def test_a_request_that_runs_is_finished_and_the_process_unready_meanwhile(
    faults: FaultProxy, settings: Settings, tmp_path: Path
) -> None:
    with (
        serving_process(environment(settings), tmp_path) as it,
        ThreadPoolExecutor(1) as pool,
    ):
        it.wait_for(200, "/ready")
        faults.hanging.clear()
        faults.fail(Fault.HANG, _LIST)
        slow = pool.submit(httpx2.get, f"{it.url}/api/products", timeout=60)
        assert faults.hanging.wait(60)
        it.stop()
        unready = it.wait_for(503, "/ready")
        alive = httpx2.get(f"{it.url}/health", timeout=60)
        faults.heal()
        answer = slow.result()
        code, _ = it.ended()

    assert unready.json()["output"] == "This pod is stopping."
    assert unready.headers["Connection"] == "close"
    assert alive.status_code == 200
    assert answer.status_code in {200, 503}
    assert answer.headers["Connection"] == "close"
    assert code == 0


@pytest.mark.parametrize("by", ["a second signal", "the end of the grace"])
def test_requests_that_do_not_finish_in_time_get_503(
    by: str, faults: FaultProxy, settings: Settings, tmp_path: Path
) -> None:
    grace = "0.2" if by == "the end of the grace" else "55"
    with (
        serving_process(environment(settings, SHUTDOWN_GRACE=grace), tmp_path) as it,
        ThreadPoolExecutor(1) as pool,
    ):
        it.wait_for(200, "/ready")
        faults.hanging.clear()
        faults.fail(Fault.HANG, _LIST)
        slow = pool.submit(httpx2.get, f"{it.url}/api/products", timeout=60)
        assert faults.hanging.wait(60)
        it.stop()
        if by == "a second signal":
            it.wait_for(503, "/ready")
            it.stop()
        answer = slow.result()
        code, log = it.ended()

    assert answer.status_code == 503
    assert answer.json()["detail"] == (
        "The service is being restarted and could not finish in time. Please try again."
    )
    assert int(answer.headers["Retry-After"]) > 0
    assert code == 0
    assert [event["number"] for event in told(log, "requests_cut_short")] == [1]
    assert "Traceback" not in log


def test_a_start_that_fails_listens_meanwhile_and_leaves_word(
    engine: str, settings: Settings, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("a.token.of-the-pod")
    with fault_proxy(engine) as sts:
        sts.fail(DENIED)
        environ = environment(
            settings,
            AWS_ENDPOINT_URL_STS=sts.url,
            AWS_ROLE_ARN=ROLE,
            AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
            STARTUP_TIMEOUT="3",
        )
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environ.pop(name, None)
        with serving_process(environ, tmp_path) as it:
            alive = it.wait_for(200, "/livez")
            startup = httpx2.get(f"{it.url}/startupz", timeout=60)
            code, log = it.ended()

    message = it.termination_log.read_text()
    assert (alive.status_code, startup.status_code, code) == (200, 503, 1)
    assert "(role-denied)" in message
    assert "Next: aws iam get-role --role-name cloudmart-eks-pod-role" in message
    assert message in log
    assert len(told(log, "start_waits")) == 1


@pytest.mark.parametrize("variable", ["PORT", "METRICS_PORT"])
def test_a_port_that_is_taken_is_named_with_its_variable(
    variable: str, settings: Settings, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving_process(environment(settings, **{variable: str(port)}), tmp_path) as it:
            code, _ = it.ended()

    assert code == 1
    assert it.termination_log.read_text() == (
        f"CloudMart cannot listen on 127.0.0.1:{port}: Address already in use. "
        f"Stop what listens there, or set {variable} to another port."
    )


def _secret(engine: str, name: str, text: str) -> None:
    client = aws_client("secretsmanager", endpoint_url=engine, region_name="us-east-1")
    client.create_secret(Name=name, SecretString=text)


def test_with_a_secret_the_process_waits_for_it_and_then_serves_behind_the_same_socket(
    engine: str, settings: Settings, tmp_path: Path, embedded_only: None
) -> None:
    assert embedded_only is None
    name = f"{settings.dynamodb.orders_table}-waits"
    with fault_proxy(engine) as store:
        store.fail(Fault.DENIED)
        environ = environment(
            settings,
            AWS_ENDPOINT_URL_SECRETS_MANAGER=store.url,
            CLOUDMART_SECRET_ID=name,
            PORT=str(free_port()),
        )
        with (
            serving_process(environ, tmp_path) as it,
            httpx2.Client(base_url=it.url, timeout=60) as client,
        ):
            it.wait_for(200, "/livez")
            # One connection for the whole test: it survives the change.
            before = [client.get(path) for path in ("/ready", "/startupz", "/api/products")]
            _secret(engine, name, json.dumps({"OPENAI_MODEL": "from-the-secret"}))
            store.heal()
            it.wait_for(200, "/ready")
            after = client.get("/api/products")
            checks = client.get("/health").json()["checks"]
            it.stop()
            code, log = it.ended()

    assert [answer.status_code for answer in before] == [503, 503, 503]
    assert before[2].headers["Content-Type"] == "application/problem+json"
    assert int(before[2].headers["Retry-After"]) > 0
    assert (after.status_code, after.json(), code) == (200, [], 0)
    assert "configuration:freshness" in checks
    (waited,) = told(log, "start_waits")
    assert (waited["waits_for"], waited["cause"]) == (
        "the secret with the settings",
        "secret-denied",
    )


def test_a_secret_with_a_placeholder_ends_the_start_as_any_wrong_setting(
    engine: str, settings: Settings, tmp_path: Path, embedded_only: None
) -> None:
    assert embedded_only is None
    name = f"{settings.dynamodb.orders_table}-wrong"
    _secret(engine, name, json.dumps({"OPENAI_API_KEY": "<your-openai-api-key>"}))
    environ = environment(
        settings, AWS_ENDPOINT_URL_SECRETS_MANAGER=engine, CLOUDMART_SECRET_ID=name
    )

    with serving_process(environ, tmp_path) as it:
        code, _ = it.ended()

    assert code == 78
    assert "OPENAI_API_KEY is a placeholder" in it.termination_log.read_text()


def test_auth_may_come_from_the_secret_and_must_be_set_by_then(
    engine: str, settings: Settings, tmp_path: Path, embedded_only: None
) -> None:
    assert embedded_only is None
    told, untold = (f"{settings.dynamodb.orders_table}-{end}" for end in ("told", "untold"))
    _secret(engine, told, json.dumps({"AUTH": "off"}))
    _secret(engine, untold, json.dumps({"OPENAI_MODEL": "from-the-secret"}))
    environ = environment(settings, AUTH="", AWS_ENDPOINT_URL_SECRETS_MANAGER=engine)

    with serving_process(
        environ | {"CLOUDMART_SECRET_ID": told, "OPENAI_APIKEY": "x"}, tmp_path
    ) as it:
        ready = it.wait_for(200, "/ready")
        it.stop()
        _, log = it.ended()
    with serving_process(environ | {"CLOUDMART_SECRET_ID": untold}, tmp_path) as it:
        code, _ = it.ended()

    assert ready.status_code == 200
    # It is known before the secret is, and is logged only once.
    assert log.count("did you mean OPENAI_API_KEY?") == 1
    assert code == 78
    assert "AUTH is not set" in it.termination_log.read_text()
