"""What is wrong between settings: halves without the other half, and contradictions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from cloudmart.settings.access import CustomerOrders, SignInMethod
from cloudmart.settings.ai import BedrockMode, BedrockSettings
from cloudmart.settings.model import Environment, Settings
from cloudmart.settings.platform import Provider
from cloudmart.settings.report import SettingFault, SettingState
from cloudmart.settings.sources import SourceValue
from cloudmart.settings.variables import Variable, variables

# OpenAI's own keys; the lookahead is for guides that write `sk-your-key-here`.
_OPENAI_KEY = re.compile(r"sk-(?!(proj-)?your[-_])[\w-]+", re.ASCII)

_AGENT = (("bedrock", "agent_id"), ("bedrock", "agent_alias_id"))
_MODEL = ("bedrock", "model_id")
_MODE = ("bedrock", "mode")
_AZURE = (("azure", "endpoint"), ("azure", "api_key"))
_BIGQUERY = (("bigquery", "project_id"), ("bigquery", "dataset_id"), ("bigquery", "table_id"))
_HEARTBEAT = ("pipeline", "heartbeat")
_OPENAI_KEY_AND_SERVER = (("openai", "base_url"), ("openai", "api_key"))
_AUTH = (("access", "auth"),)
_BASIC = (("access", "admin_users"),)
_JWT = (("access", "issuer"), ("access", "audience"))

_Place = tuple[str, str]


def incomplete_settings(
    settings: Settings, told: Mapping[Variable, SourceValue]
) -> Iterator[SettingFault]:
    """Yield each setting that is missing although another one needs it."""
    given = {(variable.group, variable.field): each for variable, each in told.items()}
    mode = settings.bedrock.mode
    yield from _missing(given, _AZURE, _AZURE)
    yield from _missing(given, _BIGQUERY, _BIGQUERY)
    if settings.pipeline.heartbeat and not any(place in given for place in _BIGQUERY):
        yield from _missing(given, (_HEARTBEAT,), _BIGQUERY)
    yield from _missing(given, _OPENAI_KEY_AND_SERVER[:1], _OPENAI_KEY_AND_SERVER[1:])
    if mode is BedrockMode.AUTO:
        yield from _missing(given, _AGENT, _AGENT)
    if mode is BedrockMode.AGENT:
        yield from _missing(given, (_MODE,), _AGENT, " `agent`, which calls that agent")
    if mode is BedrockMode.CONVERSE:
        yield from _missing(given, (_MODE,), (_MODEL,), " `converse`, which calls that model")
    if SignInMethod.BASIC in settings.access.auth:
        yield from _missing(given, _AUTH, _BASIC, " `basic`")
    if SignInMethod.JWT in settings.access.auth:
        yield from _missing(given, _AUTH, _JWT, " `jwt`")


def contradictions(
    settings: Settings, told: Mapping[Variable, SourceValue]
) -> Iterator[SettingFault]:
    """Yield each setting that is well-formed, but contradicts another one."""
    key = settings.openai.api_key
    if key and _is_for_openai(settings, told) and not _OPENAI_KEY.fullmatch(key.get_secret_value()):
        what = "does not look like a key of OpenAI's, and OPENAI_BASE_URL names no other server"
        yield _wrong(("openai", "api_key"), told, what)
    if settings.metrics_port == settings.port:
        port = "metrics_port" if variables()["", "metrics_port"] in told else "port"
        yield _wrong(
            ("", port), told, "is the number of the other port: PORT and METRICS_PORT must differ"
        )
    if "*" in settings.cors.allowed_origins and settings.environment is not Environment.LOCAL:
        yield _wrong(("cors", "allowed_origins"), told, "names `*`, which is for local mode only")
    access = settings.access
    if access.ways and SignInMethod.OFF in access.auth:
        yield _wrong(
            ("access", "auth"),
            told,
            "names `off` together with basic or jwt: it must be one or the other",
        )
    if access.customer_orders is CustomerOrders.SIGNED_IN and SignInMethod.JWT not in access.ways:
        what = "makes customers sign in, but AUTH does not name jwt"
        yield _wrong(("access", "customer_orders"), told, what)


def _is_for_openai(settings: Settings, told: Mapping[Variable, SourceValue]) -> bool:
    url = settings.openai.base_url
    if url is None:
        # If the address of another server is faulty and ignored, the server is still not OpenAI's.
        return variables()["openai", "base_url"] not in told
    return urlsplit(url).hostname == "api.openai.com"


def _missing(
    given: Mapping[_Place, SourceValue],
    reasons: Iterable[_Place],
    needed: Iterable[_Place],
    value: str = "",
) -> Iterator[SettingFault]:
    reason = next((given[place] for place in reasons if place in given), None)
    if reason is None:
        return
    for place in needed:
        if place not in given:
            variable = variables()[place]
            what = f"is not set although {reason.name} is{value}"
            origin = f"nowhere; {reason.name} from {reason.origin}"
            yield SettingFault(variable, variable.name, SettingState.MISSING, what, origin)


def _wrong(place: _Place, told: Mapping[Variable, SourceValue], what: str) -> SettingFault:
    variable = variables()[place]
    return SettingFault.about(variable, told[variable], what)


def why_disabled(settings: Settings) -> Mapping[Provider, str | None]:
    """Return for each optional provider a sentence that says why it is off; None if it is on."""
    return {
        provider: settings.faulty.get(provider) or reason
        for provider, reason in _why_unset(settings).items()
    }


def _why_unset(settings: Settings) -> dict[Provider, str | None]:
    openai, azure, bigquery = settings.openai, settings.azure, settings.bigquery
    return {
        Provider.OPENAI: _unset(OPENAI_API_KEY=openai.api_key),
        Provider.BEDROCK: _why_no_bedrock(settings.bedrock),
        Provider.AZURE: _unset(AZURE_ENDPOINT=azure.endpoint, AZURE_API_KEY=azure.api_key),
        Provider.BIGQUERY: _unset(
            GOOGLE_CLOUD_PROJECT_ID=bigquery.project_id,
            BIGQUERY_DATASET_ID=bigquery.dataset_id,
            BIGQUERY_TABLE_ID=bigquery.table_id,
        ),
    }


def _unset(**values: object) -> str | None:
    missing = [name for name, value in values.items() if value is None]
    if not missing:
        return None
    *others, last = missing
    named = f"{', '.join(others)} and {last}" if others else last
    return f"{named} {'are' if others else 'is'} not set."


def _why_no_bedrock(bedrock: BedrockSettings) -> str | None:
    if bedrock.mode is BedrockMode.OFF:
        return "BEDROCK_MODE is off."
    if bedrock.way is BedrockMode.OFF:
        return "Neither BEDROCK_AGENT_ID with BEDROCK_AGENT_ALIAS_ID nor BEDROCK_MODEL_ID is set."
    return None
