"""Read the settings: merge all sources, check the values, and build the settings once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from cloudmart.settings import sources
from cloudmart.settings.consistency import contradictions, incomplete_settings
from cloudmart.settings.misspelt import misspelt
from cloudmart.settings.model import Environment, Settings
from cloudmart.settings.proxies import network_faults
from cloudmart.settings.report import Report, SettingFault, SettingReading, SettingState, masked
from cloudmart.settings.sources import Held, SettingSource, SourceValue
from cloudmart.settings.validation import (
    fault_of_text,
    form_faults,
    missing_providers,
    nest_values,
    validate_settings,
)
from cloudmart.settings.variables import Variable, variables

# Kubernetes mounts a Secret that is not there as an empty directory.
_EMPTY = (
    "names a directory with no file in it: in a cluster the Secret is missing in this namespace, "
    "or has none of the keys that are mounted"
)

_AUTH_PATH = ("access", "auth")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and what was found while they were read.

    Settings are there even if the report refuses them: a faulty value is left out.
    """

    settings: Settings
    report: Report


def load_settings(
    environ: Mapping[str, str],
    secrets: Held | None = None,
    *,
    dotenv: Path | None = None,
) -> Loaded:
    """Return the settings that some places tell, and a report on them.

    Args:
        environ: The process's environment.
        secrets: What the secret CLOUDMART_SECRET_ID names held, as text or read; None while it
            is not fetched, and then nothing is called missing that it may still bring.
        dotenv: A file read in local mode only.
    """
    places, faults = _places(environ, secrets, dotenv)
    found = {each: sources.find_value(places, each.names) for each in variables().values()}
    told = {variable: each for variable, each in found.items() if each}
    faults += [fault for each in told.items() if (fault := fault_of_text(*each))]
    faults += form_faults(_without(told, faults))
    settings = Settings.model_validate(nest_values(_without(told, faults)))
    if settings.sources.secret_id is None or secrets is not None:
        faults += [
            *contradictions(settings, told),
            *incomplete_settings(settings, told),
            *network_faults(environ, settings),
        ]
        faults += missing_providers(settings, told, faults)
    settings, refusals, tolerated = validate_settings(settings, faults)
    readings = tuple(_reading(each, told.get(each), faults) for each in found)
    near = tuple(misspelt([*places, *_mounted(settings.sources.config_dir)]))
    return Loaded(settings, Report(readings, tuple(refusals), tuple(tolerated), near))


def _places(
    environ: Mapping[str, str], secrets: Held | None, dotenv: Path | None
) -> tuple[list[SettingSource], list[SettingFault]]:
    places, faults = [sources.environment_source(environ)], []
    readers: dict[str, Callable[[str], SettingSource]] = {"secrets_dir": sources.directory_source}
    if secrets is not None:
        readers["secret_id"] = partial(sources.secret_source, secrets)
    for field, read in readers.items():
        variable = variables()["sources", field]
        told = places[0].find(variable.names)
        if told and not fault_of_text(variable, told):
            try:
                place = read(told.value)
            except ValueError as error:
                faults.append(SettingFault.about(variable, told, str(error)))
                continue
            places.append(place)
            if field == "secrets_dir" and not place.values and _needs_files(environ):
                faults.append(SettingFault.about(variable, told, _EMPTY))
    if dotenv and environ.get("ENVIRONMENT") == Environment.LOCAL:
        places.append(sources.dotenv_source(dotenv))
    if environ.get("ENVIRONMENT") == Environment.LOCAL:
        places.append(sources.local_mode_source())
    return places, faults


def _mounted(config_dir: Path | None) -> Iterator[SettingSource]:
    """Yield the mounted copy of the ConfigMap, whose values come by the environment."""
    if config_dir:
        with suppress(ValueError):
            layer = sources.directory_source(str(config_dir))
            # The names of tables are there, too, under keys (`orders-table`) that no variable has.
            told = {name: value for name, value in layer.values.items() if "-" not in name}
            yield SettingSource(layer.origin, told)


def _needs_files(environ: Mapping[str, str]) -> bool:
    # Local mode needs no keys, and a secret of AWS Secrets Manager may bring them all.
    local = environ.get("ENVIRONMENT") == Environment.LOCAL
    return not local and not environ.get("CLOUDMART_SECRET_ID", "").strip()


def _without(
    told: Mapping[Variable, SourceValue], faults: Iterable[SettingFault]
) -> dict[Variable, SourceValue]:
    faulty = {fault.variable for fault in faults}
    return {variable: each for variable, each in told.items() if variable not in faulty}


def _reading(
    variable: Variable, told: SourceValue | None, faults: Iterable[SettingFault]
) -> SettingReading:
    state = (
        SettingState.DEFAULT
        if told is None
        else SettingState.OBSOLETE
        if variable.obsolete
        else SettingState.OK
    )
    state = next((fault.state for fault in faults if fault.variable == variable), state)
    if told is None:
        return SettingReading(variable, variable.name, variable.default, "default", state)
    value = SecretStr(told.value) if variable.secret else masked(told.value)
    return SettingReading(variable, told.name, value, told.origin, state)


def for_serving(loaded: Loaded) -> Loaded:
    """Return what was read, refused if it leaves open who may do what.

    On a person's machine nobody needs to be kept out.
    """
    reported = {fault.variable for fault in loaded.report.refusals}
    auth = variables()[_AUTH_PATH]
    local = loaded.settings.environment is Environment.LOCAL
    if local or loaded.settings.access.auth or auth in reported:
        return loaded
    what = "is not set, and without it anyone could change products and read all orders"
    fault = SettingFault(auth, auth.name, SettingState.MISSING, what, "nowhere")
    refusals = (*loaded.report.refusals, fault)
    return Loaded(loaded.settings, replace(loaded.report, refusals=refusals))
