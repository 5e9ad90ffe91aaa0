"""`cloudmart dev`: the shop on a person's machine, with no cloud account."""

import os
from typing import Annotated

import typer

from cloudmart.cli.configured import DOTENV, warn
from cloudmart.cli.serve import listen
from cloudmart.observability.logging import configure_logging
from cloudmart.settings import Environment, load_settings


def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 5000,
    *,
    empty: Annotated[bool, typer.Option("--empty", help="Without the sample catalogue.")] = False,
) -> None:
    """Run the shop with an embedded DynamoDB and a sample catalogue."""
    from cloudmart.local.embedded import REGION, embedded_dynamodb  # noqa: PLC0415 - not in `serve`

    configure_logging(json=False)
    with embedded_dynamodb() as url:
        os.environ |= {
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
        told = {**os.environ, "ENVIRONMENT": Environment.LOCAL, "PORT": str(port)}
        loaded = load_settings(told, secrets={}, dotenv=DOTENV)
        warn(loaded.report)
        _ = empty
        listen(loaded.settings, host="127.0.0.1")
