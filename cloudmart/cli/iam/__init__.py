"""`cloudmart iam`: what AWS must allow, and nothing else."""

import json
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from cloudmart.cli.configured import DOTENV, EXIT_CONFIGURATION
from cloudmart.cli.iam.policies import policies, values_of
from cloudmart.settings import load_settings
from cloudmart.settings.refusal import refusal

app = typer.Typer(help="Roles and policies of AWS's IAM.", no_args_is_help=True)

_GROUPS = frozenset({"aws", "bedrock", "dynamodb", "pipeline", "sources"})
# The issuer of a cluster of EKS's tells where it is, and tables are nowhere else by default.
_OF_EKS = re.compile(r"oidc\.eks\.(?P<region>[a-z0-9-]+)\.")


@app.callback()
def _group() -> None:
    """Keep `render` a word of its own though it is the only command."""


def _account(value: str) -> str:
    if not re.fullmatch(r"\d{12}", value):
        raise typer.BadParameter("an AWS account's number has 12 digits")
    return value


def _provider(value: str) -> str:
    bare = value.removeprefix("https://").rstrip("/")
    bare = re.sub(r"^arn:[\w-]+:iam::\d{12}:oidc-provider/", "", bare)
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(/[\w.-]+)*", bare):
        raise typer.BadParameter("it is the issuer's address or the provider's ARN")
    return bare


def _namespace(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise typer.BadParameter("not a namespace's name")
    return value


@app.command()
def render(
    account: Annotated[str, typer.Option(callback=_account, help="The AWS account's number.")],
    oidc_provider: Annotated[
        str, typer.Option(callback=_provider, help="The cluster's OpenID Connect issuer.")
    ],
    namespace: Annotated[
        str, typer.Option(callback=_namespace, help="Where the service runs.")
    ] = "default",
    directory: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a file for each policy instead.")
    ] = None,
) -> None:
    """Print the trust and permission policies of the service and of the operator's Job.

    What they are about (tables, Bedrock's agent or model, the pipeline, the secret, the region
    unless the issuer names it) is read from the variables that the service reads. Nothing is asked
    of AWS.
    """
    loaded = load_settings(os.environ, dotenv=DOTENV)
    found = (*loaded.report.refusals, *loaded.report.tolerated)
    if faults := [fault for fault in found if fault.variable.group in _GROUPS]:
        typer.echo(refusal(faults), err=True, nl=False)
        raise typer.Exit(EXIT_CONFIGURATION)
    issuer = _OF_EKS.match(oidc_provider)
    region = loaded.settings.aws.region or (issuer and issuer["region"])
    if region is None:
        typer.echo("In which region are the tables? Set AWS_REGION.", err=True)
        raise typer.Exit(EXIT_CONFIGURATION)
    cluster = {"oidc_provider": oidc_provider, "namespace": namespace}
    rendered = policies(values_of(loaded.settings, account, region) | cluster)
    if directory is None:
        typer.echo(json.dumps(rendered, indent=2))
        return
    directory.mkdir(parents=True, exist_ok=True)
    for name, policy in rendered.items():
        (directory / f"{name}.json").write_text(f"{json.dumps(policy, indent=2)}\n", "utf-8")
