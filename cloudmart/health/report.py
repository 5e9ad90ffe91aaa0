"""The answers to probes: `application/health+json` (draft-inadarei-api-health-check-06)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from cloudmart.health.state import Dependency, DependencyReading, Health, Status
from cloudmart.values.model import Model
from cloudmart.values.timestamp import Timestamp

MEDIA_TYPE = "application/health+json"

_TIME = "2026-11-23T08:00:00.000Z"
WELL: dict[str, Any] = {
    "status": "pass",
    "serviceId": "cloudmart-backend",
    "releaseId": "1.0.0+9fceb02d0ae5",
    "checks": {
        "orders:responseTime": [
            {
                "componentType": "datastore",
                "status": "pass",
                "observedValue": 4.2,
                "observedUnit": "ms",
                "time": _TIME,
                "age": 3.1,
            }
        ]
    },
}
STARTING: dict[str, Any] = {
    "status": "fail",
    "serviceId": "cloudmart-backend",
    "releaseId": "1.0.0+9fceb02d0ae5",
    "output": "The service is starting. The shop's data store does not answer.",
    "checks": {
        "orders:responseTime": [
            {
                "componentType": "datastore",
                "status": "fail",
                "time": _TIME,
                "age": 3.1,
                "output": "The shop's data store does not answer.",
                "affectedEndpoints": ["/api/orders"],
            }
        ]
    },
}


class _Sparse(Model):
    """A model that leaves out empty fields."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)


class Check(_Sparse):
    """One dependency as it was last checked."""

    component_type: str = Field(description="`datastore`, `component` or `system`.")
    status: Status = Field(description="`pass`, `warn` or `fail`.")
    observed_value: float | None = Field(None, description="How long its check took.")
    observed_unit: str | None = Field(None, description="Of `observedValue`: `ms`.")
    time: Timestamp | None = Field(None, description="When it was checked.")
    age: float | None = Field(None, description="Seconds since then.")
    output: str | None = Field(None, description="What is wrong, in a sentence.")
    affected_endpoints: list[str] | None = Field(
        None, description="What does not work because of it."
    )


class HealthReport(_Sparse):
    """The health of the service and of all it depends on."""

    status: Status = Field(description="`warn`: it works, though something is wrong.")
    service_id: str = Field(description="Always `cloudmart-backend`.")
    release_id: str = Field(description="The version that runs, `+`, and its commit if known.")
    rollout_id: str | None = Field(None, description="The roll-out that started this pod.")
    output: str | None = Field(None, description="Why it is not ready.")
    notes: list[str] | None = Field(None, description="More facts for the reader.")
    checks: dict[str, list[Check]] = Field(description="By dependency, and by what is measured.")


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """A probe's answer: whether it is good, and the report that explains it."""

    good: bool
    report: HealthReport


def alive(health: Health) -> ProbeAnswer:
    """Say that the process lives, with the health of its dependencies. It is always good."""
    return ProbeAnswer(good=True, report=_report(health, note=health.unready()))


def ready(health: Health) -> ProbeAnswer:
    """Return whether this pod should get requests."""
    reason = health.unready()
    return ProbeAnswer(good=reason is None, report=_report(health, fault=reason))


def started(health: Health) -> ProbeAnswer:
    """Return whether the start is done."""
    reason = None if health.lifecycle.started else health.lifecycle.waiting
    return ProbeAnswer(good=reason is None, report=_report(health, fault=reason))


def _report(health: Health, *, fault: str | None = None, note: str | None = None) -> HealthReport:
    now = health.rhythm.now()
    readings = list(health.readings())
    well = note is None and all(reading.status is Status.PASS for _, reading in readings)
    return HealthReport(
        status=Status.FAIL if fault else Status.PASS if well else Status.WARN,
        service_id="cloudmart-backend",
        release_id=health.release,
        rollout_id=health.rollout,
        output=fault or note,
        notes=health.notes or None,
        checks={each.key: [_check(health, each, reading, now)] for each, reading in readings},
    )


def _check(
    health: Health, dependency: Dependency, reading: DependencyReading, now: datetime
) -> Check:
    age = max(0.0, (now - reading.at).total_seconds()) if reading.at else None
    return Check(
        component_type=dependency.kind,
        status=reading.status,
        observed_value=reading.milliseconds,
        observed_unit=None if reading.milliseconds is None else "ms",
        time=reading.at,
        age=None if age is None else round(age, 1),
        output=reading.output or None,
        affected_endpoints=(health.affected(dependency) or None) if reading.output else None,
    )
