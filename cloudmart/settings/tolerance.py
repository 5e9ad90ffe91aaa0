"""Which faults stop the start, and what becomes of the ones that do not."""

from collections.abc import Iterable, Iterator, Mapping

from cloudmart.settings.layers import Told
from cloudmart.settings.model import Environment, Settings
from cloudmart.settings.providers import why_disabled
from cloudmart.settings.report import Fault, State
from cloudmart.settings.variables import Variable, variables

_REQUIRED = ("startup", "required_providers")


def unmet(
    settings: Settings, told: Mapping[Variable, Told], faults: Iterable[Fault]
) -> Iterator[Fault]:
    """Yield the required providers that are not configured and not reported for it already."""
    reported = {fault.provider for fault in faults}
    reasons = why_disabled(settings)
    for provider in settings.startup.required_providers:
        if provider not in reported and (reason := reasons[provider]):
            variable = variables()[_REQUIRED]
            what = f"names {provider}, which is disabled: {reason.rstrip('.')}"
            yield Fault(variable, variable.name, State.MISSING, what, told[variable].origin)


def settle(
    settings: Settings, faults: Iterable[Fault]
) -> tuple[Settings, list[Fault], list[Fault]]:
    """Return the settings to run with, the faults that stop the start, and the others.

    An optional provider with a tolerated fault is disabled, and the settings say why.
    """
    refusals: list[Fault] = []
    tolerated: list[Fault] = []
    for fault in faults:
        (tolerated if _is_tolerable(fault, settings) else refusals).append(fault)
    faulty = {fault.provider: fault.sentence for fault in reversed(tolerated) if fault.provider}
    emptied = {provider.value: type(getattr(settings, provider))() for provider in faulty}
    return settings.model_copy(update={**emptied, "faulty": faulty}), refusals, tolerated


def _is_tolerable(fault: Fault, settings: Settings) -> bool:
    startup = settings.startup
    return settings.environment is Environment.LOCAL or (
        startup.degraded
        and fault.provider is not None
        and fault.provider not in startup.required_providers
    )
