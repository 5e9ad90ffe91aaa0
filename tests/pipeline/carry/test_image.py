"""The Lambda as an image, called through a fake of Lambda's runtime API."""

import os
import time

import pytest

from tests.image import engine
from tests.support.bigquery_api import DATASET, PROJECT, TABLE, BigQueryApi
from tests.support.order_stream import OrderStream, latest, order
from tests.support.scripted_server import Fault, Reply, loopback

pytestmark = pytest.mark.image

RUNTIME = "/2018-06-01/runtime/invocation"
_PATIENCE = 60


def test_a_batch_that_lambda_hands_over_becomes_rows(
    orders: OrderStream, api: BigQueryApi, bucket: str
) -> None:
    engine.make_base()
    image = engine.build("lambda")
    orders.put(order(1))
    batch = Reply.json(
        200,
        {"Records": orders.events()},
        Lambda_Runtime_Aws_Request_Id="one",
        Lambda_Runtime_Deadline_Ms=str(int(time.time() + 60) * 1000),
        Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:eu-central-1:1:function:carry",
    )

    with loopback() as lambdas:
        lambdas.play(batch, Reply.json(202, {"status": "OK"}), Reply(chunks=[Fault.HANG]))
        environ = {
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_ENDP")},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_LAMBDA_FUNCTION_NAME": "carry",
            "AWS_LAMBDA_RUNTIME_API": lambdas.url.removeprefix("http://"),
            "AWS_REGION": "eu-central-1",
            "AWS_SECRET_ACCESS_KEY": "test",
            "BIGQUERY_DATASET_ID": DATASET,
            "BIGQUERY_EMULATOR_HOST": api.server.url,
            "BIGQUERY_TABLE_ID": TABLE,
            "GOOGLE_CLOUD_PROJECT_ID": PROJECT,
            "PIPELINE_QUARANTINE_BUCKET": bucket,
        }
        with engine.container(image, **environ) as container:
            deadline = time.monotonic() + _PATIENCE
            while len(lambdas.requests) < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            log = container.log()

    assert [each.path for each in lambdas.requests] == [
        f"{RUNTIME}/next",
        f"{RUNTIME}/one/response",
        f"{RUNTIME}/next",
    ], log
    assert lambdas.requests[1].json == {"batchItemFailures": []}
    assert latest(api.rows) == orders.state()
