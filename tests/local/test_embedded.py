"""Which variables of a person's environment reach local mode."""

import os
from urllib.request import proxy_bypass

import pytest
from botocore.session import Session

from cloudmart.local.embedded import offline_aws_environment

URL = "http://127.0.0.1:4567"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of a person who works with a cloud, and enter local mode."""
    person = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL": "https://cloud.example.com",
        "AWS_ENDPOINT_URL_STS": "https://cloud.example.com",
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/real",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
        "AWS_REGION": "eu-central-1",
        "BEDROCK_AGENT_ID": "ABCDEFGHIJ",
        "CLOUDMART_SECRET_ID": "production",
        "HTTP_PROXY": "http://proxy.example.com:3128",
        "NO_PROXY": "intranet.example.com",
    }
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in offline_aws_environment(person, URL).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_the_rest_of_the_environment_stays() -> None:
    assert os.environ["LANG"] == "C.UTF-8"
    assert os.environ["HTTP_PROXY"] == "http://proxy.example.com:3128"


@pytest.mark.usefixtures("environment")
def test_a_secret_and_an_agent_of_the_cloud_are_not_known() -> None:
    assert "CLOUDMART_SECRET_ID" not in os.environ
    assert "BEDROCK_AGENT_ID" not in os.environ


@pytest.mark.usefixtures("environment")
def test_the_persons_credentials_are_not_known() -> None:
    credentials = Session().get_credentials()

    assert (credentials.access_key, credentials.token) == ("local", None)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("service", ["dynamodb", "sts", "s3", "bedrock-agent-runtime"])
def test_every_service_is_looked_for_at_the_embedded_engine(service: str) -> None:
    client = Session().create_client(service)

    assert client.meta.endpoint_url == URL


@pytest.mark.usefixtures("environment")
def test_a_proxy_is_passed_by_for_this_machine_and_where_it_was_before() -> None:
    assert proxy_bypass("127.0.0.1:4567")
    assert proxy_bypass("intranet.example.com")
    assert not proxy_bypass("cloud.example.com")
