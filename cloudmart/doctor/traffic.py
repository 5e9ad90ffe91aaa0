"""Checks of the pods' metrics and logs: unreadable items, limits, unread answers, tokens."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from prometheus_client.parser import text_string_to_metric_families

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, trouble
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.findings.finding import CheckStatus
from cloudmart.rollout.release import name_of
from cloudmart.settings import DynamoDBSettings

_TAIL = "1000"
_REFUSED = 0.2
_CUT_OFF = 0.01
# What a single client does by chance is no trouble.
_FEW_REFUSED = 10
_FEW_CUT_OFF = 2
_NEARLY = 0.8
_DEAR = 0.25
_DAYS = "tokens-{:%Y-%m-%d}"

_REQUESTS = "cloudmart_http_request_duration_seconds_count"
_LIMITED = "cloudmart_rate_limited_total"
_UNREAD = "cloudmart_answers_cut_off_total"
_TOKENS = "cloudmart_ai_tokens_total"
_TURNS = "cloudmart_chat_turns_total"
_UNREADABLE = "cloudmart_unreadable_items_lately"
_READ = frozenset({_REQUESTS, _LIMITED, _UNREAD, _TOKENS, _TURNS, _UNREADABLE})

_PARENTS = ("metrics-answer",)
_KUBERNETES = kubernetes.KUBERNETES
_LONG = 15.0


@dataclass(frozen=True, slots=True)
class PodFigures:
    """Figures of a pod: since its start, or within the time between two looks at it."""

    when: str
    samples: Mapping[tuple[str, str], float]
    """By the metric's name and the value of the label that tells them apart here."""

    def of(self, name: str) -> dict[str, float]:
        """Return a metric's figures by their label."""
        return {label: number for (each, label), number in self.samples.items() if each == name}

    def total(self, name: str) -> float:
        """Return the sum of a metric's figures."""
        return sum(self.of(name).values())

    def since(self, before: "PodFigures", seconds: float) -> "PodFigures":
        """Return by how much each figure has grown."""
        grown = {key: number - before.samples.get(key, 0.0) for key, number in self.samples.items()}
        return PodFigures(f"within {seconds:g} s", grown)


async def items(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which stored items the pods could not read whole lately."""
    tables = _tables(inputs.settings.dynamodb)
    for pod in await _pods(inputs):
        found = (await _figures(inputs, pod)).of(_UNREADABLE)
        for kind, number in sorted(found.items()):
            if number:
                text = await inputs.kubectl("logs", f"pod/{pod}", "--tail", _TAIL)
                named = list(dict.fromkeys(_unreadable(text, kind)))
                told = f": {'; '.join(named[:5])}" if named else ""
                yield trouble(
                    "items-readable",
                    f"{pod} cannot read {number:.0f} of the stored items whole ({kind}){told}",
                    table=tables.get(kind, kind),
                    logs=inputs.command("logs", f"pod/{pod}"),
                )


def _unreadable(text: str, kind: str) -> Iterator[str]:
    """Yield sentences about the items of a kind in a log, the newest first."""
    for line in reversed(text.splitlines()):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if not isinstance(event, dict) or event.get("event") != "item_unreadable":
            continue
        if event.get("kind") == kind:
            key = event.get(f"{kind.lower()}_id", "an id that is not shown")
            yield f"{key} ({', '.join(map(str, event.get('attributes') or ()))})"


def _tables(names: DynamoDBSettings) -> Mapping[str, str]:
    return {
        "Product": names.products_table,
        "Order": names.orders_table,
        "Ticket": names.tickets_table,
        "Conversation": names.conversations_table,
    }


async def clients(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether clients ask for more than they may, or do not read what they asked for."""
    for pod in await _pods(inputs):
        for each in await _looks(inputs, pod):
            if found := _share(each, _LIMITED, _REFUSED, _FEW_REFUSED):
                kinds = ", ".join(
                    sorted(kind for kind, number in each.of(_LIMITED).items() if number)
                )
                yield trouble(
                    "clients-within-limits",
                    f"{pod} refused {found} because of rate limits ({kinds})",
                )
            if found := _share(each, _UNREAD, _CUT_OFF, _FEW_CUT_OFF):
                yield trouble("answers-read", f"{pod} cut off {found} that nobody read")


def _share(figures: PodFigures, name: str, most: float, few: int) -> str:
    """Return a sentence about a metric's share of all requests, or nothing if it is small."""
    number, requests = figures.total(name), figures.total(_REQUESTS)
    if number < few or number <= most * requests:
        return ""
    # What is cut off before it was counted as a request is no request yet.
    return f"{number:,.0f} of {max(number, requests):,.0f} answers {figures.when}"


async def messages(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether a message to an assistant uses so many tokens that chats end early."""
    most = inputs.settings.assistant.conversation_tokens
    if not most:
        raise NotAskedError("AI_CONVERSATION_TOKENS is 0: no chat has a limit")
    for pod in await _pods(inputs):
        for each in await _looks(inputs, pod):
            turns, tokens = each.total(_TURNS), each.of(_TOKENS)
            used = sum(tokens.values())
            if turns and used > _DEAR * most * turns:
                models = ", ".join(sorted(model for model, number in tokens.items() if number))
                yield trouble(
                    "messages-affordable",
                    f"{pod} used {used / turns:,.0f} tokens for a message on average "
                    f"{each.when} ({models}); a whole chat may use {most:,}",
                )


async def tokens(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report how many of the day's tokens are used."""
    most = inputs.settings.assistant.daily_tokens
    if not most:
        raise NotAskedError("AI_DAILY_TOKENS is 0: the day has no limit")
    table = inputs.settings.dynamodb.conversations_table
    key = {"id": {"S": _DAYS.format(inputs.now())}}
    try:
        answer = await inputs.aws("dynamodb", "get_item", TableName=table, Key=key)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise NotKnownError(f"DynamoDB does not say what {table} counts: {code}") from error
    used = _number((answer.get("Item") or {}).get("tokens"))
    observed = f"{used:,} of today's {most:,} tokens are used"
    if used >= most:
        yield CheckResult("tokens-left", observed, CheckStatus.FAIL)
    elif used >= _NEARLY * most:
        yield trouble("tokens-left", observed)
    else:
        yield passed("tokens-left", observed)


def _number(attribute: Any) -> int:  # noqa: ANN401 - whatever the table holds
    try:
        return int(float(attribute["N"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0


async def _pods(inputs: Inputs) -> Sequence[str]:
    found = [name_of(pod) for pod in await kubernetes.pods(inputs) if kubernetes.is_running(pod)]
    if not found:
        raise NotKnownError("no pod of the service runs")
    return found


async def _looks(inputs: Inputs, pod: str) -> list[PodFigures]:
    """Return a pod's figures since its start, and those of a few seconds now."""
    before = await _figures(inputs, pod)
    seconds = inputs.interval

    async def look_later() -> str:
        await asyncio.sleep(seconds)
        return await inputs.looking(("later", pod), lambda each: kubernetes.scrape(each, pod))

    after = _parsed(pod, await inputs.once(("later", pod), look_later))
    return [after, after.since(before, seconds)]


async def _figures(inputs: Inputs, pod: str) -> PodFigures:
    return _parsed(pod, await kubernetes.metrics_of(inputs, pod))


def _parsed(pod: str, text: str) -> PodFigures:
    figures: dict[tuple[str, str], float] = defaultdict(float)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in _READ and sample.labels.get("kind") not in {
                    "cached",
                    "reasoning",
                }:
                    label = sample.labels.get("model") or sample.labels.get("kind") or ""
                    figures[sample.name, label] += sample.value
    except ValueError as error:
        raise NotKnownError(f"{pod} shows metrics that cannot be read") from error
    return PodFigures("since its start", figures)


CHECKS = (
    DoctorCheck(("items-readable",), items, _KUBERNETES | {"settings"}, _PARENTS),
    DoctorCheck(("clients-within-limits", "answers-read"), clients, _KUBERNETES, _PARENTS, _LONG),
    DoctorCheck(("messages-affordable",), messages, _KUBERNETES | {"settings"}, _PARENTS, _LONG),
    DoctorCheck(
        ("tokens-left",),
        tokens,
        frozenset({"settings", "aws:dynamodb", "clock"}),
        ("table-exists",),
    ),
)
