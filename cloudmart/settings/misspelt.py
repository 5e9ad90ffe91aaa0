"""Variables that are no setting, but look like the misspelt name of one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from cloudmart.settings.sources import SettingSource
from cloudmart.settings.variables import variables

# What SDKs and platforms read by themselves and is near to a setting of ours.
LEFT_ALONE = frozenset(
    {
        *("AWS_ACCOUNT_ID", "AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_ROLE_SESSION_NAME"),
        *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_DEFAULTS_MODE", "AWS_DEFAULT_OUTPUT"),
        *("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST"),
        *("AZURE_FEDERATED_TOKEN_FILE", "AZURE_LOG_LEVEL", "AZURE_SUBSCRIPTION_ID"),
        *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_AD_TOKEN"),
        *("GCLOUD_PROJECT", "GCP_PROJECT_ID", "GOOGLE_API_KEY", "GOOGLE_CLOUD_LOCATION"),
        *("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_CLOUD_REGION"),
        *("OPENAI_ADMIN_KEY", "OPENAI_API_TYPE", "OPENAI_API_VERSION", "OPENAI_LOG"),
        *("OPENAI_ORG_ID", "OPENAI_ORGANIZATION", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET"),
        *("BIGTABLE_EMULATOR_HOST", "WEB_CONCURRENCY"),
        *("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"),
        *("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"),
        *("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"),
        *("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"),
        *("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"),
        *("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT"),
        *("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"),
    }
)
# Near in meaning and not in letters: what other versions and guides call them.
_OTHERWISE: Mapping[str, str] = {
    "AZURE_LANGUAGE_ENDPOINT": "AZURE_ENDPOINT",
    "AZURE_LANGUAGE_KEY": "AZURE_API_KEY",
    "BIGQUERY_PROJECT_ID": "GOOGLE_CLOUD_PROJECT_ID",
    "JWT_AUD": "JWT_AUDIENCE",
    "JWT_ISS": "JWT_ISSUER",
    "OPENAI_API_BASE": "OPENAI_BASE_URL",
    "ORDERS_TABLE": "DYNAMODB_ORDERS_TABLE",
    "PRODUCTS_TABLE": "DYNAMODB_PRODUCTS_TABLE",
    "RATE_LIMIT_REDIS": "RATE_LIMIT_STORAGE",
    "SECRETS_DIR": "CLOUDMART_SECRETS_DIR",
    "SHUTDOWN_GRACE_PERIOD": "SHUTDOWN_GRACE",
    "TICKETS_TABLE": "DYNAMODB_TICKETS_TABLE",
}
# Kubernetes gives each pod the addresses of the namespace's Services in such variables.
_SERVICE_LINK = re.compile(
    r".+_SERVICE_(HOST|PORT(_.+)?)|.+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")
_ALIKE = 0.84
_SHORT = 5


@dataclass(frozen=True, slots=True)
class Misspelt:
    """A name that is no setting's, the place that has it, and the setting it is near to."""

    name: str
    meant: str
    origin: str

    @property
    def sentence(self) -> str:
        """A sentence about the fault."""
        return f"{self.name} is not a setting; did you mean {self.meant}?"


def misspelt(places: Iterable[SettingSource]) -> Iterator[Misspelt]:
    """Yield the names in some places that look as if a setting was meant, each once."""
    seen: set[str] = set()
    for place in places:
        for name, value in place.values.items():
            if name in seen or _is_service_link(name, str(value)):
                continue
            seen.add(name)
            if meant := nearest_setting(name):
                yield Misspelt(name, meant, place.origin)


def nearest_setting(name: str) -> str | None:
    """Return the setting that a name is a misspelling of, or None if it is none."""
    known = _known()
    if name in known or name in LEFT_ALONE:
        return None
    upper = name.upper()
    if upper in _OTHERWISE:
        return _OTHERWISE[upper]
    squashed = _squashed(upper)
    for each, letters in known.items():
        if squashed == letters or _says_less(upper, each) or _slips(upper, each):
            return each
    long = [each for each in known if len(each) > _SHORT]
    return next(iter(get_close_matches(upper, long, n=1, cutoff=_ALIKE)), None)


@cache
def _known() -> Mapping[str, str]:
    """Return the names of all settings, and their letters and digits alone."""
    names = (each for variable in variables().values() for each in variable.names)
    return {each: _squashed(each) for each in names}


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(name)) or (
        name.endswith("_PORT") and bool(_SERVICE_ADDRESS.fullmatch(value))
    )


def _squashed(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name)


def _says_less(name: str, known: str) -> bool:
    """Return whether a name has only words of another's, and its first (`OPENAI_KEY`)."""
    words, others = name.split("_"), known.split("_")
    return len(words) > 1 and words[0] == others[0] and set(words) <= set(others)


def _slips(name: str, known: str) -> bool:
    """Return whether a letter of a short name is left out, doubled, or in its neighbour's place."""
    if len(known) > _SHORT:
        return False
    places = range(len(known))
    swapped = {known[:at] + known[at + 1 : at + 2] + known[at] + known[at + 2 :] for at in places}
    shorter = {known[:at] + known[at + 1 :] for at in places}
    doubled = {known[:at] + known[at] + known[at:] for at in places}
    return name in swapped | shorter | doubled
