"""Lifecycle: what AWS, OpenAI and Kubernetes will end, with a warning half a year before."""

import json
import re
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, trouble
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.doctor.openai import AHEAD
from cloudmart.settings.report import SettingState

_FILE = Path(__file__).parent / "lifecycle.toml"


@dataclass(frozen=True, slots=True)
class UpstreamEnd:
    """Something that ends: on which day, how it is known whether it is used, who says so."""

    finding: str
    what: str
    on: date
    uses: str
    source: str


@cache
def upstream_ends() -> tuple[UpstreamEnd, ...]:
    """Return the table of ends."""
    return tuple(UpstreamEnd(**each) for each in tomllib.loads(_FILE.read_text("utf-8"))["end"])


async def configured(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which settings are of something that ends."""
    told = {
        each.name: str(each.value)
        for each in inputs.loaded.report.readings
        if each.state in {SettingState.OK, SettingState.OBSOLETE}
    }
    today = inputs.now().date()
    for end in upstream_ends():
        kind, _, rest = end.uses.partition(":")
        name, _, prefix = rest.partition(":")
        if kind in {"setting", "prefix"} and told.get(name, "").startswith(prefix) and name in told:
            for result in _judge(end, today, f"{name} is set"):
                yield result


async def python(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report when this Python ends."""
    release = f"{sys.version_info.major}.{sys.version_info.minor}"
    for result in _release("python", "python-supported", release, inputs.now().date()):
        yield result


async def cluster(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report when this release of Kubernetes ends at EKS."""
    text = await inputs.kubectl("get", "--raw", "/version")
    today = inputs.now().date()
    try:
        told = json.loads(text)
        release = f"{told['major']}.{re.sub(r'[^0-9]', '', told['minor'])}"
    except (ValueError, KeyError, TypeError) as error:
        raise NotKnownError("the cluster does not say which release it is") from error
    for result in _release("kubernetes", "kubernetes-supported", release, today):
        yield result


async def runtime(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report when the runtime of the pipeline's function ends."""
    name = inputs.settings.pipeline.function
    today = inputs.now().date()
    if name is None:
        raise NotAskedError("PIPELINE_FUNCTION is not set")
    found = await inputs.aws("lambda", "get_function_configuration", FunctionName=name)
    identifier = found.get("Runtime")
    if not identifier:
        raise NotAskedError("the function is an image, which brings its own Python")
    for result in _release("lambda", "lambda-runtime-supported", identifier, today):
        yield result


def _release(kind: str, key: str, release: str, today: date) -> Iterator[CheckResult]:
    ends = [each for each in upstream_ends() if each.uses == f"{kind}:{release}"]
    if not ends:
        yield passed(key, f"{release}: no end is known to this version of the doctor")
    for end in ends:
        yield from _judge(end, today, release)


def _judge(end: UpstreamEnd, today: date, seen: str) -> Iterator[CheckResult]:
    verb = "ended" if end.on <= today else "ends"
    observed = f"{seen}: {end.what} {verb} on {end.on} ({end.source})"
    if end.on - today > AHEAD:
        yield passed(end.finding, observed)
    else:
        yield trouble(end.finding, observed, what=end.what, date=str(end.on))


CHECKS = (
    DoctorCheck(
        ("assistants-api-ended", "prompt-objects-end", "bedrock-agents-classic"),
        configured,
        frozenset({"settings", "clock"}),
    ),
    DoctorCheck(("python-supported",), python, frozenset({"clock"})),
    DoctorCheck(
        ("kubernetes-supported",),
        cluster,
        kubernetes.KUBERNETES | {"clock"},
        ("kubernetes-reachable",),
    ),
    DoctorCheck(
        ("lambda-runtime-supported",),
        runtime,
        frozenset({"settings", "aws:lambda", "clock"}),
        ("credentials-found",),
    ),
)
