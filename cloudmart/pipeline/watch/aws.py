"""The pipeline's state by Lambda, its failure queue and its metrics."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from cloudmart.dynamodb.session import AwsClient
from cloudmart.pipeline.models import MappingStatus
from cloudmart.pipeline.unknown import UnknownError, why_of_aws
from cloudmart.retry import REQUEST_ATTEMPTS
from cloudmart.settings import PipelineSettings

_CONFIG = AioConfig(
    connect_timeout=1,
    read_timeout=2.5,
    retries={"mode": "standard", "total_max_attempts": REQUEST_ATTEMPTS},
    user_agent="cloudmart",
)
# No answer, a refusal, or what something on the way sent instead of the answer.
_FAILURES = (
    *(BotoCoreError, ClientError, ResponseParserError, AiohttpError, OSError, RuntimeError),
    *(AttributeError, KeyError, TypeError, ValueError),
)
_NAMES = {
    "lambda": ("Lambda", "PIPELINE_FUNCTION"),
    "sqs": ("SQS", "PIPELINE_FAILURE_QUEUE"),
    "cloudwatch": ("CloudWatch", "PIPELINE_FUNCTION"),
    "s3": ("S3", "PIPELINE_QUARANTINE_BUCKET"),
}
_ARN = re.compile(r"arn:\S+|https?://\S+|\b\d{12}\b")
_MINUTES = 10
_WAITING = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
MOST_COUNTED = 1000
PREFIX = "quarantine/"


class AwsTransport:
    """An event source mapping, the function behind it, and what they gave up."""

    def __init__(self, session: aioboto3.Session, settings: PipelineSettings) -> None:
        self._session = session
        self._settings = settings
        self._clients: dict[str, tuple[Any, AsyncExitStack]] = {}
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close what was opened."""
        for name in list(self._clients):
            await self._forget(name)

    async def mapping(self, table: str, stream: str | None) -> MappingStatus:
        """Return the state of the event source mapping that reads a table's stream."""
        function = _told("PIPELINE_FUNCTION", self._settings.function)
        async with self._client("lambda") as client:
            answer = await client.list_event_source_mappings(FunctionName=function)
            found = answer["EventSourceMappings"]
            of_table = [each for each in found if _reads(each, table)]
            for each in of_table:
                if stream in {None, each["EventSourceArn"]}:
                    return _status(each, each["State"])
            # A stream that was switched off and on again is another one, which nobody reads.
            for each in of_table:
                return _status(each, "Detached")
        return MappingStatus(state="Missing", last_result=None, iterator_age_seconds=None)

    async def iterator_age(self) -> float:
        """Return the greatest age of the last minute that CloudWatch knows of."""
        function = _told("PIPELINE_FUNCTION", self._settings.function)
        until = datetime.now(UTC)
        metric = {
            "Namespace": "AWS/Lambda",
            "MetricName": "IteratorAge",
            "Dimensions": [{"Name": "FunctionName", "Value": function}],
        }
        query = {"Id": "age", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
        async with self._client("cloudwatch") as client:
            answer = await client.get_metric_data(
                MetricDataQueries=[query],
                StartTime=until - timedelta(minutes=_MINUTES),
                EndTime=until + timedelta(minutes=1),
                ScanBy="TimestampDescending",
            )
            for result in answer["MetricDataResults"]:
                for milliseconds in result["Values"]:
                    return float(milliseconds) / 1000
        raise UnknownError(
            f"CloudWatch has no figure of the last {_MINUTES} minutes: no record was read."
        )

    async def queued(self) -> int:
        """Return how many batches are in the failure queue, taken for a look or not."""
        queue = _told("PIPELINE_FAILURE_QUEUE", self._settings.failure_queue)
        async with self._client("sqs") as client:
            answer = await client.get_queue_attributes(QueueUrl=queue, AttributeNames=_WAITING)
            return sum(int(answer["Attributes"][name]) for name in _WAITING)

    async def quarantined(self) -> int:
        """Return how many objects the quarantine holds, counted up to 1000."""
        bucket = _told("PIPELINE_QUARANTINE_BUCKET", self._settings.quarantine_bucket)
        async with self._client("s3") as client:
            answer = await client.list_objects_v2(
                Bucket=bucket, Prefix=PREFIX, MaxKeys=MOST_COUNTED
            )
            return int(answer["KeyCount"])

    @asynccontextmanager
    async def _client(self, name: str) -> AsyncIterator[Any]:
        service, setting = _NAMES[name]
        try:
            yield await self._opened(name)
        except _FAILURES as error:
            if isinstance(error, NoCredentialsError):
                # A client that found none when it was made never looks again.
                await self._forget(name)
            raise UnknownError(why_of_aws(service, name, error, setting)) from error

    async def _opened(self, name: str) -> AwsClient:
        async with self._opening:
            if name not in self._clients:
                stack, region = AsyncExitStack(), self._session.region_name
                client = self._session.client(name, config=_CONFIG, region_name=region)
                self._clients[name] = await stack.enter_async_context(client), stack
            return self._clients[name][0]

    async def _forget(self, name: str) -> None:
        client = self._clients.pop(name, None)
        if client is not None:
            await client[1].aclose()


def _told(variable: str, value: str | None) -> str:
    if value is None:
        raise UnknownError(f"{variable} is not set.")
    return value


def _status(mapping: Mapping[str, Any], state: str) -> MappingStatus:
    said = mapping.get("LastProcessingResult")
    result = None if said is None else _ARN.sub("…", said)
    return MappingStatus(state=state, last_result=result, iterator_age_seconds=None)


def _reads(mapping: Mapping[str, Any], table: str) -> bool:
    return f":table/{table}/stream/" in mapping.get("EventSourceArn", "")


class PipelineTransport(Protocol):
    """Reports the progress of the stream's records, or raises UnknownError."""

    async def mapping(self, table: str, stream: str | None) -> MappingStatus:
        """Return the state of what reads a table's stream, without its iterator age.

        `stream` is the ARN of the one the table has now, or None where that is not known.
        """
        ...

    async def iterator_age(self) -> float:
        """Return how old the records were that were read last, in seconds."""
        ...

    async def queued(self) -> int:
        """Return how many batches were given up and wait in the failure queue."""
        ...

    async def quarantined(self) -> int:
        """Return how many records cannot become a row, counted up to 1000."""
        ...
