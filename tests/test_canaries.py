"""Secrets and customers' words come out nowhere: not in logs, metrics or problems.

A unique word is put into every input of a process that logs as much as possible, while its store
and its providers fail in every way. Then all of its output is searched for these words.
"""

import base64
from dataclasses import dataclass, field
from itertools import count
from threading import Thread
from typing import Any, Self

import httpx2
import pytest

from cloudmart.settings import Settings
from tests.support.collector import collector
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.responses_api import event, message, response
from tests.support.routes import ROUTES
from tests.support.scripted_server import LoopbackServer, Reply, loopback
from tests.support.serve_process import environment, free_port, serving_process

_numbers = count(1)


def canary() -> str:
    """Return a word that occurs nowhere else."""
    return f"kanarienvogel{next(_numbers):04}x"


@dataclass
class Heard:
    """All words that were put in, and all output."""

    log: str = ""
    metrics: str = ""
    health: list[str] = field(default_factory=list)
    traces: str = ""
    problems: list[httpx2.Response] = field(default_factory=list)
    sent: dict[str, list[str]] = field(default_factory=dict)

    def plant(self, place: str) -> str:
        """Return a word for a place of a request."""
        word = canary()
        self.sent.setdefault(place, []).append(word)
        return word

    def of(self, *places: str) -> list[str]:
        """Return the words that were put into some places, or into all."""
        return [word for place in places or self.sent for word in self.sent[place]]


@pytest.fixture(scope="module")
def heard(
    engine: str, shared_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Heard:
    """Provide the output of a process that got words which must not come out."""
    heard = Heard()
    with loopback() as provider, FaultsOf(engine) as faults, collector() as traces:
        environ = environment(
            shared_settings,
            AUTH="off",
            AWS_ENDPOINT_URL_DYNAMODB=faults.url,
            LOG_LEVEL="debug",
            LOG_READS="1",
            OPENAI_API_KEY=f"sk-{heard.plant('settings')}",
            OPENAI_BASE_URL=f"{provider.url}/v1",
            AZURE_ENDPOINT=provider.url,
            AZURE_API_KEY=heard.plant("settings"),
            OTEL_EXPORTER_OTLP_ENDPOINT=traces.url,
            OTEL_EXPORTER_OTLP_HEADERS=f"api-key={heard.plant('settings')}",
            OTEL_TRACES_SAMPLER="always_on",
            RATE_LIMIT_STORAGE=f"redis://:{heard.plant('settings')}@127.0.0.1:{free_port()}",
            **{f"RATE_LIMIT_{kind}": "100000" for kind in ("READ", "WRITE", "CHAT", "EMAIL")},
        )
        directory = tmp_path_factory.mktemp("canaries")
        with serving_process(environ, directory) as process:
            lines: list[str] = []
            # More than a pipe can hold.
            reading = Thread(target=lambda: lines.extend(process.process.stderr or ()))
            reading.start()
            process.wait_for(200, "/ready")
            with httpx2.Client(base_url=process.url, timeout=60) as client:
                speaker = Speaker(client, heard)
                speaker.ask_for_everything()
                for fault in (Fault.DENIED, Fault.UNHEARD_OF):
                    faults.fail(fault)
                    speaker.ask_for_everything()
                    faults.heal()
                speaker.chat(provider)
                heard.health += [client.get(path).text for path in ("/health", "/ready", "/")]
            metrics = httpx2.get(f"http://127.0.0.1:{process.metrics_port}/metrics", timeout=60)
            heard.metrics = metrics.text
            process.stop()
            reading.join(30)
            process.process.communicate(timeout=30)
            heard.log = "".join(lines) + process.termination_log.read_text()
            heard.traces = "\n".join(map(str, [traces.resource, *traces.spans]))
            heard.traces += traces.raw.decode("latin-1")
    return heard


class FaultsOf(FaultProxy):
    """A proxy in front of DynamoDB, while the context lasts."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Speaker:
    """Puts a different word into every place of every request."""

    def __init__(self, client: httpx2.Client, heard: Heard) -> None:
        self._client = client
        self._heard = heard

    def ask_for_everything(self) -> None:
        """Call every route, correctly and wrongly."""
        plant = self._heard.plant
        for route in ROUTES:
            path = route.path(plant("path"))
            self._ask(route.method, path, json=self._filled(route.body))
            self._ask(route.method, path, json={plant("key"): plant("body")})
            self._ask(route.method, path, json=[plant("body")])
            self._ask(route.method, path, content=f'{{"{plant("body")}'.encode())
            self._ask(plant("method"), path)
        for query in ("email={}@example.org", "email={}", "q={}", "limit={}", "cursor={}"):
            for path in ("/api/products", "/api/orders", "/api/orders/user", "/api/tickets"):
                self._ask("GET", f"{path}?{query.format(plant('query'))}")

    def chat(self, provider: LoopbackServer) -> None:
        """Chat with an assistant whose provider fails, repeats its input, and answers."""
        plant = self._heard.plant
        # A provider that quotes its customer. If it refuses the key, the log keeps its sentence.
        quoted = {"error": {"message": plant("provider"), "code": "wrong", "type": "x"}}
        refused = {"error": {"message": "No.", "code": "wrong", "type": "x"}}
        said = response("completed", output=[message(plant("provider"))])
        done = event("response.completed", response=said)
        provider.answer = lambda _: Reply.json(500, quoted)
        thread = self._client.post("/api/ai/start").json()["threadId"]
        self._heard.sent["thread"] = [thread]
        for reply in (
            *(Reply.json(status, quoted) for status in (400, 429, 500, 503)),
            *(Reply.json(status, refused) for status in (401, 403, 404)),
            Reply(200, {"content-type": "text/event-stream"}, [done]),
            Reply(200, {"content-type": "text/event-stream"}, [plant("provider").encode()]),
            Reply(200, {"content-type": "text/html"}, [plant("provider").encode()]),
        ):
            provider.play(reply, reply)
            text = f"Where is my order {plant('chat')}? I am {plant('chat')}@example.org."
            self._ask("POST", "/api/ai/message", json={"threadId": thread, "message": text})
        messages = [{"sender": "user", "text": plant("chat")} for _ in range(12)]
        ended = {"thread": {"id": thread, "name": plant("chat"), "messages": messages}}
        self._ask("POST", "/api/ai/analyze-sentiment", json=ended)
        self._ask("POST", "/api/ai/message", json={"threadId": plant("chat"), "message": "?"})

    def _filled(self, body: Any) -> Any:  # noqa: ANN401 - any JSON
        words = {
            name: self._heard.plant("body")
            for name in ("name", "description", "image", "subject", "message", "status")
        }
        address = f"{self._heard.plant('email')}@example.org"
        said = [{"sender": "user", "text": self._heard.plant("body")}]
        return (body or {}) | words | {"userEmail": address, "conversation": said}

    def _ask(self, method: str, path: str, **sent: Any) -> None:  # noqa: ANN401
        plant = self._heard.plant
        basic = base64.b64encode(f"ann:{plant('header')}".encode()).decode()
        headers = {
            "Authorization": f"Basic {basic}",
            "Cookie": f"session={plant('header')}",
            "User-Agent": plant("header"),
            "Referer": f"https://{plant('header')}.example",
            "X-Forwarded-For": plant("header"),
            "Idempotency-Key": plant("header"),
            "Traceparent": f"cc-{'1' * 32}-{'2' * 16}-01-{plant('header')}",
            "Tracestate": f"{plant('header')}={plant('header')}",
            "Baggage": f"{plant('header')}={plant('header')}",
            f"X-{plant('header')}": plant("header"),
            "Content-Type": "application/json",
        }
        self._heard.sent.setdefault("header", []).append(basic)
        answer = self._client.request(method, path, headers=headers, **sent)
        if answer.status_code >= 400:
            self._heard.problems.append(answer)


def test_everything_went_wrong_that_was_to(heard: Heard) -> None:
    codes = {answer.status_code for answer in heard.problems}

    assert codes >= {400, 404, 422, 500, 502, 503}
    assert len(heard.of()) > 3000
    assert "request_failed" in heard.log
    assert heard.log.count('"event": "request"') > 200
    assert "rate_limits_counted_apart" in heard.log
    assert "cloudmart_chat_turns_total" in heard.metrics
    assert "name='POST /api/orders'" in heard.traces
    assert "GetItem" in heard.traces
    assert "name='chat" in heard.traces


@pytest.mark.parametrize("output", ["log", "metrics", "health", "traces"])
def test_no_word_that_was_put_in_comes_out(output: str, heard: Heard) -> None:
    said = str(getattr(heard, output)).lower()

    lines = said.splitlines()
    words = [word.lower() for word in heard.of()]
    assert [line[:2000] for line in lines if any(word in line for word in words)] == []


def test_a_problem_repeats_only_the_path_of_the_request(heard: Heard) -> None:
    kept = [place for place in heard.sent if place not in {"path", "thread"}]
    words = heard.of(*kept)

    leaks = {
        (answer.request.method, str(answer.status_code), word)
        for answer in heard.problems
        for word in words
        if word.lower() in answer.text.lower()
    }
    assert leaks == set()
