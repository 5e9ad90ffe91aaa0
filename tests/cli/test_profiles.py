"""AWS profiles that a command cannot use: one sentence, what to do, and never a traceback."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudmart.cli.data_store_errors import told
from cloudmart.health.aws_environment import open_for_command
from cloudmart.health.causes import DependencyError
from cloudmart.settings import Settings
from tests.cli.conftest import Cloudmart
from tests.support.aws import aws_client

KEYS = "aws_access_key_id=AKIAX\naws_secret_access_key=hunter2\n"
ROLE = "role_arn=arn:aws:iam::210987654321:role/x\n"
OLD = {
    "Version": 1,
    "AccessKeyId": "AKIAX",
    "SecretAccessKey": "hunter2",
    "SessionToken": "x",
    "Expiration": "2020-01-01T00:00:00Z",
}

# The output of a profile's program, and the expected message.
PRINTED = {
    "nothing": ("", "What it prints is not JSON."),
    "words": ("hello", "What it prints is not JSON."),
    "bytes": ("\\377\\376", "What it prints is not JSON."),
    "a list": ("[1]", "What it prints is not a JSON object."),
    "null": ("null", "What it prints is not a JSON object."),
    "an object without keys": ('{"Version": 1}', "Missing required key in response"),
    "another version": ('{"Version": 2}', "Unsupported version '2'"),
    "numbers": ('{"Version": 1, "AccessKeyId": 5, "SecretAccessKey": 7}', "keys are not text"),
    "no date": (json.dumps(OLD | {"Expiration": "soon"}), "Unknown string format"),
    "a number as a date": (json.dumps(OLD | {"Expiration": 5}), "of wrong types"),
    "keys of before": (json.dumps(OLD), "read the Expiration it prints"),
}
# The content of a profile, and the expected message.
SAID = {
    "a program that is not there": (
        "credential_process=/nowhere/program\n",
        "names /nowhere/program. It does not exist, or this user has no permission",
    ),
    "a program that is a directory": ("credential_process=/etc\n", "names /etc. It does not exist"),
    "a program that fails": ("credential_process=/bin/false\n", "Run it by hand"),
    "a blank program": ("credential_process=\n", "It has no name"),
    "half a quotation": ('credential_process="/bin/echo\n', "No closing quotation"),
    "an address that is none": (f"{KEYS}endpoint_url=nowhere\n", "endpoint_url is 'nowhere'"),
    "a port that is none": (
        f"{KEYS}endpoint_url=http://ann:hunter2@host:port\n",
        "Right: an address such as https://HOST:PORT.",
    ),
    "half an address": (f"{KEYS}endpoint_url=http://[::1\n", "endpoint_url is 'http://[::1'"),
    "an address of one service": (
        f"{KEYS}services=own\n[services own]\ndynamodb =\n  endpoint_url = nowhere\n",
        "endpoint_url is 'nowhere'",
    ),
    "a service without an address": (
        f"{KEYS}services=own\n[services own]\ndynamodb = x\n",
        "dynamodb = x, without an endpoint_url",
    ),
    "a circle of sources": (
        f"{ROLE}source_profile=other\n[profile other]\n{ROLE}source_profile=own\n",
        "Infinite loop",
    ),
    "a role without a source": (ROLE, "missing: source_profile or credential_source"),
    "a source that has nothing": (f"{ROLE}credential_source=Environment\n", "No credentials found"),
    "a source that is none": (f"{ROLE}credential_source=Sky\n", "Sky"),
    "a role that wants a code": (
        f"{ROLE}mfa_serial=arn:aws:iam::1:mfa/ann\nsource_profile=other\n[profile other]\n{KEYS}",
        "For a profile that asks for a code (MFA), export keys",
    ),
    "a token that is not there": (
        f"{ROLE}web_identity_token_file=/nowhere/token\n",
        "web_identity_token_file names /nowhere/token",
    ),
    "nobody has signed in": (
        (
            "sso_session=own\nsso_account_id=1\nsso_role_name=x\n"
            "[sso-session own]\nsso_start_url=http://127.0.0.1:9\nsso_region=eu-west-1\n"
        ),
        "Sign in first: `aws sso login`",
    ),
    "a session that is not there": (
        "sso_session=other\nsso_account_id=1\nsso_role_name=x\n",
        "sso-session does not exist",
    ),
    "half a pair": ("aws_access_key_id=AKIAX\n", "The answer says what is wrong."),
    "a mode that is none": (f"{KEYS}defaults_mode=bogus\n", "bogus"),
}

Profile = Callable[[str], None]


@pytest.fixture
def profile(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Provide a function that makes the process use a profile."""
    assert (
        settings
    )  # The tables were created with keys in the environment, which would win over a profile.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    (tmp_path / "credentials").touch()
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_PROFILE", "own")

    def write(text: str) -> None:
        file.write_text(f"[profile own]\n{text}")

    return write


@pytest.fixture
def program(profile: Profile, tmp_path: Path) -> Callable[[str], None]:
    """Provide a function that makes a shell script the profile's program."""

    def write(script: str) -> None:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        profile(f"credential_process={path}\n")

    return write


def tells(cloudmart: Cloudmart, expected: str) -> None:
    """Check the message and the exit code of each command that calls AWS."""
    for words, code in (
        (("tables", "status"), 1),
        (("catalogue", "export", "-"), 1),
        (("pipeline", "status"), 69),
    ):
        ended = cloudmart(*words)

        assert (ended.exit_code, ended.stdout) == (code, ""), words
        assert isinstance(ended.exception, SystemExit), words
        assert expected in ended.stderr
        assert "hunter2" not in ended.stderr
        # The command does not run in a cluster.
        assert not re.search(r"\bpods?\b", ended.stderr)


@pytest.mark.parametrize("name", PRINTED)
def test_a_program_that_gives_no_credentials_is_reported(
    name: str, program: Callable[[str], None], cloudmart: Cloudmart
) -> None:
    printed, expected = PRINTED[name]

    program(f"printf '{printed}'")

    tells(cloudmart, expected)


@pytest.mark.parametrize("name", SAID)
def test_a_profile_that_cannot_be_used_is_reported(
    name: str, profile: Profile, cloudmart: Cloudmart
) -> None:
    said, expected = SAID[name]

    profile(said)

    tells(cloudmart, expected)


async def test_a_program_that_hangs_is_not_waited_for_forever(
    program: Callable[[str], None], tmp_path: Path
) -> None:
    number = tmp_path / "number"
    program(f"echo $$ >{number}; exec sleep 600")

    with pytest.raises(DependencyError) as met:
        await open_for_command("us-east-1", {}, within=0.2)

    assert met.value.cause.code == "credentials-slow"
    assert "It did not answer within 0.2 s." in told(met.value)
    assert "run that program by hand" in told(met.value)
    # The command stopped waiting for it, so it must not be running. On a busy machine it never
    # began.
    if number.exists() and (started := number.read_text()):
        with pytest.raises(ProcessLookupError):
            os.kill(int(started), 0)


@pytest.mark.usefixtures("embedded_only")
def test_the_secret_with_the_settings_is_read_with_a_profile_that_works(
    engine: str,
    program: Callable[[str], None],
    cloudmart: Cloudmart,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", engine)
    monkeypatch.setenv("CLOUDMART_SECRET_ID", "shop/profiles")
    monkeypatch.delenv("AWS_PROFILE")
    store = aws_client(
        "secretsmanager",
        endpoint_url=engine,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - no secret
    )
    store.create_secret(Name="shop/profiles", SecretString='{"PORT": 8000}')
    monkeypatch.setenv("AWS_PROFILE", "own")
    later = OLD | {"Expiration": "2099-01-01T00:00:00Z"}

    program(f"printf '{json.dumps(later)}'")
    read = cloudmart("config", "--json")
    program("printf '[]'")
    unread = cloudmart("config")

    assert (read.exit_code, unread.exit_code) == (0, 1)
    assert '"8000"' in read.stdout
    assert "What it prints is not a JSON object." in unread.stderr
