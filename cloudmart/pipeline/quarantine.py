"""The quarantine as an S3 bucket: an object for each record, by the day it happened."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from cloudmart.errors import UnavailableError
from cloudmart.pipeline.ports import Quarantined, RowFault

PREFIX = "quarantine/"


class S3Quarantine:
    """Keeps records in a bucket of S3."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def put(self, held: Quarantined) -> None:
        """Keep a record, whole, with what is wrong with it."""
        with _translated():
            self._client.put_object(
                Bucket=self._bucket,
                Key=_key(held),
                Body=json.dumps(asdict(held), default=str).encode(),
                ContentType="application/json",
            )

    def held(self) -> Iterator[Quarantined]:
        """Yield what is kept, by the day it happened."""
        with _translated():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=PREFIX):
                for each in page.get("Contents", []):
                    answer = self._client.get_object(Bucket=self._bucket, Key=each["Key"])
                    told = json.loads(answer["Body"].read())
                    yield Quarantined(**told | {"fault": RowFault(**told["fault"])})

    def release(self, held: Quarantined) -> None:
        """Keep a record no longer."""
        with _translated():
            self._client.delete_object(Bucket=self._bucket, Key=_key(held))

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        # Only here, since it takes a quarter of a second that few starts of the Lambda need.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        retries = {"mode": "standard", "total_max_attempts": 3}
        return boto3.client("s3", config=Config(connect_timeout=2, read_timeout=5, retries=retries))


def _key(held: Quarantined) -> str:
    # By the event alone, so that one that is delivered again is still one object.
    told = held.record.get("dynamodb", {}).get("ApproximateCreationDateTime")
    day = datetime.fromtimestamp(told, UTC).date().isoformat() if _is_time(told) else "undated"
    return f"{PREFIX}{day}/{re.sub(r'[^A-Za-z0-9_-]', '_', held.event_id)}.json"


def _is_time(told: object) -> bool:
    return (
        isinstance(told, int | float) and 0 <= told < datetime.max.replace(tzinfo=UTC).timestamp()
    )


@contextmanager
def _translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError("The quarantine's bucket does not answer.") from error
