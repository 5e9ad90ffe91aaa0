"""Variables that AWS's SDK cannot use: each cause names the variable and what to do."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from botocore import exceptions as sdk
from structlog.testing import capture_logs

from cloudmart.cli.serve import run_server
from cloudmart.errors import UnavailableError
from cloudmart.health.aws_environment import open_session
from cloudmart.health.causes import DependencyError
from cloudmart.health.classify import DYNAMODB, SECRETS_MANAGER, STS, Service
from cloudmart.health.dependency_error import dependency_error_of
from tests.health.world import World
from tests.support.clocked_app import pod

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "x"}
AGENT = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/v1/credentials"}
BROKEN, TWO_LINES, PROFILES = "{broken}", "{two_lines}", "{profiles}"
FILES = {
    "broken": "this is [not\n= parsable",
    "two_lines": "abc\ndef\n",
    "profiles": "[profile process]\ncredential_process=/nowhere/program\n"
    "[profile half]\naws_access_key_id=AKIA\n"
    "[profile garbled]\ncredential_process=/bin/echo hello\n"
    "[profile failing]\ncredential_process=/bin/false\n"
    "[profile person]\nsso_session=own\nsso_account_id=1\nsso_role_name=x\n"
    "[sso-session own]\nsso_start_url=http://127.0.0.1:9\nsso_region=eu-west-1\n"
    "[profile former]\nsso_start_url=http://127.0.0.1:9\nsso_region=eu-west-1\n"
    "sso_account_id=1\nsso_role_name=x\n"
    "[profile address]\naws_access_key_id=AKIA\naws_secret_access_key=x\n"
    "endpoint_url=nowhere\n"
    "[profile source]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile=nobody\n",
}
PROFILE = KEYS | {"AWS_PROFILE": "prod"}

# The expected messages: the cause and a part of the remedy.
WRONG: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "a profile that is not there": (PROFILE, "profile-missing", "AWS_PROFILE names"),
    "a blank profile": (KEYS | {"AWS_PROFILE": ""}, "profile-missing", "Remove AWS_PROFILE"),
    "a default profile": (
        KEYS | {"AWS_DEFAULT_PROFILE": "prod"},
        "profile-missing",
        "AWS_DEFAULT_PROFILE names",
    ),
    "a configuration that is none": (
        KEYS | {"AWS_CONFIG_FILE": BROKEN},
        "sdk-config-unreadable",
        "AWS_CONFIG_FILE names /",
    ),
    "credentials that are none": (
        {"AWS_SHARED_CREDENTIALS_FILE": BROKEN},
        "sdk-config-unreadable",
        "AWS_SHARED_CREDENTIALS_FILE names /",
    ),
    "half a pair in the environment": (
        {"AWS_ACCESS_KEY_ID": "AKIAX"},
        "credentials-half-set",
        "AWS_ACCESS_KEY_ID is set",
    ),
    "the other half": (
        {"AWS_SECRET_ACCESS_KEY": "x"},
        "credentials-half-set",
        "AWS_SECRET_ACCESS_KEY is set",
    ),
    "half a pair in a file": (
        {"AWS_CONFIG_FILE": PROFILES, "AWS_PROFILE": "half"},
        "sdk-config-wrong",
        "AWS_CONFIG_FILE",
    ),
    "a source that is nobody": (
        {"AWS_CONFIG_FILE": PROFILES, "AWS_PROFILE": "source"},
        "sdk-config-wrong",
        "AWS_CONFIG_FILE",
    ),
    "a program that is not there": (
        {"AWS_CONFIG_FILE": PROFILES, "AWS_PROFILE": "process"},
        "credentials-program-missing",
        "remove AWS_PROFILE and AWS_CONFIG_FILE",
    ),
    **{
        f"a profile that is {profile}": (
            {"AWS_CONFIG_FILE": PROFILES, "AWS_PROFILE": profile, **more},
            cause,
            remedy,
        )
        for profile, more, cause, remedy in (
            ("garbled", {}, "credentials-program-wrong", "credential_process names the program"),
            ("failing", {}, "credentials-program-wrong", "run the program by hand"),
            ("person", {}, "credentials-want-a-person", "remove AWS_PROFILE"),
            ("former", {}, "credentials-want-a-person", "aws sso login"),
            ("address", {"AWS_ENDPOINT_URL_DYNAMODB": ""}, "sdk-config-wrong", "AWS_CONFIG_FILE"),
        )
    },
    "no token for the agent": (
        AGENT | {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere/token"},
        "pod-identity-token-missing",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names /nowhere/token",
    ),
    "a token of two lines for the agent": (
        AGENT | {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": TWO_LINES},
        "pod-identity-token-garbled",
        "Somebody set AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ),
    "a token of two lines in the environment": (
        AGENT | {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\nb"},
        "pod-identity-token-garbled",
        "Somebody set AWS_CONTAINER_AUTHORIZATION_TOKEN",
    ),
    "an agent anywhere": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://agent.example/v1"},
        "pod-identity-address",
        "Remove AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    "an identity token that is a directory": (
        {"AWS_ROLE_ARN": "arn:aws:iam::210987654321:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/etc"},
        "token-missing",
        "somebody set AWS_WEB_IDENTITY_TOKEN_FILE by hand",
    ),
    "a role that is none": (
        {"AWS_ROLE_ARN": "x", "AWS_WEB_IDENTITY_TOKEN_FILE": TWO_LINES},
        "role-malformed",
        "AWS_ROLE_ARN is 'x'",
    ),
    "certificates that are not there": (
        KEYS | {"AWS_CA_BUNDLE": "/nowhere/ca.pem", "AWS_ENDPOINT_URL_DYNAMODB": ""},
        "ca-bundle-wrong",
        "AWS_CA_BUNDLE names /nowhere/ca.pem",
    ),
    "certificates that are none": (
        KEYS | {"AWS_CA_BUNDLE": BROKEN, "AWS_ENDPOINT_URL_DYNAMODB": ""},
        "ca-bundle-wrong",
        "called dynamodb.us-east-1.amazonaws.com.",
    ),
    "a proxy that is none": (
        KEYS | {"HTTPS_PROXY": "http://proxy:port", "AWS_ENDPOINT_URL_DYNAMODB": ""},
        "proxy-wrong",
        "Correct HTTPS_PROXY",
    ),
    "a proxy that is away": (
        KEYS | {"https_proxy": "http://ann:hunter2@127.0.0.1:9", "AWS_ENDPOINT_URL_DYNAMODB": ""},
        "proxy-away",
        "https_proxy names http://…@127.0.0.1:9",
    ),
    "an account that is not known": (
        KEYS | {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required", "AWS_ENDPOINT_URL_DYNAMODB": ""},
        "account-unknown",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE is `required`",
    ),
}
REFUSED = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": ("bogus", ""),
    "AWS_DEFAULTS_MODE": ("bogus", ""),
    "AWS_RETRY_MODE": ("bogus", "Standard"),
    "AWS_MAX_ATTEMPTS": ("many", "0", "-1", "1.5"),
    "AWS_STS_REGIONAL_ENDPOINTS": ("bogus", "Legacy"),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": ("nowhere",),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": ("bogus", ""),
    "AWS_METADATA_SERVICE_TIMEOUT": ("soon", ""),
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": ("some", ""),
    "AWS_REQUEST_CHECKSUM_CALCULATION": ("bogus", ""),
    "AWS_RESPONSE_CHECKSUM_VALIDATION": ("bogus", ""),
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": ("little", "0"),
    "AWS_ENDPOINT_URL": ("dynamodb.local", "http://", "ftp://host", " "),
    "AWS_ENDPOINT_URL_DYNAMODB": ("http://host:port", "http://[::1", "http://a b", "https://"),
}
TAKEN = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": ("disabled", "Preferred"),
    "AWS_RETRY_MODE": ("standard", ""),
    "AWS_MAX_ATTEMPTS": ("3", ""),
    "AWS_STS_REGIONAL_ENDPOINTS": ("regional", ""),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": ("IPv6",),
    "AWS_ENDPOINT_URL": ("", "https://vpce-1.dynamodb.eu-central-1.vpce.amazonaws.com"),
    "AWS_ENDPOINT_URL_DYNAMODB": ("http://localhost:8000", "http://[::1]:8000"),
    "AWS_CA_BUNDLE": ("",),
}


@pytest.fixture
def files(tmp_path: Path) -> Callable[[str], str]:
    """Provide a function that replaces the names of files by their paths."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return lambda value: re.sub(r"\{(\w+)\}", lambda name: str(tmp_path / name[1]), value)


@pytest.fixture
def nobodys(world: World) -> World:
    """Provide a pod without any source of credentials."""
    for name in ("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE"):
        world.patch.delenv(name, raising=False)
    return world


@pytest.mark.parametrize("name", WRONG)
async def test_a_start_that_is_misled_names_the_variable(
    name: str, nobodys: World, files: Callable[[str], str]
) -> None:
    environ, cause, remedy = WRONG[name]
    for variable, value in environ.items():
        nobodys.patch.setenv(variable, files(value))

    try:
        async with pod(nobodys.with_patience(0)) as it:
            await it.gives_up()
        assert it.lifecycle.failure
        said = it.lifecycle.failure.message
    except DependencyError as obstacle:
        said = f"({obstacle.cause.code}) {obstacle.remedy} {obstacle.command}"

    assert f"({cause})" in said
    assert remedy in said
    assert "hunter2" not in said
    assert "namespace default" in said or "-n default" in said


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, each in REFUSED.items() for value in each]
)
def test_what_the_sdk_refuses_is_reported_with_what_is_right(name: str, value: str) -> None:
    with pytest.raises(DependencyError) as refused:
        open_session("eu-central-1", {name: value})

    assert refused.value.cause.code == "sdk-setting-wrong"
    assert not refused.value.cause.passes
    assert refused.value.remedy.startswith(f"{name} is {value!r}. Right: ")


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, each in TAKEN.items() for value in each]
)
def test_what_the_sdk_takes_is_not_refused(name: str, value: str) -> None:
    with capture_logs() as events:
        assert open_session("eu-central-1", {name: value})

    assert events == []


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_a_switch_that_the_sdk_ignores_is_a_warning(name: str) -> None:
    with capture_logs() as events:
        open_session("eu-central-1", {name: "yes"})

    assert [(each["event"], each["variable"]) for each in events] == [("aws_setting_ignored", name)]


def test_serving_ends_with_a_message_if_there_can_be_no_session(
    nobodys: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    nobodys.patch.setenv("AWS_PROFILE", "prod")
    environ = {"AUTH": "off", "AWS_REGION": "us-east-1", **PROFILE}

    code = run_server(environ, host="127.0.0.1", termination_log=log)

    assert code == 1
    assert "(profile-missing)" in capsys.readouterr().err
    assert "Remove AWS_PROFILE" in log.read_text()


def test_a_profile_that_asks_for_a_code_wants_a_person() -> None:
    met = dependency_error_of(sdk.RefreshWithMFAUnsupportedError(), {}, credentials=True)

    assert met.cause.code == "credentials-want-a-person"
    assert "a code (MFA)" in met.remedy


def _away(url: str) -> sdk.EndpointConnectionError:
    return sdk.EndpointConnectionError(endpoint_url=url, error="nobody is there")


@pytest.mark.parametrize(
    ("url", "service", "environ", "cause"),
    [
        ("https://dynamodb.eu-central-1.amazonaws.com/", DYNAMODB, {}, "table-away"),
        ("https://dynamodb-fips.us-east-1.amazonaws.com/", DYNAMODB, {}, "table-away"),
        ("https://dynamodb.us-east-1.api.aws/", DYNAMODB, {}, "table-away"),
        (
            "https://210987654321.ddb.eu-central-1.amazonaws.com/",
            DYNAMODB,
            {},
            "account-endpoint-away",
        ),
        ("https://sts.eu-central-1.amazonaws.com/", DYNAMODB, {}, "sts-away"),
        ("https://sts.amazonaws.com/", SECRETS_MANAGER, {}, "sts-away"),
        ("http://sts.test:1/", DYNAMODB, {"AWS_ENDPOINT_URL_STS": "http://sts.test:1"}, "sts-away"),
        ("http://all.test:1/", DYNAMODB, {"AWS_ENDPOINT_URL": "http://all.test:1"}, "table-away"),
        ("https://vpce-1.sts.eu-central-1.vpce.amazonaws.com/", STS, {}, "sts-away"),
    ],
)
def test_the_host_that_was_really_called_is_named(
    url: str, service: Service, environ: dict[str, str], cause: str
) -> None:
    error = UnavailableError("away")
    error.__cause__ = _away(url)
    environ = {"AWS_REGION": "eu-central-1", **environ}

    obstacle = dependency_error_of(error, environ, service)

    assert obstacle.cause.code == cause
    assert url.split("/")[2] in obstacle.remedy


def test_where_the_error_names_no_host_the_one_that_is_configured_is_named() -> None:
    environ = {"AWS_REGION": "cn-north-1"}

    obstacle = dependency_error_of(OSError(), environ, DYNAMODB)

    assert "dynamodb.cn-north-1.amazonaws.com.cn. " in obstacle.remedy


def test_a_pod_that_missed_the_webhook_learns_what_decides() -> None:
    answer = {
        "Error": {"Code": "InvalidIdentityToken", "Message": "No OpenIDConnect provider found"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    error = sdk.ClientError(answer, "AssumeRoleWithWebIdentity")

    obstacle = dependency_error_of(error, {"HOSTNAME": "cloudmart-1"}, credentials=True)

    assert obstacle.cause.code == "cluster-unknown"
    assert obstacle.command.startswith("aws eks list-pod-identity-associations ")
    assert "--namespace default --service-account cloudmart-backend-sa" in obstacle.command
    assert "restart the pod (`kubectl delete pod cloudmart-1`)" in obstacle.remedy
    assert "create-open-id-connect-provider" in obstacle.remedy


@pytest.mark.parametrize("name", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
@pytest.mark.parametrize(("path", "warned"), [(os.devnull, False), ("/is/not/there", True)])
def test_a_file_that_is_not_there_is_a_warning_and_none_at_all_is_not(
    name: str, path: str, *, warned: bool
) -> None:
    with capture_logs() as events:
        open_session("eu-central-1", {name: path})

    assert [each["variable"] for each in events] == ([name] if warned else [])
