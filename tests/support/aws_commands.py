"""Runs a command of the AWS CLI from the text of a finding with boto3: `aws iam get-role …`."""

import re
import shlex
from typing import Any, Protocol

from botocore import xform_name


class MakesClients(Protocol):
    """Makes the clients that run the command."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's
        """Return a client of a service."""
        ...


def commands_in(text: str) -> list[str]:
    """Return the commands between backticks in a text."""
    return re.findall(r"`([^`]+)`", text)


def run_aws(command: str, account: MakesClients) -> None:
    """Run a command."""
    program, service, operation, *words = shlex.split(command)
    assert program == "aws"
    client = account.client(service)
    (name,) = (
        each
        for each in client.meta.service_model.operation_names
        if xform_name(each, "-") == operation.replace("open-id", "open-id")
    )
    members = client.meta.service_model.operation_model(name).input_shape.members
    known = {xform_name(each, "-"): each for each in members}
    given: dict[str, Any] = {}
    for word in words:
        if word.startswith("--"):
            current = known[word.removeprefix("--")]
            continue
        listed = members[current].type_name == "list"
        given[current] = [*given.get(current, []), word] if listed else word
    getattr(client, xform_name(name))(**given)
