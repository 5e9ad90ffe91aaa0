"""Configuration: the service's settings, whether it can start, whether the pods agree."""

from collections.abc import AsyncIterator, Mapping

from cloudmart.doctor import kubernetes
from cloudmart.doctor.check import CheckResult, DoctorCheck, passed, trouble
from cloudmart.doctor.inputs import Inputs, NotAskedError, NotKnownError
from cloudmart.doctor.pods_settings import settings_of_pods
from cloudmart.health.aws_environment import check_aws_environment
from cloudmart.health.causes import DependencyError
from cloudmart.rollout.release import DEPLOYMENT, ROLLOUT, SECRET, name_of
from cloudmart.settings import Environment
from cloudmart.settings.load import for_serving
from cloudmart.settings.report import SettingFault, SettingState
from cloudmart.settings.sources import directory_source

_OF_STATE = {
    SettingState.MISSING: "settings-complete",
    SettingState.PLACEHOLDER: "settings-filled-in",
    SettingState.MALFORMED: "settings-well-formed",
}
_FILES = "CLOUDMART_CONFIG_DIR"
_RESTART = ("rollout", "restart", f"deployment/{DEPLOYMENT}")

_LIVE = ("deployment-exists",)


async def settings(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report every fault of the settings, each under its kind."""
    report = inputs.loaded.report
    if inputs.unread:
        secret = inputs.settings.sources.secret_id or ""
        yield trouble("settings-readable", inputs.unread, secret=secret)
    else:
        yield passed("settings-readable", f"from {inputs.source}")
    for fault in (*report.refusals, *report.tolerated):
        yield trouble(
            _OF_STATE.get(fault.state, "settings-well-formed"),
            _seen(fault),
            variable=fault.name,
            right=fault.variable.right,
        )
    for each in report.misspelt:
        observed = f"{each.name}, from {each.origin}"
        yield trouble("settings-known", observed, variable=each.name, meant=each.meant)
    for reading in report.obsolete:
        reason = reading.variable.obsolete or ""
        yield trouble("settings-current", f"{reading.name}: {reason}", variable=reading.name)


def _seen(fault: SettingFault) -> str:
    shown = f" ({fault.shown})" if fault.shown else ""
    return f"{fault.name} {fault.what}{shown}, from {fault.origin}"


async def access(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether somebody has decided who may do what, and what was decided."""
    loaded = inputs.loaded
    known = set(loaded.report.refusals)
    if undecided := [each for each in for_serving(loaded).report.refusals if each not in known]:
        yield trouble("access-decided", undecided[0].sentence)
        return
    ways = loaded.settings.access.ways
    yield passed("access-decided", ", ".join(ways) or "off")
    if not ways and loaded.settings.environment is not Environment.LOCAL:
        yield trouble("access-on", "AUTH is off")


async def aws_settings(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which variable AWS's SDK refuses, and whether the region is set."""
    try:
        check_aws_environment(inputs.environ)
    except DependencyError as error:
        variable = error.facts.get("variable", "")
        observed = f"{variable} is {error.facts.get('value')}"
        yield trouble("aws-settings-usable", observed, fix=error.remedy_in(inputs.environ))
    region = inputs.settings.aws.region
    yield passed("region-set", region) if region else trouble("region-set", "AWS_REGION is not set")


async def mounted_files(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether the ConfigMap has changed since the environment was made from it."""
    path = inputs.environ.get(_FILES)
    if not path:
        raise NotAskedError(f"{_FILES} is not set: the ConfigMap is mounted in pods only")
    try:
        files = await inputs.threaded(("files", path), lambda: directory_source(path))
    except ValueError as error:
        raise NotKnownError(f"{_FILES} {error}") from error
    told = {name: str(value).strip() for name, value in files.values.items()}
    differ = [
        name
        for name, value in sorted(told.items())
        if name in inputs.environ and inputs.environ[name].strip() != value
    ]
    if differ:
        restart = " ".join(("kubectl", *_RESTART))
        observed = f"{', '.join(differ)}: the file and the environment differ"
        yield trouble("mounted-files-agree", observed, restart=restart)
    else:
        yield passed("mounted-files-agree", f"{len(told)} files")


async def objects(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Report which objects with settings are missing, and which keys nobody reads."""
    live = await kubernetes.deployment(inputs)
    found = await inputs.looking("settings", lambda cluster: settings_of_pods(cluster, live))
    for each in found.missing:
        key = "secret-exists" if each.startswith("secret/") else "configmaps-exist"
        yield trouble(key, f"{each} is not there")
    if found.unread:
        edit = inputs.command("edit", "secret", SECRET)
        yield trouble("secret-keys-read", f"nothing reads {', '.join(found.unread)}", edit=edit)


async def rollout_ids(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether all pods have been started by one roll-out."""
    ids = {
        name_of(pod): (pod["metadata"].get("annotations") or {}).get(ROLLOUT, "none")
        for pod in await kubernetes.pods(inputs)
    }
    yield _agreement("rollout-ids-agree", ids)


async def fingerprints(inputs: Inputs) -> AsyncIterator[CheckResult]:
    """Check whether all pods that run say the same mark of their configuration."""
    running = [pod for pod in await kubernetes.pods(inputs) if kubernetes.is_running(pod)]
    if not running:
        raise NotKnownError("no pod of the service runs")
    marks = {name_of(pod): await _mark(inputs, name_of(pod)) for pod in running}
    restart = inputs.command(*_RESTART)
    yield _agreement("fingerprints-agree", marks, restart=restart)


async def _mark(inputs: Inputs, pod: str) -> str:
    health = await kubernetes.health_of(inputs, pod)
    notes = [str(each) for each in health.get("notes") or ()]
    return next((each for each in notes if each.startswith("configuration ")), "none")


def _agreement(key: str, told: Mapping[str, str], **facts: str) -> CheckResult:
    values = set(told.values())
    if len(values) == 1:
        return passed(key, f"{len(told)} pods: {values.pop()}")
    return trouble(key, "; ".join(f"{pod} has {value}" for pod, value in told.items()), **facts)


SETTINGS, ENVIRONMENT = frozenset({"settings"}), frozenset({"environment"})

CHECKS = (
    DoctorCheck(
        (
            *("settings-readable", "settings-complete", "settings-filled-in"),
            *("settings-well-formed", "settings-known", "settings-current"),
        ),
        settings,
        SETTINGS,
    ),
    DoctorCheck(("aws-settings-usable", "region-set"), aws_settings, SETTINGS | ENVIRONMENT),
    DoctorCheck(("access-decided", "access-on"), access, SETTINGS, ("settings-readable",)),
    DoctorCheck(("mounted-files-agree",), mounted_files, ENVIRONMENT),
    DoctorCheck(
        ("secret-exists", "configmaps-exist", "secret-keys-read"),
        objects,
        kubernetes.KUBERNETES,
        _LIVE,
    ),
    DoctorCheck(("rollout-ids-agree",), rollout_ids, kubernetes.KUBERNETES, _LIVE, settles=600),
    DoctorCheck(("fingerprints-agree",), fingerprints, kubernetes.KUBERNETES, _LIVE),
)
