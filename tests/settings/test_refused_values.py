"""Every form of placeholder, and every remainder of copying, in every setting."""

from base64 import b64encode

import pytest

from cloudmart.settings import TracingSettings, load_settings, why_disabled
from cloudmart.settings.report import SettingState
from cloudmart.settings.variables import Variable, variables
from tests.settings.good import GOOD

PLAIN = [
    "<your-openai-assistant-id>",
    "<>",
    "<the key, from the console>",
    "${OPENAI_API_KEY}",
    "{{ .Values.key }}",
    "your-",
    "your-key-here",
    "YOUR_KEY",
    "Your-Bucket",
    "https://your-resource.cognitiveservices.azure.com/",
    "https://shop.YOUR_COMPANY.example:8443/v1",
    "changeme",
    "ChangeMe",
    "change-me",
    "CHANGE_ME",
    "todo",
    "TBD",
    "xxx",
    "XXXXXXXXXX",
    "xxxx-xxxx",
    "xxx…",
    "xxx...",
    "placeholder",
    "EXAMPLE",
    "none",
    "-",
    "arn:aws:iam::123456789012:role/cloudmart-eks-pod-role",
    "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:cloudmart",
]
ENCODED = [b64encode(form.encode()).decode() for form in PLAIN]
ENCODED += [b64encode(b"<your-bedrock-agent-id>\n").decode()]
AROUND = [f"  {PLAIN[0]}", f'"{PLAIN[0]}"', f"{PLAIN[0]}\n", "'none'"]
COPIED = ['"{}"', "'{}'", "`{}`", "“{}”", "{}\n", "\n{}", "{}\r\n", " {}", "{}\t"]

every_variable = pytest.mark.parametrize(
    "variable", [pytest.param(each, id=each.name) for each in variables().values()]
)


def states(variable: Variable, value: str) -> list[SettingState]:
    """Return the state in which a value is refused, or ignored with a warning."""
    report = load_settings({variable.name: value}).report
    faults = report.tolerated if variable.group == "tracing" else report.refusals
    return [fault.state for fault in faults if fault.variable == variable]


@every_variable
def test_a_placeholder_stops_the_start_in_any_setting(variable: Variable) -> None:
    found = {form: states(variable, form) for form in (*PLAIN, *ENCODED, *AROUND)}

    assert found == {form: [SettingState.PLACEHOLDER] for form in found}


@every_variable
def test_a_good_value_copied_with_its_surroundings_stops_the_start(variable: Variable) -> None:
    good = GOOD.get(variable.name, "/etc")

    found = {form: states(variable, form.format(good)) for form in COPIED}

    assert found == {form: [SettingState.MALFORMED] for form in found}


@every_variable
def test_a_degraded_start_disables_optional_providers_and_forgives_nothing_else(
    variable: Variable,
) -> None:
    loaded = load_settings({"DEGRADED_START": "true"} | {variable.name: "<your-value>"})

    if variable.group == "tracing":
        assert loaded.report.refusals == ()
        assert loaded.settings.tracing == TracingSettings()
    elif variable.provider is None:
        assert [fault.variable for fault in loaded.report.refusals] == [variable]
        assert loaded.report.tolerated == ()
    else:
        reason = f"{variable.name} is a placeholder."
        assert loaded.report.refusals == ()
        assert {fault.provider for fault in loaded.report.tolerated} == {variable.provider}
        assert why_disabled(loaded.settings)[variable.provider] == reason


@pytest.mark.parametrize(
    "variable",
    [each for each in variables().values() if each.name != "ENVIRONMENT"],
    ids=lambda each: each.name,
)
def test_local_mode_warns_and_leaves_the_value_out(variable: Variable) -> None:
    loaded = load_settings({"ENVIRONMENT": "local", variable.name: "<your-value>"})

    assert loaded.report.refusals == ()
    assert loaded.report.tolerated[0].sentence == f"{variable.name} is a placeholder."
    values = loaded.settings.model_dump()
    group = values[variable.group] if variable.group else values
    assert group[variable.field] == variable.default


@pytest.mark.parametrize("blank", ["", " ", "\n", " \t "])
def test_a_blank_value_counts_as_none(blank: str) -> None:
    loaded = load_settings({variable.name: blank for variable in variables().values()})

    assert loaded == load_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BEDROCK_AGENT_ID", "Q8ZP3R7LK"),
        ("BEDROCK_AGENT_ID", "Q8ZP3R7LKMN"),
        ("BEDROCK_AGENT_ALIAS_ID", "Q8ZP-R7LKM"),
        ("OPENAI_API_KEY", "EMPTY"),
        ("OPENAI_API_KEY", "sk-"),
        ("OPENAI_API_KEY", "sk-…"),
        ("OPENAI_API_KEY", "sk-your-key-here"),
        ("OPENAI_API_KEY", "sk-proj-your_key_here"),
        ("OPENAI_API_KEY", "sk-Zp3 Q8"),
        ("OPENAI_BASE_URL", "http://llm.shop.org/v1"),
        ("OPENAI_BASE_URL", "llm.shop.org/v1"),
        ("OPENAI_BASE_URL", "https://"),
        ("OPENAI_BASE_URL", "https://ann:secret@llm.shop.org/v1"),
        ("OPENAI_BASE_URL", "https://llm.shop.org:port/v1"),
        ("OPENAI_BASE_URL", "ftp://llm.shop.org"),
        ("OPENAI_BASE_URL", "http://localhost.shop.org"),
        ("OPENAI_BASE_URL", "http://svc.shop.org"),
        ("OPENAI_BASE_URL", "http://10.0.0.7:8000"),
        ("AZURE_ENDPOINT", "https://<resource>.cognitiveservices.azure.com/"),
        ("AWS_REGION", "eu-central"),
        ("AWS_REGION", "Frankfurt"),
        ("AWS_DEFAULT_REGION", "eu_central_1"),
        ("AWS_ROLE_ARN", "cloudmart-eks-pod-role"),
        ("AWS_ROLE_ARN", "arn:aws:iam::<account>:role/cloudmart-eks-pod-role"),
        ("AWS_ROLE_ARN", "arn:aws:iam::210987654321:user/ann"),
        ("CLOUDMART_SECRET_ID", "arn:aws:s3:::bucket"),
        ("CLOUDMART_SECRETS_DIR", "/nowhere/at/all"),
        ("DYNAMODB_ORDERS_TABLE", "ab"),
        ("DYNAMODB_ORDERS_TABLE", "cloudmart orders"),
        ("DYNAMODB_ORDERS_TABLE", "o" * 256),
        ("CONVERSATIONS_TABLE", "cloudmart/conversations"),
        ("BIGQUERY_DATASET_ID", "shop-data"),
        ("GOOGLE_CLOUD_PROJECT_ID", "Shop"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("METRICS_PORT", "5000"),
        ("LISTEN_ADDRESS", "localhost"),
        ("LISTEN_ADDRESS", "0.0.0.0/0"),
        ("LISTEN_ADDRESS", "[::1]"),
        ("LISTEN_ADDRESS", "127.0.0.1,127.0.0.1"),
        ("LISTEN_ADDRESS", "::1,0:0:0:0:0:0:0:1"),
        ("LISTEN_ADDRESS", "0.0.0.0,127.0.0.1"),
        ("LISTEN_ADDRESS", "::1,::"),
        ("LISTEN_ADDRESS", "::ffff:127.0.0.1"),
        ("STARTUP_TIMEOUT", "nan"),
        ("STARTUP_TIMEOUT", "-1"),
        ("SHUTDOWN_GRACE", "inf"),
        ("DEGRADED_START", "maybe"),
        ("REQUIRED_PROVIDERS", "openai,oracle"),
        ("BEDROCK_MODE", "agents"),
        ("AI_ORDER_TOOLS", "everything"),
        ("ENVIRONMENT", "prod"),
        ("TRUSTED_PROXIES", "the load balancer"),
        ("TRUSTED_PROXIES", "10.0.0.1/16"),
        ("TRUSTED_PROXIES", "10.0.0.0/16,0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1"),
        ("TRUSTED_PROXIES", "0.0.0.0/1"),
        ("TRUSTED_PROXIES", ",".join(f"{first}.0.0.0/8" for first in range(1, 255, 2))),
        ("TRUSTED_PROXIES", "::/1,8000::/1"),
        ("TRUSTED_PROXIES", "2000::/3"),
        ("TRUSTED_PROXIES", "::ffff:0.0.0.0/97,::ffff:128.0.0.0/97"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,::ffff:0:0/96"),
        ("PUBLIC_BASE_URL", 'https://shop.org"><script>alert(1)</script>'),
        ("PUBLIC_BASE_URL", 'https://shop.org/"><script>alert(1)</script>'),
        ("PUBLIC_BASE_URL", "https://shop.org/?q=<script>"),
        ("PUBLIC_BASE_URL", "https://shop.org/shop#top"),
        ("PUBLIC_BASE_URL", "https://shop.org/a b"),
        ("PUBLIC_BASE_URL", "https://shop.org/a'b"),
        ("PUBLIC_BASE_URL", "https://shop.org\\evil.org"),
        ("PUBLIC_BASE_URL", f"https://{'a' * 64}.org"),
        ("PUBLIC_BASE_URL", "https://shop.org:99999"),
        ("RATE_LIMIT_READ", "-1"),
        ("RATE_LIMIT_CHAT", "ten"),
        ("RATE_LIMIT_EMAIL", "1.5"),
        ("RATE_LIMIT_STORAGE", "https://shop.cache.internal"),
        ("RATE_LIMIT_STORAGE", "redis://"),
        ("RATE_LIMIT_STORAGE", "redis://shop.cache.internal:port"),
        ("RATE_LIMIT_STORAGE", "redis://shop.cache.internal/0?ssl_cert_reqs=none"),
        ("MAX_CONCURRENCY", "0"),
        ("MAX_CHATS", "many"),
        ("AUTH", "password"),
        ("AUTH", "basic jwt"),
        ("ADMIN_USERS", "ann:hunter2"),
        ("JWT_ISSUER", "http://login.shop.org"),
        ("JWT_JWKS_URL", "login.shop.org/keys"),
        ("JWT_ALGORITHM", "HS256"),
        ("JWT_LEEWAY", "301"),
        ("CUSTOMER_ORDERS", "closed"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("CORS_ALLOWED_ORIGINS", "https://shop.example.com/page"),
        ("CORS_ALLOWED_ORIGINS", "https://shop.example.com,http://shop.example.com"),
    ],
)
def test_a_malformed_value_stops_the_start(name: str, value: str) -> None:
    faults = load_settings({name: value}).report.refusals

    assert (name, SettingState.MALFORMED) in [(fault.name, fault.state) for fault in faults]
