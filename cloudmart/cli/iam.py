"""`cloudmart iam`: the permissions that AWS must give, and no others."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Annotated, Any

import botocore.session
import typer

from cloudmart.cli.command_settings import DOTENV, EXIT_CONFIGURATION
from cloudmart.settings import Settings, load_settings
from cloudmart.settings.report import refusal

_HERE = Path(__file__)
# In the wheel beside this module, in the repository where the other manifests are.
_PLACES = (_HERE.parent / "iam_templates", _HERE.parents[2] / "k8s" / "iam")
# Where a profile of Bedrock's may send a request: the model's own name is what follows.
_PROFILE = re.compile(r"(?:global|us-gov|us|eu|apac|au|ca|jp)\.(?P<model>.+)")
# https://sqs.<region>.amazonaws.com/<account>/<name>
_QUEUE = re.compile(r"//sqs\.(?P<region>[^.]+)\.[^/]+/(?P<account>\d{12})/(?P<name>[\w.-]+)$")

Values = Mapping[str, str | None]
Policy = dict[str, Any]

_GROUPS = frozenset({"aws", "bedrock", "dynamodb", "pipeline", "sources"})
# The issuer of a cluster of EKS's tells where it is, and tables are nowhere else by default.
_OF_EKS = re.compile(r"oidc\.eks\.(?P<region>[a-z0-9-]+)\.")


def policies(values: Values) -> dict[str, Policy]:
    """Return each policy by its template's name.

    Parts about things that are not configured are left out: a resource with a value of None, a
    statement without resources, and a statement that `Needs` what is missing.
    """
    (place,) = (place for place in _PLACES if place.is_dir())
    return {
        path.stem: _rendered(json.loads(path.read_text("utf-8")), values)
        for path in sorted(place.glob("*.json"))
    }


def values_of(settings: Settings, account: str, region: str) -> dict[str, str | None]:
    """Return the settings that name resources in an account of AWS."""
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


app = typer.Typer(help="Roles and policies of AWS's IAM.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `render` a subcommand, although it is the only one."""


def _account(value: str) -> str:
    if not re.fullmatch(r"\d{12}", value):
        raise typer.BadParameter("an AWS account's number has 12 digits")
    return value


def _provider(value: str) -> str:
    bare = value.removeprefix("https://").rstrip("/")
    bare = re.sub(r"^arn:[\w-]+:iam::\d{12}:oidc-provider/", "", bare)
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/[\w.-]+)*", bare):
        raise typer.BadParameter("give the issuer's address or the provider's ARN")
    return bare


def _namespace(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise typer.BadParameter("not a namespace's name")
    return value


@app.command()
def render(
    which: Annotated[
        str | None,
        typer.Argument(help="Print only this one: serve, operator or doctor."),
    ] = None,
    *,
    account: Annotated[str, typer.Option(callback=_account, help="The AWS account's number.")],
    oidc_provider: Annotated[
        str, typer.Option(callback=_provider, help="The cluster's OpenID Connect issuer.")
    ],
    namespace: Annotated[
        str, typer.Option(callback=_namespace, help="The namespace of the service.")
    ] = "default",
    directory: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Write files to this folder, and print nothing."),
    ] = None,
) -> None:
    """Print the trust and permission policies of the service, the operator's Job and the doctor.

    The names in them (tables, Bedrock's agent or model, the pipeline, the secret, the region unless
    the issuer names it) come from the variables that the service reads. The command does not call
    AWS.
    """
    loaded = load_settings(os.environ, dotenv=DOTENV)
    found = (*loaded.report.refusals, *loaded.report.tolerated)
    if faults := [fault for fault in found if fault.variable.group in _GROUPS]:
        typer.echo(refusal(faults), err=True, nl=False)
        raise typer.Exit(EXIT_CONFIGURATION)
    issuer = _OF_EKS.match(oidc_provider)
    region = loaded.settings.aws.region or (issuer and issuer["region"])
    if region is None:
        typer.echo("The region of the tables is not known. Set AWS_REGION.", err=True)
        raise typer.Exit(EXIT_CONFIGURATION)
    cluster = {"oidc_provider": oidc_provider, "namespace": namespace}
    rendered = policies(values_of(loaded.settings, account, region) | cluster)
    if which is not None:
        chosen = {name: each for name, each in rendered.items() if name.partition("-")[0] == which}
        if not chosen:
            raise typer.BadParameter(f"there is no policy {which!r}", param_hint="WHICH")
        rendered = chosen
    if directory is None:
        typer.echo(json.dumps(rendered, indent=2))
        return
    directory.mkdir(parents=True, exist_ok=True)
    for name, policy in rendered.items():
        (directory / f"{name}.json").write_text(f"{json.dumps(policy, indent=2)}\n", "utf-8")
