"""The DynamoDB of the benchmarks: AWS's DynamoDB Local, or the embedded one without it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from cloudmart.local.embedded import embedded_dynamodb
from tests.support.dynamodb_local import HOME, dynamodb_local


class Engine(StrEnum):
    """The available engines."""

    BEST = "best"
    LOCAL = "local"
    EMBEDDED = "embedded"


@contextmanager
def dynamodb(engine: Engine) -> Iterator[str]:
    """Run an engine for all processes that are started in the context, and return its name."""
    local = engine is Engine.LOCAL or (engine is Engine.BEST and _to_be_had())
    # The embedded engine is a thread of this process, which does nothing else during a measurement.
    with dynamodb_local() if local else embedded_dynamodb() as url:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = url
        yield "AWS's DynamoDB Local" if local else "the embedded DynamoDB (moto), which is slow"


def _to_be_had() -> bool:
    return shutil.which("java") is not None and (HOME / "DynamoDBLocal.jar").exists()
