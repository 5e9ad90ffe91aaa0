"""How the command line treats the data store."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from cloudmart.cli.data_store_errors import explanation, store_retry, told
from cloudmart.errors import ConflictError, UnavailableError
from cloudmart.health.causes import Cause, DependencyError, all_causes
from cloudmart.health.causes.credentials import HALF_SET


class Flaky:
    """Fails some times before it answers."""

    def __init__(self, error: Exception, times: int) -> None:
        self._error = error
        self._times = times
        self.calls = 0

    async def ask(self) -> str:
        """Return an answer, or fail."""
        self.calls += 1
        if self.calls <= self._times:
            raise self._error
        return "answer"


def _away(cause: Exception | None) -> UnavailableError:
    error = UnavailableError("Away.")
    error.__cause__ = cause
    return error


def _refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No."}}, "GetItem")


@pytest.mark.parametrize(
    "cause",
    [
        None,
        TimeoutError(),
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        _refused("ProvisionedThroughputExceededException"),
        _refused("InternalServerError"),
    ],
)
async def test_a_temporary_error_is_retried_and_each_wait_is_reported(
    cause: Exception | None,
) -> None:
    told: list[str] = []
    flaky = Flaky(_away(cause), times=2)

    answer: str = await store_retry(told.append)(flaky.ask)

    assert (answer, flaky.calls, len(told)) == ("answer", 3, 2)


@pytest.mark.parametrize(
    "error",
    [
        _away(NoCredentialsError()),
        _away(_refused("AccessDeniedException")),
        _away(_refused("ResourceNotFoundException")),
        ConflictError("Taken."),
        ZeroDivisionError(),
    ],
)
async def test_a_permanent_error_is_not_retried(error: Exception) -> None:
    flaky = Flaky(error, times=1)

    with pytest.raises(type(error)):
        await store_retry(print)(flaky.ask)

    assert flaky.calls == 1


async def test_patience_ends_with_the_error_itself() -> None:
    flaky = Flaky(_away(None), times=1000)

    with pytest.raises(UnavailableError):
        await store_retry(print, patience=0.01)(flaky.ask)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            _away(_refused("AccessDeniedException")),
            "DynamoDB cannot be used: the permission dynamodb:GetItem is missing.",
        ),
        (
            _away(_refused("ResourceNotFoundException")),
            "DynamoDB cannot be used: the table does not exist. `cloudmart tables apply` makes it.",
        ),
        (
            _away(_refused("ThrottlingException")),
            "DynamoDB cannot be used: GetItem: ThrottlingException: No.",
        ),
        (_away(TimeoutError()), "DynamoDB cannot be used: TimeoutError."),
        (
            NoCredentialsError(),
            (
                "DynamoDB cannot be used: there are no AWS credentials: sign in (`aws sso login`), "
                "name a profile with AWS_PROFILE, or set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY."
            ),
        ),
        (_away(None), "Away."),
    ],
)
def test_an_operator_sees_the_cause(
    error: UnavailableError | NoCredentialsError, sentence: str
) -> None:
    assert explanation(error) == sentence


def test_a_person_gets_no_advice_about_pods_and_a_pod_none_about_signing_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    obstacle = DependencyError(HALF_SET, {"variable": "AWS_ACCESS_KEY_ID"})

    by_hand = told(obstacle)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    in_a_pod = told(obstacle)

    assert "sign in: `aws sso login`" in by_hand
    assert "Remove both: the pod should use its role." in in_a_pod


@pytest.mark.parametrize(
    "cause",
    [each for group in all_causes().values() for each in group if each.by_hand],
    ids=lambda cause: cause.code,
)
def test_what_a_person_does_on_their_own_machine_names_no_pod(cause: Cause) -> None:
    assert "pod" not in cause.sentence + cause.by_hand
