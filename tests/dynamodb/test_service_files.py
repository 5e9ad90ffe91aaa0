"""The SDK's files of services are read as the SDK itself reads them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader
from botocore.regions import EndpointResolver

from cloudmart.dynamodb.service_files import ServiceFiles
from cloudmart.dynamodb.session import new_session

_DATA = Path(Loader.BUILTIN_DATA_PATH)


@pytest.mark.parametrize(
    "name",
    [
        "partitions",
        "sdk-default-configuration",
        "dynamodb/2012-08-10/service-2",
        "dynamodb/2012-08-10/endpoint-rule-set-1",
        "sts/2011-06-15/service-2",
    ],
)
def test_a_file_says_what_it_says_to_the_sdk(name: str) -> None:
    path = str(_DATA / name)

    assert ServiceFiles().load_file(path) == JSONFileLoader().load_file(path)


def test_all_services_have_the_endpoints_that_the_sdk_finds() -> None:
    path = str(_DATA / "endpoints")
    ours, theirs = (reader.load_file(path) for reader in (ServiceFiles(), JSONFileLoader()))

    assert [_plain(each) for each in ours["partitions"]] == theirs["partitions"]
    for service in ("dynamodb", "sts", "s3", "a-service-of-tomorrow"):
        for region in ("us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "xx-new-1"):
            found, expected = (
                EndpointResolver(each).construct_endpoint(service, region)
                for each in (ours, theirs)
            )
            assert found == expected


def test_the_first_file_of_a_name_counts_and_a_missing_one_is_none(tmp_path: Path) -> None:
    (tmp_path / "both.json").write_text('{"compressed": false}', encoding="utf-8")
    for name in ("both", "one"):
        (tmp_path / f"{name}.json.gz").write_bytes(gzip.compress(b'{"compressed": true}'))
    reader = ServiceFiles()

    assert reader.load_file(str(tmp_path / "both")) == {"compressed": False}
    assert reader.load_file(str(tmp_path / "one")) == {"compressed": True}
    assert reader.load_file(str(tmp_path / "neither")) is None


@pytest.mark.parametrize("content", ["", "no JSON", "[1, 2"])
def test_a_damaged_file_is_refused_as_the_sdk_refuses_it(content: str, tmp_path: Path) -> None:
    for name in ("service-2", "endpoints"):
        (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")

        with pytest.raises(json.JSONDecodeError) as ours:
            ServiceFiles().load_file(str(tmp_path / name))
        with pytest.raises(json.JSONDecodeError) as theirs:
            JSONFileLoader().load_file(str(tmp_path / name))
        assert str(ours.value) == str(theirs.value)


def test_endpoints_of_another_form_are_left_to_the_sdk(tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_text('{"version": 9}', encoding="utf-8")

    assert ServiceFiles().load_file(str(tmp_path / "endpoints")) == {"version": 9}


def test_a_session_reads_with_it() -> None:
    core = new_session()._session  # noqa: SLF001 - aioboto3 shows it to nobody

    assert isinstance(core.get_component("data_loader").file_loader, ServiceFiles)


def _plain(partition: dict[str, Any]) -> dict[str, Any]:
    return partition | {"services": dict(partition["services"])}
