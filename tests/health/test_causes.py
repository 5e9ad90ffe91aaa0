"""The causes: which error means which cause, and that the runbook explains each."""

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError as AiohttpError
from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from cloudmart.errors import UnavailableError
from cloudmart.health.causes import DependencyError, all_causes, credentials, services, web_identity
from cloudmart.health.causes.page import MARK, causes_page
from cloudmart.health.classify import DYNAMODB, SECRETS_MANAGER, STS, cause_of_no_credentials
from cloudmart.health.dependency_error import facts_of_pod
from tests.health.world import ISSUER, ROLE, token

ROOT = Path(__file__).parents[2]
CAUSES = [cause for group in all_causes().values() for cause in group]
PUBLIC = {"minutes", "since", "seconds"}
FACTS = {
    *("namespace", "service_account", "pod", "region", "role", "role_name", "account"),
    *("issuer", "issuer_path", "subject", "service", "table", "secret"),
    *("host", "variable", "value", "right", "path", "proxy", "seconds"),
}


def refused(code: str, message: str = "", operation: str = "GetItem", status: int = 400) -> Any:  # noqa: ANN401
    """Return the SDK's error for a refusal."""
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return sdk.ClientError(answer, operation)


def unavailable(cause: Exception) -> UnavailableError:
    """Return the repository's error for an error of the SDK."""
    error = UnavailableError("away")
    error.__cause__ = cause
    return error


def test_no_two_causes_have_one_code() -> None:
    codes = [cause.code for cause in CAUSES]

    assert len(codes) == len(set(codes)) > 30


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_a_cause_shows_the_public_no_names_and_an_operator_what_to_run(cause: Any) -> None:  # noqa: ANN401
    assert set(re.findall(r"\{(\w+)\}", cause.sentence)) <= PUBLIC
    assert set(re.findall(r"\{(\w+)\}", cause.remedy + cause.command)) <= FACTS
    assert cause.sentence.endswith(".")
    assert cause.command.split()[0] in {"kubectl", "aws", "cloudmart", "curl"}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_what_is_run_first_only_looks(cause: Any) -> None:  # noqa: ANN401
    match cause.command.split():
        case ["kubectl", "set", *words]:
            assert words[0] == "env"
            assert words[-1] == "--list"
        case ["kubectl", "rollout", verb, *_]:
            assert verb == "status"
        case ["kubectl", "exec", *_]:
            assert re.search(r" -- (ls|cat|date|env|sh -c 'ls|python -)", cause.command)
        case ["kubectl", verb, *_]:
            assert verb in {"describe", "get", "logs", "top"}
        case ["aws", _, verb, *_]:
            assert re.match(r"(describe|get|list|simulate)-|tail$", verb)
        case ["cloudmart", *words]:
            assert words[0] in {"config", "doctor"}


def test_the_runbook_ends_with_every_cause_in_the_words_of_the_code() -> None:
    page = (ROOT / "docs" / "operations" / "runbook.md").read_text("utf-8")

    assert page.partition(MARK)[2] == f"\n{causes_page()}"


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_the_runbook_has_a_heading_for_a_cause_that_a_link_can_name(cause: Any) -> None:  # noqa: ANN401
    page = (ROOT / "docs" / "operations" / "runbook.md").read_text("utf-8")

    assert f"\n### `{cause.code}`\n" in page


@pytest.mark.parametrize(
    ("service", "error", "cause"),
    [
        (DYNAMODB, unavailable(refused("ThrottlingException")), services.TABLE_THROTTLED),
        (DYNAMODB, unavailable(TimeoutError()), services.TABLE_AWAY),
        (DYNAMODB, UnavailableError("nothing is open"), services.TABLE_AWAY),
        (DYNAMODB, AiohttpError(), services.TABLE_AWAY),
        (DYNAMODB, ResponseParserError(), services.TABLE_FAILING),
        (DYNAMODB, refused("Nobody knows"), services.UNKNOWN),
        (DYNAMODB, refused("ExpiredTokenException"), credentials.EXPIRED),
        (
            DYNAMODB,
            refused("ExpiredTokenException", operation="AssumeRoleWithWebIdentity"),
            web_identity.TOKEN_EXPIRED,
        ),
        (SECRETS_MANAGER, refused("ResourceNotFoundException"), services.SECRET_MISSING),
        (SECRETS_MANAGER, refused("AccessDeniedException"), services.SECRET_DENIED),
        (
            SECRETS_MANAGER,
            refused("AccessDeniedException", "Access to KMS is not allowed"),
            services.SECRET_LOCKED,
        ),
        (SECRETS_MANAGER, refused("DecryptionFailure"), services.SECRET_LOCKED),
        (SECRETS_MANAGER, refused("InternalServiceError", status=500), services.SECRET_FAILING),
        (STS, PermissionError("token"), web_identity.TOKEN_UNREADABLE),
    ],
)
def test_an_error_stands_for_its_cause(service: Any, error: Exception, cause: Any) -> None:  # noqa: ANN401
    assert service.cause_of(error) is cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("the refreshed credentials are still expired"), credentials.CLOCK),
        (KeyError("AccessKeyId"), credentials.AGENT_GARBLED),
        (ValueError("Unsupported host"), credentials.AGENT_ADDRESS),
        (sdk.NoCredentialsError(), credentials.NONE),
    ],
)
def test_what_sources_of_credentials_raise_by_themselves_is_known(
    error: Exception,
    cause: Any,  # noqa: ANN401
) -> None:
    assert cause_of_no_credentials(error) is cause


def test_a_pod_names_itself_from_its_token_and_role(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token("system:serviceaccount:shop:backend"))

    facts = facts_of_pod({"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(file)})

    assert facts == {
        "namespace": "shop",
        "service_account": "backend",
        "role": ROLE,
        "role_name": "cloudmart-eks-pod-role",
        "account": "123456789012",
        "issuer": ISSUER,
        "issuer_path": ISSUER.removeprefix("https://"),
        "subject": "system:serviceaccount:shop:backend",
    }


@pytest.mark.parametrize("text", ["", "no token", "a.b.c", "a.W10.c", "a.\u00e9.c", "." * 70_000])
def test_an_invalid_token_has_no_claims(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text)

    facts = facts_of_pod({"AWS_WEB_IDENTITY_TOKEN_FILE": str(file)})

    assert facts == {"namespace": "default", "service_account": "cloudmart-backend-sa"}


def test_a_fact_that_is_not_known_is_left_to_be_filled_in() -> None:
    obstacle = DependencyError(web_identity.ROLE_DENIED)

    assert obstacle.command == (
        "aws iam get-role --role-name <role name> --query Role.AssumeRolePolicyDocument"
    )


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
def test_no_advice_changes_by_hand_what_the_next_roll_out_sets(cause: Any) -> None:  # noqa: ANN401
    words = cause.command.split()

    assert words[:2] not in (["kubectl", "annotate"], ["kubectl", "edit"], ["kubectl", "patch"])
    assert words[:3] != ["kubectl", "set", "env"] or words[-1] == "--list"
