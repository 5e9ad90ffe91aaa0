"""Bedrock: the agent is PREPARED and so is what its alias leads to; or the model answers."""

import re
from collections.abc import AsyncIterator
from typing import Any

from botocore.exceptions import ClientError

from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble
from cloudmart.doctor.inputs import Inputs, NotAskedError
from cloudmart.settings import BedrockMode, Provider, why_disabled

_DRAFT = "TSTALIASID"
_PREPARED = "PREPARED"
_ABSENT = ("ResourceNotFoundException", "ValidationException")
_PROFILE = re.compile(r"(?:global|us-gov|us|eu|apac|au|ca|jp)\..+|arn:.+:inference-profile/.+")
_COST = "a few tokens, less than 0.001 USD"

_AGENT = frozenset({"settings", "aws:bedrock-agent"})
_PARENTS = ("credentials-found",)


async def agent(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the agent exists and is PREPARED."""
    agent_id = _agent_id(inputs)
    found = await _ask(inputs, "get_agent", agentId=agent_id)
    if found is None:
        yield trouble("bedrock-agent-exists", f"there is no agent {agent_id} in {_region(inputs)}")
        yield skipped("bedrock-agent-prepared", "bedrock-agent-exists failed")
        return
    status = found["agent"]["agentStatus"]
    if status == _PREPARED:
        yield passed("bedrock-agent-prepared", status)
    else:
        reasons = "; ".join(found["agent"].get("failureReasons") or ())
        observed = f"{status}: {reasons}" if reasons else status
        yield trouble("bedrock-agent-prepared", observed, agent=agent_id)


async def alias(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the alias exists, is PREPARED, and leads to a version that is."""
    agent_id, alias_id = _agent_id(inputs), inputs.settings.bedrock.agent_alias_id or ""
    found = await _ask(inputs, "get_agent_alias", agentId=agent_id, agentAliasId=alias_id)
    if found is None:
        yield trouble("bedrock-alias-exists", f"agent {agent_id} has no alias {alias_id}")
        for key in ("bedrock-alias-prepared", "bedrock-alias-version", "bedrock-alias-released"):
            yield skipped(key, "bedrock-alias-exists failed")
        return
    told = found["agentAlias"]
    status = told["agentAliasStatus"]
    if status != _PREPARED:
        reasons = "; ".join(told.get("failureReasons") or ())
        yield trouble("bedrock-alias-prepared", f"{status}: {reasons}" if reasons else status)
    if alias_id == _DRAFT:
        yield trouble("bedrock-alias-released", f"{alias_id} is the alias of the draft")
    routes = told.get("routingConfiguration") or [{}]
    version = routes[0].get("agentVersion")
    if version is None:
        yield trouble("bedrock-alias-version", "the alias leads to no version")
        return
    yield await _version(inputs, agent_id, version)


async def _version(inputs: Inputs, agent_id: str, version: str) -> CheckResult:
    key = "bedrock-alias-version"
    if version == "DRAFT":
        return passed(key, version)
    behind = await _ask(inputs, "get_agent_version", agentId=agent_id, agentVersion=version)
    if behind is None:
        return trouble(key, f"the alias leads to version {version}, which does not exist")
    status = behind["agentVersion"]["agentStatus"]
    observed = f"version {version} is {status}"
    return passed(key, observed) if status == _PREPARED else trouble(key, observed)


async def bedrock_model(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the model exists and is not about to end."""
    name = _model_id(inputs)
    identifier = name
    if _PROFILE.fullmatch(name):
        profile = await _ask(inputs, "get_inference_profile", inferenceProfileIdentifier=name)
        models = (profile or {}).get("models") or []
        if not models:
            observed = f"there is no profile {name} in {_region(inputs)}"
            yield trouble("bedrock-model-exists", observed, model=name)
            yield skipped("bedrock-model-current", "bedrock-model-exists failed")
            return
        identifier = models[0]["modelArn"]
    found = await _ask(inputs, "get_foundation_model", modelIdentifier=identifier)
    if found is None:
        yield trouble(
            "bedrock-model-exists", f"there is no {name} in {_region(inputs)}", model=name
        )
        yield skipped("bedrock-model-current", "bedrock-model-exists failed")
        return
    yield passed("bedrock-model-exists", name)
    status = (found["modelDetails"].get("modelLifecycle") or {}).get("status", "ACTIVE")
    if status != "ACTIVE":
        yield trouble("bedrock-model-current", f"{name} is {status}", model=name)


async def answer(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Have the model write one token, which is paid for."""
    name = _model_id(inputs)
    message = {"role": "user", "content": [{"text": "Say yes."}]}
    try:
        await inputs.aws(
            "bedrock-runtime",
            "converse",
            region=_region(inputs),
            modelId=name,
            messages=[message],
            inferenceConfig={"maxTokens": 1},
        )
    except ClientError as error:
        told = error.response["Error"]
        yield trouble("bedrock-model-answers", f"{told['Code']}: {told.get('Message', '')}"[:300])
        return
    yield passed("bedrock-model-answers", f"{name} answers ({_COST})")


async def _ask(inputs: Inputs, operation: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
    """Return what Bedrock answers, or None where what is asked for is not there."""
    service = "bedrock-agent" if "agent" in operation else "bedrock"
    try:
        return await inputs.aws(service, operation, region=_region(inputs), **parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise


def _agent_id(inputs: Inputs) -> str:
    _expect(inputs, BedrockMode.AGENT, "no agent is used: a model answers")
    return inputs.settings.bedrock.agent_id or ""


def _model_id(inputs: Inputs) -> str:
    _expect(inputs, BedrockMode.CONVERSE, "no model is used: an agent answers")
    return inputs.settings.bedrock.model_id or ""


def _expect(inputs: Inputs, way: BedrockMode, otherwise: str) -> None:
    if reason := why_disabled(inputs.settings)[Provider.BEDROCK]:
        raise NotAskedError(reason)
    if inputs.settings.bedrock.way is not way:
        raise NotAskedError(otherwise)


def _region(inputs: Inputs) -> str:
    return inputs.settings.bedrock.region or inputs.settings.aws.region or ""


CHECKS = (
    DoctorCheck(("bedrock-agent-exists", "bedrock-agent-prepared"), agent, _AGENT, _PARENTS),
    DoctorCheck(
        (
            *("bedrock-alias-exists", "bedrock-alias-prepared"),
            *("bedrock-alias-version", "bedrock-alias-released"),
        ),
        alias,
        _AGENT,
        ("bedrock-agent-exists",),
    ),
    DoctorCheck(
        ("bedrock-model-exists", "bedrock-model-current"),
        bedrock_model,
        frozenset({"settings", "aws:bedrock"}),
        _PARENTS,
    ),
    DoctorCheck(
        ("bedrock-model-answers",),
        answer,
        frozenset({"settings", "aws:bedrock-runtime"}),
        ("bedrock-model-exists",),
    ),
)
