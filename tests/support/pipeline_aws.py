"""The parts of the pipeline in AWS: a fake of Lambda at the wire, and moto behind a proxy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cloudmart.settings import PipelineSettings
from tests.support.aws import aws_client
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.scripted_server import LoopbackServer, Reply, Request, loopback

FUNCTION = "shop-orders-to-bigquery"
ACCOUNT = "210987654321"


class PipelineAws:
    """A function with its mappings, failure queue, quarantine and metrics."""

    def __init__(self, functions: LoopbackServer, proxy: FaultProxy, name: str) -> None:
        self.functions = functions
        self.proxy = proxy
        self.mappings: list[dict[str, Any]] = []
        self.refusal: Reply | None = None
        functions.answer = self._answer
        self._sqs, self._s3, self._cloudwatch = (
            aws_client(service, endpoint_url=proxy.engine)
            for service in ("sqs", "s3", "cloudwatch")
        )
        self.function = f"{FUNCTION}-{name}"
        self.bucket = f"quarantine-{name}"
        self._s3.create_bucket(Bucket=self.bucket)
        self.queue = self._sqs.create_queue(QueueName=f"failures-{name}")["QueueUrl"]

    @property
    def settings(self) -> PipelineSettings:
        """Settings that name all of it."""
        return PipelineSettings(
            function=self.function, failure_queue=self.queue, quarantine_bucket=self.bucket
        )

    def read(self, stream: str, state: str = "Enabled", result: str | None = "OK") -> None:
        """Let the function read a stream."""
        self.mappings = [
            {
                "UUID": "91eaeb7e-c976-1234-9451-8709db01f137",
                "EventSourceArn": stream,
                "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{self.function}",
                "State": state,
                **({} if result is None else {"LastProcessingResult": result}),
            }
        ]

    def fail(self, number: int) -> None:
        """Put failed batches into the queue."""
        for _ in range(number):
            self._sqs.send_message(QueueUrl=self.queue, MessageBody="{}")

    def quarantine(self, number: int) -> None:
        """Put records that cannot become a row into the bucket."""
        for each in range(number):
            self._s3.put_object(Bucket=self.bucket, Key=f"quarantine/{each}.json", Body=b"{}")

    def age(self, milliseconds: float) -> None:
        """Give CloudWatch a value of the iterator's age."""
        metric = {
            "MetricName": "IteratorAge",
            "Dimensions": [{"Name": "FunctionName", "Value": self.function}],
            "Timestamp": datetime.now(UTC),
            "Value": milliseconds,
            "Unit": "Milliseconds",
        }
        self._cloudwatch.put_metric_data(Namespace="AWS/Lambda", MetricData=[metric])

    def _answer(self, request: Request) -> Reply:
        if self.refusal:
            return self.refusal
        url = urlsplit(request.path)
        assert url.path == "/2015-03-31/event-source-mappings"
        assert parse_qs(url.query)["FunctionName"] == [self.function]
        return Reply.json(200, {"EventSourceMappings": self.mappings})


def refused(status: int, code: str) -> Reply:
    """Return an error in Lambda's form, with a message that must stay private."""
    message = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/shop/pod is not authorized"
    return Reply(
        status,
        {"content-type": "application/json", "x-amzn-ErrorType": code},
        [json.dumps({"Message": message, "Type": "User"}).encode()],
    )


@contextmanager
def pipeline_aws(moto: str, name: str) -> Iterator[PipelineAws]:
    """Serve all parts while the context lasts."""
    with loopback() as functions, fault_proxy(moto) as proxy:
        yield PipelineAws(functions, proxy, name)
