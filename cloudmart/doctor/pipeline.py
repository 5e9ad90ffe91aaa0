"""The pipeline: stream, mapping, function, what was given up, the warehouse, its lag."""

from collections.abc import AsyncIterator, Mapping

from botocore.exceptions import ClientError

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, skipped, trouble, unknown
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.pipeline.models import PipelineStatus
from cloudmart.pipeline.unknown import UnknownError
from cloudmart.pipeline.watch.status import troubles_of
from cloudmart.rollout.release import name_of

# Which part of a status belongs to a finding, and the word that names its fault.
_STATUS = {
    "pipeline-mapping": ("mapping", "mapping"),
    "pipeline-last-result": ("mapping", "result"),
    "pipeline-failure-queue": ("failures.queued", "queue"),
    "pipeline-quarantine": ("failures.quarantined", "quarantine"),
    "pipeline-lag": ("lagSeconds", "lag"),
}
_REPORTS = "ReportBatchItemFailures"
_UNSET = "PIPELINE_FUNCTION is not set"

_SETTINGS = frozenset({"settings"})
_LAMBDA = frozenset({"settings", "aws:lambda"})
_PARENTS = ("credentials-found", "table-exists")


async def status(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report what `cloudmart pipeline status` tells, each part as a finding."""
    _function(inputs)
    async with inputs.pipeline() as pipeline:
        found = await pipeline.monitor.status()
    troubles = dict(troubles_of(found))
    why = {each.what: each.why for each in found.unknown}
    for key, (path, word) in _STATUS.items():
        if word in troubles:
            yield trouble(key, troubles[word])
        elif path in why:
            yield _untold(key, why[path])
        else:
            yield passed(key, _seen(key, found))


def _untold(key: str, why: str) -> CheckResult:
    # What nobody has named is not asked for; what does not answer is not known.
    return skipped(key, why) if "is not set" in why else unknown(key, why)


def _seen(key: str, found: PipelineStatus) -> str:
    seen: Mapping[str, object] = {
        "pipeline-mapping": found.mapping and found.mapping.state,
        "pipeline-last-result": found.mapping and found.mapping.last_result,
        "pipeline-failure-queue": found.failures.queued,
        "pipeline-quarantine": found.failures.quarantined,
        "pipeline-lag": found.lag_seconds,
    }
    return str(seen[key])


async def mapping(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the mapping hands on what failed, and gives up in the end."""
    name = _function(inputs)
    found = (await inputs.aws("lambda", "list_event_source_mappings", FunctionName=name)).get(
        "EventSourceMappings", []
    )
    table = f":table/{inputs.settings.dynamodb.orders_table}/"
    ours = [each for each in found if table in each.get("EventSourceArn", "")]
    if not ours:
        raise NotAskedError(f"no mapping hands the orders' stream to {name}")
    told = ours[0]
    update = f"aws lambda update-event-source-mapping --uuid {told['UUID']}"
    types = told.get("FunctionResponseTypes") or []
    if _REPORTS not in types:
        observed = f"FunctionResponseTypes is {', '.join(types) or 'empty'}"
        fix = f"`{update} --function-response-types {_REPORTS}`"
        yield trouble("pipeline-partial-failures", observed, fix=fix)
    destination = ((told.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    unbounded = told.get("MaximumRecordAgeInSeconds", -1) == -1
    if not destination or unbounded:
        observed = "no destination" if not destination else "records are retried for ever"
        yield trouble("pipeline-gives-up", observed, update_mapping=update)


async def function(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the function is there and can be called."""
    name = _function(inputs)
    try:
        found = await inputs.aws("lambda", "get_function_configuration", FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield trouble("pipeline-function", f"there is no function {name}")
        return
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state == "Failed" or update == "Failed":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or ""
        yield trouble("pipeline-function", f"{state}, last update {update}: {reason}")
    else:
        yield passed("pipeline-function", f"{state}, {found.get('Runtime', 'an image')}")


async def warehouse(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the table in BigQuery is as rows need it."""
    async with inputs.pipeline() as pipeline:
        questions = pipeline.questions
        if isinstance(questions, str):
            raise NotAskedError(questions)
        try:
            faults = await questions.learn(lambda each: each.schema_faults())
        except UnknownError as error:
            yield trouble("warehouse-reachable", str(error))
            yield skipped("warehouse-schema", "warehouse-reachable failed")
            return
    if faults:
        yield trouble("warehouse-schema", "; ".join(faults))


async def heartbeat(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the heartbeats that the pods have sent have arrived."""
    if not inputs.settings.pipeline.heartbeat:
        raise NotAskedError("PIPELINE_HEARTBEAT is not set: no heartbeats are sent")
    counts: dict[str, float] = {}
    for pod in await kubernetes.pods(inputs):
        for outcome, number in _heartbeats(await kubernetes.metrics_of(inputs, name_of(pod))):
            counts[outcome] = counts.get(outcome, 0) + number
    lost = {outcome: number for outcome, number in counts.items() if outcome != "arrived"}
    told = ", ".join(f"{number:.0f} {outcome}" for outcome, number in sorted(counts.items()))
    if any(lost.values()):
        yield trouble("pipeline-heartbeat", told)
    elif counts.get("arrived"):
        yield passed("pipeline-heartbeat", told)
    else:
        raise NotKnownError("no pod has sent a heartbeat yet")


def _heartbeats(text: str) -> list[tuple[str, float]]:
    found = []
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("cloudmart_pipeline_heartbeats_total{"):
            found.append((name.partition('outcome="')[2].partition('"')[0], float(value)))
    return found


def _function(inputs: Inputs) -> str:
    name = inputs.settings.pipeline.function
    if name is None:
        raise NotAskedError(_UNSET)
    return name


CHECKS: tuple[DoctorCheck, ...] = (
    DoctorCheck(tuple(_STATUS), status, _SETTINGS | {"pipeline"}, _PARENTS, seconds=12),
    DoctorCheck(("pipeline-partial-failures", "pipeline-gives-up"), mapping, _LAMBDA, _PARENTS),
    DoctorCheck(("pipeline-function",), function, _LAMBDA, ("credentials-found",)),
    DoctorCheck(
        ("warehouse-reachable", "warehouse-schema"),
        warehouse,
        frozenset({"pipeline"}),
        ("credentials-found",),
    ),
    DoctorCheck(
        ("pipeline-heartbeat",),
        heartbeat,
        _SETTINGS | kubernetes.KUBERNETES,
        ("deployment-exists",),
    ),
)
