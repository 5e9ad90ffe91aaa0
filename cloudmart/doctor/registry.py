"""All checks of the doctor, area by area, and the catalogue of what they find."""

from functools import cache
from pathlib import Path

from cloudmart.doctor import (
    azure,
    bedrock,
    configuration,
    dynamodb,
    edge,
    identity,
    kubernetes,
    lifecycle,
    openai,
    pipeline,
    pods,
    startup,
    traffic,
    trust,
)
from cloudmart.doctor.check import DoctorCheck
from cloudmart.findings.catalogue import FindingCatalogue, read_catalogue

CHECKS: tuple[DoctorCheck, ...] = (
    *configuration.CHECKS,
    *identity.CHECKS,
    *trust.CHECKS,
    *dynamodb.CHECKS,
    *openai.CHECKS,
    *bedrock.CHECKS,
    *azure.CHECKS,
    *pipeline.CHECKS,
    *kubernetes.CHECKS,
    *pods.CHECKS,
    *startup.CHECKS,
    *traffic.CHECKS,
    *edge.CHECKS,
    *lifecycle.CHECKS,
)


@cache
def catalogue() -> FindingCatalogue:
    """Return the catalogue of the doctor's findings."""
    return read_catalogue(Path(__file__).parent / "catalogue.toml")
