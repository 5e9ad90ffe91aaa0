"""A correct configuration is never refused."""

from pathlib import Path

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmart.settings import load_settings, why_disabled
from cloudmart.settings.load import for_serving
from cloudmart.settings.report import SettingState
from cloudmart.settings.variables import Variable, variables
from tests.settings.good import GOOD

# Texts that would be placeholders if they stood alone.
TRAPS = st.sampled_from(["xxx", "none", "todo", "your-", "changeme", "-", "example", ""])
WORD = st.from_regex(r"[a-z0-9]{1,12}", fullmatch=True)


def around(pattern: str, traps: st.SearchStrategy[str] = TRAPS) -> st.SearchStrategy[str]:
    """A well-formed text that contains a part of a placeholder."""
    random = st.from_regex(pattern, fullmatch=True)
    return st.builds("{}{}{}".format, random, traps, random)


LABEL = st.builds("s{}{}h".format, WORD, st.sampled_from(["", "-your-", "-none-", "-xxx-"]))
NAME = st.one_of(
    st.lists(LABEL, min_size=2, max_size=4).map(".".join),
    st.sampled_from(["shop.example.com", "your.company.io", "yourshop.org", "none.example.org"]),
)
INSIDE = st.one_of(
    LABEL,
    st.builds("{}.{}.svc".format, LABEL, LABEL),
    st.builds("{}.{}.svc.cluster.local".format, LABEL, LABEL),
    st.builds("{}.internal".format, LABEL),
    st.sampled_from(["localhost", "127.0.0.1", "127.8.4.2", "[::1]", "host.docker.internal"]),
)
ORIGIN = st.builds(
    "{}{}".format,
    st.one_of(NAME.map("https://{}".format), INSIDE.map("http://{}".format)),
    st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format)),
)
CLASSES = ("READ", "WRITE", "CHAT", "EMAIL")
NETWORK = st.one_of(
    st.ip_addresses().map(str),
    st.builds("10.{}.0.0/16".format, st.integers(0, 255)),
    st.builds("2001:db8:{:x}::/48".format, st.integers(0, 65535)),
)
URL = st.builds("{}{}".format, ORIGIN, st.sampled_from(["", "/", "/v1", "/your-path/none"]))
REGION = st.sampled_from(
    sorted(
        region
        for partition in boto3.Session().get_available_partitions()
        for region in boto3.Session().get_available_regions("dynamodb", partition)
        if region.count("-") > 1
    )
)
ACCOUNT = st.from_regex(r"[0-9]{12}", fullmatch=True).filter(lambda each: each != "123456789012")
AGENT = st.from_regex(r"[0-9][0-9A-Za-z]{9}", fullmatch=True)
TABLE = around(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,40}")
OPENAI_KEY = st.builds(
    "{}{}".format, st.sampled_from(["sk-", "sk-proj-"]), around(r"[A-Za-z0-9]{4,40}")
)
SECONDS = st.one_of(st.integers(1, 600), st.floats(0.5, 600)).map(str)

CORE = {
    "ENVIRONMENT": st.sampled_from(["staging", "production"]),
    "PORT": st.integers(1, 8999).map(str),
    "METRICS_PORT": st.integers(9000, 65535).map(str),
    "LISTEN_ADDRESS": st.lists(
        st.ip_addresses().filter(
            lambda each: not each.is_unspecified and not getattr(each, "ipv4_mapped", None)
        ),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(lambda addresses: ",".join(map(str, addresses))),
    "PUBLIC_BASE_URL": URL,
    "STARTUP_TIMEOUT": SECONDS,
    "SHUTDOWN_GRACE": SECONDS,
    "DEGRADED_START": st.sampled_from(["true", "false", "1", "0", "yes", "no", "on", "off"]),
    "RESTART_ON_STALE_CONFIG": st.sampled_from(["true", "false"]),
    "CLOUDMART_CONFIG_DIR": WORD.map("/etc/{}".format),
    "AWS_REGION": REGION,
    "AWS_ROLE_ARN": st.builds("arn:aws:iam::{}:role/{}".format, ACCOUNT, around(r"[a-z]{1,20}")),
    "DYNAMODB_PRODUCTS_TABLE": TABLE,
    "DYNAMODB_ORDERS_TABLE": TABLE,
    "DYNAMODB_TICKETS_TABLE": TABLE,
    "DYNAMODB_CONVERSATIONS_TABLE": TABLE,
    "AI_TURN_TIMEOUT": SECONDS,
    "AI_MAX_STEPS": st.integers(1, 20).map(str),
    "AI_ORDER_TOOLS": st.sampled_from(["auto", "off", "read", "cancel", "delete"]),
    "CONVERSATION_TTL_DAYS": st.integers(1, 3650).map(str),
    "AI_CONVERSATION_TOKENS": st.integers(0, 10**12).map(str),
    "AI_DAILY_TOKENS": st.integers(0, 10**12).map(str),
    "SENTIMENT_DAILY_UNITS": st.integers(0, 10**12).map(str),
    "TRUSTED_PROXIES": st.lists(NETWORK, min_size=1, max_size=3).map(", ".join),
    **{f"RATE_LIMIT_{kind}": st.integers(0, 10**9).map(str) for kind in CLASSES},
    "RATE_LIMIT_STORAGE": st.builds(
        "redis{}://{}{}{}{}".format,
        st.sampled_from(["", "s"]),
        st.sampled_from(["", ":secret@", "user:none@"]),
        st.one_of(NAME, INSIDE),
        st.sampled_from(["", ":6379"]),
        st.sampled_from(["", "/", "/0", "/15"]),
    ),
    "MAX_CONCURRENCY": st.integers(1, 10**5).map(str),
    "MAX_CHATS": st.integers(1, 10**5).map(str),
    "CORS_ALLOWED_ORIGINS": st.lists(ORIGIN, min_size=1, max_size=3).map(", ".join),
    "CLOUDMART_VERSION": st.from_regex(r"[0-9]\.[0-9]{1,3}\.[0-9](-rc\.[0-9])?", fullmatch=True),
    "CLOUDMART_COMMIT": st.from_regex(r"[0-9a-f]{7,40}", fullmatch=True),
    "NODE_ENV": st.just("production"),
}
UNSET: st.SearchStrategy[dict[str, str]] = st.just({})
OPENAI = st.fixed_dictionaries(
    {"OPENAI_API_KEY": OPENAI_KEY},
    optional={
        "OPENAI_BASE_URL": st.just("https://api.openai.com/v1"),
        "OPENAI_MODEL": st.sampled_from(["gpt-6-luna", "gpt-6.1-terra"]),
        "OPENAI_REASONING_EFFORT": st.sampled_from(["off", "minimal", "low", "high", "max"]),
        "OPENAI_ASSISTANT_ID": around(r"[A-Za-z0-9]{4,20}").map("asst_{}".format),
    },
)
COMPATIBLE = st.fixed_dictionaries(
    {
        "OPENAI_API_KEY": st.just("EMPTY")
        | st.from_regex(r"k[!-~]{0,40}k", fullmatch=True)
        | around(r"[A-Za-z0-9]{4,20}"),
        "OPENAI_BASE_URL": URL,
    },
    optional={"OPENAI_MODEL": st.sampled_from(["meta-llama/Llama-4-8B", "qwen3:8b"])},
)
BEDROCK_AGENT = st.fixed_dictionaries(
    {"BEDROCK_AGENT_ID": AGENT, "BEDROCK_AGENT_ALIAS_ID": AGENT},
    optional={"BEDROCK_MODE": st.sampled_from(["auto", "agent"]), "BEDROCK_REGION": REGION},
)
PROFILE = "arn:aws:bedrock:eu-west-1:{}:inference-profile/eu.amazon.nova-lite-v1:0"
BEDROCK_MODEL = st.fixed_dictionaries(
    {
        "BEDROCK_MODEL_ID": st.sampled_from(["amazon.nova-lite-v1:0", "eu.amazon.nova-pro-v1:0"])
        | ACCOUNT.map(PROFILE.format)
    },
    optional={"BEDROCK_MODE": st.sampled_from(["auto", "converse", "off"])},
)
AZURE = st.fixed_dictionaries(
    {
        "AZURE_ENDPOINT": LABEL.map("https://{}.cognitiveservices.azure.com/".format),
        "AZURE_API_KEY": around(r"[A-Za-z0-9]{15,40}"),
    },
    optional={"AZURE_LANGUAGE": st.sampled_from(["en", "de", "zh-hans", "pt-BR"])},
)
HASH = st.builds(
    "$argon2id$v=19$m={},t={},p={}${}${}".format,
    st.integers(8 * 1024, 256 * 1024),
    st.integers(1, 10),
    st.integers(1, 8),
    st.from_regex(r"[A-Za-z0-9+/]{22}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9+/]{43}", fullmatch=True),
)
PAIR = st.builds("{}:{}".format, st.uuids(), HASH)
PASSWORDS = st.fixed_dictionaries(
    {
        "AUTH": st.just("basic"),
        "ADMIN_USERS": st.lists(PAIR, min_size=1, max_size=3).map("\n".join),
    }
)
TOKENS = st.fixed_dictionaries(
    {
        "AUTH": st.just("jwt"),
        "JWT_ISSUER": URL,
        "JWT_AUDIENCE": st.lists(around(r"[a-z0-9]{4,20}"), min_size=1, max_size=3).map(",".join),
    },
    optional={
        "JWT_JWKS_URL": URL,
        "JWT_ALGORITHM": st.sampled_from(["RS256", "ES256"]),
        "JWT_ADMIN_GROUP": around(r"[a-z0-9]{4,20}"),
        "JWT_GROUPS_CLAIM": st.sampled_from(["groups", "https://shop.org/roles"]),
        "JWT_ADMIN_SCOPE": around(r"[a-z0-9]{4,20}"),
        "JWT_LEEWAY": st.floats(0, 300).map(str),
        "CUSTOMER_ORDERS": st.sampled_from(["auto", "open", "signed-in"]),
    },
)
BIGQUERY = st.fixed_dictionaries(
    {
        "GOOGLE_CLOUD_PROJECT_ID": st.from_regex(r"shop-[a-z0-9]{1,20}", fullmatch=True),
        "BIGQUERY_DATASET_ID": around(r"[a-z0-9]{4,20}", st.sampled_from(["_none_", "your_"])),
        "BIGQUERY_TABLE_ID": around(r"[a-z0-9]{4,20}", st.sampled_from(["-none-", "your-"])),
    },
    optional={"GOOGLE_APPLICATION_CREDENTIALS": WORD.map("/var/run/{}.json".format)},
)


@given(
    core=st.fixed_dictionaries({}, optional=CORE),
    openai=UNSET | OPENAI | COMPATIBLE,
    bedrock=UNSET | BEDROCK_AGENT | BEDROCK_MODEL,
    azure=UNSET | AZURE,
    others=st.tuples(UNSET | BIGQUERY, st.just({"AUTH": "off"}) | PASSWORDS | TOKENS),
)
@settings(deadline=None)
def test_well_formed_values_are_taken_as_they_are(
    core: dict[str, str],
    openai: dict[str, str],
    bedrock: dict[str, str],
    azure: dict[str, str],
    others: tuple[dict[str, str], dict[str, str]],
) -> None:
    bigquery, access = others
    environ = core | openai | bedrock | azure | bigquery | access

    report = for_serving(load_settings(environ)).report

    assert [fault.sentence for fault in (*report.refusals, *report.tolerated)] == []
    assert {
        reading.name for reading in report.readings if reading.state is not SettingState.DEFAULT
    } == (environ.keys() - {"NODE_ENV"})


def test_everything_at_once_is_taken(tmp_path: Path) -> None:
    environ = GOOD | {"CLOUDMART_SECRETS_DIR": str(tmp_path)}

    loaded = load_settings(environ, secrets={})

    assert loaded.report.refusals == ()
    assert environ.keys() == {variable.name for variable in variables().values()}
    assert {reading.name: reading.state for reading in loaded.report.readings} == {
        name: SettingState.OBSOLETE if name == "OPENAI_ASSISTANT_ID" else SettingState.OK
        for name in environ
    }
    assert set(why_disabled(loaded.settings).values()) == {None}


def test_nothing_at_all_is_a_good_configuration() -> None:
    loaded = load_settings({"NODE_ENV": "production"})

    assert loaded.report.refusals == loaded.report.tolerated == ()
    assert loaded.settings.environment == "production"


# A text describes the others, because they have no common value.
SHOWN = [
    pytest.param(each, id=each.name)
    for each in variables().values()
    if each.name in GOOD and not {"…", " "} & set(each.example)
]


@pytest.mark.parametrize("variable", SHOWN)
def test_the_right_value_a_refusal_shows_is_right(variable: Variable) -> None:
    loaded = load_settings(GOOD | {variable.name: variable.example}, secrets={})

    assert [fault.sentence for fault in loaded.report.refusals] == []
