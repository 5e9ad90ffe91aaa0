"""Clients of AWS with which tests prepare data, without the application."""

from typing import Any

import boto3

from cloudmart.local.embedded import REGION


def aws_client(service: str, **options: Any) -> Any:  # noqa: ANN401 - boto3 makes its clients
    """Return a client of boto3. It gets a region, because the environment is that of a pod."""
    return boto3.client(service, **{"region_name": REGION, **options})
