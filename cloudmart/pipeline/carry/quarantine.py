"""The quarantine as an S3 bucket: an object for each record, by the day it happened."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.ports import Quarantined

PREFIX = "quarantine/"


class S3QuarantineIntake:
    """Puts records into a bucket of S3, which is all that the Lambda may."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def put(self, held: Quarantined) -> None:
        """Keep a record, whole, with what is wrong with it."""
        with translate_s3_errors():
            answer = self.client.put_object(
                Bucket=self.bucket,
                Key=key_of(held),
                Body=json.dumps(asdict(held), default=str).encode(),
                ContentType="application/json",
            )
            if not answer.get("ETag"):
                # A page of something on the way is read as an empty answer.
                raise ValueError("an answer is not that of S3: it has no ETag")

    @cached_property
    def client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """The client of S3, opened when it is needed first."""
        # Only here, since it takes a quarter of a second that few starts of the Lambda need.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        retries = {"mode": "standard", "total_max_attempts": 3}
        return boto3.client(
            "s3",
            # boto3 by itself reads AWS_DEFAULT_REGION only.
            region_name=os.environ.get("AWS_REGION") or None,
            config=Config(connect_timeout=2, read_timeout=5, retries=retries),
        )


def key_of(held: Quarantined) -> str:
    """Return the name of a record's object."""
    # By the event alone, so that one that is delivered again is still one object.
    change = held.record.get("dynamodb")
    told = change.get("ApproximateCreationDateTime") if isinstance(change, dict) else None
    return f"{PREFIX}{_day(told)}/{re.sub(r'[^A-Za-z0-9_-]', '_', held.event_id)}.json"


def _day(told: object) -> str:
    try:
        return datetime.fromtimestamp(float(str(told)), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return "undated"


@contextmanager
def translate_s3_errors() -> Iterator[None]:
    """Raise UnavailableError for whatever boto3 raises, and for what is no answer of S3's."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - as above

    try:
        yield
    except (
        BotoCoreError,
        ClientError,
        ResponseParserError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise UnavailableError("The quarantine's bucket does not answer.") from error
