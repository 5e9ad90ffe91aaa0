"""AWS as tests prepare it behind the application's back."""

from typing import Any

import boto3

from cloudmart.local.embedded import REGION


def aws_client(service: str, **options: Any) -> Any:  # noqa: ANN401 - boto3 makes its clients
    """Return a client of boto3's own; the region is told, for the environment is a pod's."""
    return boto3.client(service, **{"region_name": REGION, **options})
