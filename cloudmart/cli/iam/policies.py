"""The policies of IAM, rendered for one account from the templates in `k8s/iam`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import botocore.session

from cloudmart.settings import Settings

_HERE = Path(__file__)
# In the wheel beside this module, in the repository where the other manifests are.
_PLACES = (_HERE.parent / "templates", _HERE.parents[3] / "k8s" / "iam")
# Where a profile of Bedrock's may send a request: the model's own name is what follows.
_PROFILE = re.compile(r"(?:global|us-gov|us|eu|apac|au|ca|jp)\.(?P<model>.+)")
# https://sqs.<region>.amazonaws.com/<account>/<name>
_QUEUE = re.compile(r"//sqs\.(?P<region>[^.]+)\.[^/]+/(?P<account>\d{12})/(?P<name>[\w.-]+)$")

Values = Mapping[str, str | None]
Policy = dict[str, Any]


def policies(values: Values) -> dict[str, Policy]:
    """Return each policy by its template's name.

    What is about something that is not configured is left out: a resource one of whose values is
    None, and a statement that is left with none, or `Needs` what is not there.
    """
    (place,) = (place for place in _PLACES if place.is_dir())
    return {
        path.stem: _rendered(json.loads(path.read_text("utf-8")), values)
        for path in sorted(place.glob("*.json"))
    }


def values_of(settings: Settings, account: str, region: str) -> dict[str, str | None]:
    """Return what settings tell of what the service uses in an account of AWS."""
    bedrock, secret, model = settings.bedrock, settings.sources.secret_id, settings.bedrock.model_id
    partition = botocore.session.get_session().get_partition_for_region(region)
    named = model if model and not model.startswith("arn:") else None
    profile = _PROFILE.fullmatch(named or "")
    return {
        "partition": partition,
        "account": account,
        "region": region,
        **settings.dynamodb.model_dump(),
        "bedrock_region": bedrock.region or region,
        "agent_id": bedrock.agent_id,
        "agent_alias_id": bedrock.agent_alias_id,
        "foundation_model": profile["model"] if profile else named,
        "inference_profile": named if profile else None,
        "model_arn": model if model != named else None,
        "function": settings.pipeline.function,
        "queue_arn": _arn_of_queue(settings.pipeline.failure_queue, partition),
        "bucket": settings.pipeline.quarantine_bucket,
        "secret_arn": _arn(secret, f"arn:{partition}:secretsmanager:{region}:{account}"),
    }


def _arn(secret: str | None, where: str) -> str | None:
    # AWS adds a dash and six characters to the names of secrets.
    named = secret and not secret.startswith("arn:")
    return f"{where}:secret:{secret}-??????" if named else secret


def _arn_of_queue(address: str | None, partition: str) -> str | None:
    found = _QUEUE.search(address or "")
    return found and f"arn:{partition}:sqs:{found['region']}:{found['account']}:{found['name']}"


def _rendered(policy: Policy, values: Values) -> Policy:
    statements = [_filled(statement, values) for statement in policy["Statement"]]
    kept = [
        each
        for each in statements
        # IAM knows no `Needs`, and a trust policy has no `Resource`.
        if each.pop("Needs", True) and each.get("Resource", True)
    ]
    return policy | {"Statement": kept}


def _filled(node: Any, values: Values) -> Any:  # noqa: ANN401 - any JSON
    match node:
        case dict():
            return {_text(key, values): _filled(value, values) for key, value in node.items()}
        case list():
            return [filled for each in node if (filled := _filled(each, values))]
        case _:
            return _text(node, values)


def _text(text: str, values: Values) -> str:
    template = Template(text)
    if any(values[name] is None for name in template.get_identifiers()):
        return ""
    return template.substitute(values)
