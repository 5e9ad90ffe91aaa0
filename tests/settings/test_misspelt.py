"""Unknown names: reported if they look like a setting, and ignored everywhere else."""

import re
from pathlib import Path

import pytest

from cloudmart.settings import load_settings
from cloudmart.settings.misspelt import LEFT_ALONE, nearest_setting
from cloudmart.settings.variables import variables
from tests.settings.good import GOOD


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("OPENAI_APIKEY", "OPENAI_API_KEY"),
        ("OPENAI_KEY", "OPENAI_API_KEY"),
        ("OPENAI_API_KEYS", "OPENAI_API_KEY"),
        ("openai_api_key", "OPENAI_API_KEY"),
        ("OPENAI-API-KEY", "OPENAI_API_KEY"),
        ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
        ("AUHT", "AUTH"),
        ("AUT", "AUTH"),
        ("PROT", "PORT"),
        ("METRICS_PROT", "METRICS_PORT"),
        ("METRIC_PORT", "METRICS_PORT"),
        ("RATE_LIMIT_REED", "RATE_LIMIT_READ"),
        ("RATELIMIT_READ", "RATE_LIMIT_READ"),
        ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
        ("CORS_ORIGINS", "CORS_ALLOWED_ORIGINS"),
        ("ADMIN_USER", "ADMIN_USERS"),
        ("AZURE_KEY", "AZURE_API_KEY"),
        ("AZURE_API_ENDPOINT", "AZURE_ENDPOINT"),
        ("AZURE_LANGUAGE_KEY", "AZURE_API_KEY"),
        ("AZURE_LANGUAGE_ENDPOINT", "AZURE_ENDPOINT"),
        ("ORDERS_TABLE", "DYNAMODB_ORDERS_TABLE"),
        ("products_table", "DYNAMODB_PRODUCTS_TABLE"),
        ("TICKETS_TABLE", "DYNAMODB_TICKETS_TABLE"),
        ("RATE_LIMIT_REDIS", "RATE_LIMIT_STORAGE"),
        ("JWT_ISS", "JWT_ISSUER"),
        ("JWT_AUD", "JWT_AUDIENCE"),
        ("SHUTDOWN_GRACE_PERIOD", "SHUTDOWN_GRACE"),
        ("SECRETS_DIR", "CLOUDMART_SECRETS_DIR"),
        ("BEDROCK_ALIAS_ID", "BEDROCK_AGENT_ALIAS_ID"),
        ("BIGQUERY_DATASET", "BIGQUERY_DATASET_ID"),
        ("BIGQUERY_PROJECT_ID", "GOOGLE_CLOUD_PROJECT_ID"),
        ("DYNAMODB_TABLE_ORDERS", "DYNAMODB_ORDERS_TABLE"),
        ("ENVIROMENT", "ENVIRONMENT"),
        ("AWS_REGOIN", "AWS_REGION"),
        ("PUBLIC_URL", "PUBLIC_BASE_URL"),
        ("CLOUDMART_SECRET_DIR", "CLOUDMART_SECRETS_DIR"),
    ],
)
def test_a_misspelt_setting_is_reported_with_the_right_name(name: str, meant: str) -> None:
    (found,) = load_settings({name: "value"}).report.misspelt

    assert found.sentence == f"{name} is not a setting; did you mean {meant}?"
    assert found.origin == "environment"


ORDINARY = re.findall(
    r"\S+",
    """
    PATH HOME USER SHELL HOST HOSTNAME LANG TERM PWD OLDPWD SHLVL LOGNAME MAIL TZ TMPDIR EDITOR CI
    PYTHONPATH PYTHONUNBUFFERED VIRTUAL_ENV DEBUG NODE_ENV LOG_LEVEL DISPLAY XAUTHORITY OAUTH POST
    PORTS SPORT SSH_AUTH_SOCK GITHUB_TOKEN HTTP_PROXY HTTPS_PROXY NO_PROXY https_proxy no_proxy
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE KUBERNETES_PORT KUBERNETES_SERVICE_HOST
    KUBERNETES_SERVICE_PORT_HTTPS KUBERNETES_PORT_443_TCP_ADDR CLOUDMART_BACKEND_SERVICE_HOST
    CLOUDMART_BACKEND_SERVICE_PORT CLOUDMART_BACKEND_PORT_5000_TCP CLOUDMART_FRONTEND_SERVICE_PORT
    METRIC_SERVICE_PORT POD_NAMESPACE POD_NAME AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    AWS_SESSION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_STS_REGIONAL_ENDPOINTS AWS_RETRY_MODE
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_MAX_ATTEMPTS
    AWS_ENDPOINT_URL AWS_ENDPOINT_URL_DYNAMODB AWS_CA_BUNDLE AWS_CONFIG_FILE AWS_EXECUTION_ENV
    AWS_SHARED_CREDENTIALS_FILE AWS_LAMBDA_FUNCTION_NAME AWS_EC2_METADATA_DISABLED
    AWS_BEARER_TOKEN_BEDROCK GCP_SERVICE_ACCOUNT_KEY GOOGLE_API_USE_MTLS_ENDPOINT GCE_METADATA_HOST
    OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_ENDPOINT MOTO_PORT PUBSUB_EMULATOR_HOST
""",
)


@pytest.mark.parametrize("name", sorted({*ORDINARY, *LEFT_ALONE}))
def test_what_others_read_is_left_alone(name: str) -> None:
    assert nearest_setting(name) is None or name.endswith(("_SERVICE_PORT", "_SERVICE_HOST"))
    assert load_settings({name: "value"}).report.misspelt == ()


def test_the_address_of_a_service_is_left_alone_whatever_its_name() -> None:
    link = {"METRIC_PORT": "tcp://10.100.0.7:9000", "CLOUDMART_BACKEND_PORT": "tcp://10.0.0.1:5000"}

    assert load_settings(link).report.misspelt == ()


def test_no_setting_is_taken_for_a_misspelling_of_another() -> None:
    names = [name for each in variables().values() for name in each.names]

    assert [name for name in names if nearest_setting(name)] == []
    assert load_settings(GOOD, {}).report.misspelt == ()


def test_a_file_of_a_mounted_directory_a_key_of_the_secret_and_a_line_are_named_with_their_place(
    tmp_path: Path,
) -> None:
    secrets, config = tmp_path / "secrets", tmp_path / "config"
    for directory, name in ((secrets, "OPENAI_APIKEY"), (config, "RATE_LIMIT_REED")):
        directory.mkdir()
        (directory / name).write_text("value")
        (directory / "..2026").mkdir()
    dotenv = tmp_path / ".env"
    dotenv.write_text("AZURE_KEY=value\nPATH=/bin\n")
    environ = {
        "ENVIRONMENT": "local",
        "CLOUDMART_SECRETS_DIR": str(secrets),
        "CLOUDMART_CONFIG_DIR": str(config),
        "CLOUDMART_SECRET_ID": "shop/keys",
        "AUHT": "off",
    }

    found = load_settings(environ, {"ADMIN_USER": "ann"}, dotenv=dotenv).report.misspelt

    assert [(each.name, each.origin) for each in found] == [
        ("AUHT", "environment"),
        ("OPENAI_APIKEY", f"files of {secrets}"),
        ("ADMIN_USER", "secret shop/keys"),
        ("AZURE_KEY", ".env"),
        ("RATE_LIMIT_REED", f"files of {config}"),
    ]


def test_no_value_is_shown() -> None:
    (found,) = load_settings({"OPENAI_APIKEY": "sk-Zp3Q8R7"}).report.misspelt

    assert "Zp3Q8R7" not in repr(found)
