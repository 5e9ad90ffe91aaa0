"""Settings of tracing: OpenTelemetry's own variables, as far as the service reads them."""

import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, AliasChoices, Field, SecretStr

from cloudmart.settings.formats import SettingsGroup, check_collector

_PAIR = re.compile(r"\s*([!-+\--<>-~]+)\s*=([^,]*)")


Collector = Annotated[str, AfterValidator(check_collector)]


def parse_pairs(value: str) -> dict[str, str]:
    """Return what OpenTelemetry's lists say (`name=value,name=value`), or raise ValueError."""
    pairs = {}
    for part in filter(str.strip, value.split(",")):
        match = _PAIR.fullmatch(part)
        if match is None:
            raise ValueError("is not a list such as name=value,name=value")
        pairs[match[1]] = unquote(match[2].strip())
    return pairs


def _check_pairs(value: str) -> str:
    parse_pairs(value)
    return value


def _check_secret_pairs(value: SecretStr) -> SecretStr:
    parse_pairs(value.get_secret_value())
    return value


class TraceSampler(StrEnum):
    """The samplers, by OpenTelemetry's names."""

    ALWAYS_ON = "always_on"
    ALWAYS_OFF = "always_off"
    RATIO = "traceidratio"
    PARENT_ALWAYS_ON = "parentbased_always_on"
    PARENT_ALWAYS_OFF = "parentbased_always_off"
    PARENT_RATIO = "parentbased_traceidratio"


class TracingSettings(SettingsGroup):
    """Traces, with OpenTelemetry's variables. They are off unless an endpoint is set."""

    endpoint: Collector | None = Field(
        None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="The address of an OpenTelemetry collector. Traces go to `/v1/traces` below "
        "it. Without it, and without OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, nothing is traced.",
        examples=["http://collector.monitoring.svc:4318"],
    )
    traces_endpoint: Collector | None = Field(
        None,
        validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        description="The whole address that traces go to. It comes before "
        "OTEL_EXPORTER_OTLP_ENDPOINT.",
        examples=["http://collector.monitoring.svc:4318/v1/traces"],
    )
    headers: Annotated[SecretStr, AfterValidator(_check_secret_pairs)] | None = Field(
        None,
        validation_alias=AliasChoices(
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"
        ),
        description="Headers for the collector, such as its key, separated by commas.",
        examples=["the collector's key, as api-key=…"],
    )
    disabled: bool = Field(
        default=False,
        validation_alias="OTEL_SDK_DISABLED",
        description="`true` switches traces off, whatever the endpoint.",
        examples=["true"],
    )
    sampler: TraceSampler = Field(
        TraceSampler.PARENT_RATIO,
        validation_alias="OTEL_TRACES_SAMPLER",
        description="Which requests are traced. By default a client's `traceparent` decides, and "
        "where there is none, OTEL_TRACES_SAMPLER_ARG.",
        examples=["parentbased_traceidratio"],
    )
    ratio: float = Field(
        0.05,
        validation_alias="OTEL_TRACES_SAMPLER_ARG",
        ge=0,
        le=1,
        description="The share of requests that are traced: 0 is none, 1 is all.",
        examples=["0.05"],
    )
    service_name: str | None = Field(
        None,
        validation_alias="OTEL_SERVICE_NAME",
        max_length=255,
        description="What traces call the service. Unset means the `service.name` of "
        "OTEL_RESOURCE_ATTRIBUTES, else `cloudmart-backend`.",
        examples=["cloudmart-backend"],
    )
    resource_attributes: Annotated[str, AfterValidator(_check_pairs)] = Field(
        "",
        validation_alias="OTEL_RESOURCE_ATTRIBUTES",
        description="What each trace says of the process: `name=value`, separated by commas.",
        examples=["deployment.environment.name=production,k8s.cluster.name=shop"],
    )

    @property
    def url(self) -> str | None:
        """Where traces go; None where they go nowhere."""
        if self.disabled:
            return None
        if self.traces_endpoint:
            return self.traces_endpoint
        return f"{self.endpoint.rstrip('/')}/v1/traces" if self.endpoint else None
