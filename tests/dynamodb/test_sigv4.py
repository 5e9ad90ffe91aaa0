"""Signatures, compared with AWS's published examples and with botocore's signer."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from cloudmart.dynamodb.sigv4 import SigningKey, UnsignedRequest, signed_headers

# From AWS's "Signature Version 4 test suite" (aws-sig-v4-test-suite): its key, time and host.
EXAMPLE = SigningKey(
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"
)
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
HOST = {"host": "example.amazonaws.com"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "headers", "body", "signature"),
    [
        (
            "GET",
            {},
            b"",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "POST",
            {},
            b"",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "POST",
            FORM,
            b"Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "post-x-www-form-urlencoded"],
)
def test_aws_published_examples_get_their_signature(
    method: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    added = signed_headers(EXAMPLE, UnsignedRequest(HOST | headers, body, method), NOW)

    names = ";".join(sorted([*headers, "host", "x-amz-date"]))
    assert added == {
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}",
    }


TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(
    secret=TEXT,
    token=st.none() | TEXT,
    region=st.sampled_from(["eu-central-1", "us-gov-west-1", "cn-north-1", "local"]),
    operation=st.sampled_from(["GetItem", "PutItem", "BatchGetItem", "Query"]),
    body=st.binary(max_size=2000),
    now=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - below
)
def test_a_signature_is_the_one_that_botocore_makes(  # noqa: PLR0913, PLR0917 - what is drawn
    secret: str, token: str | None, region: str, operation: str, body: bytes, now: datetime
) -> None:
    headers = {
        "host": f"dynamodb.{region}.amazonaws.com",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"DynamoDB_20120810.{operation}",
    }
    key = SigningKey("AKIDEXAMPLE", secret, region, "dynamodb", token)

    added = signed_headers(key, UnsignedRequest(headers, body), now.replace(tzinfo=UTC))

    authorization = added.pop("authorization")
    theirs = AWSRequest("POST", f"https://{headers['host']}/", {**headers, **added}, body)
    theirs.context["timestamp"] = added["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", secret, token), "dynamodb", region)
    to_sign = signer.string_to_sign(theirs, signer.canonical_request(theirs))
    assert authorization.endswith(f"Signature={signer.signature(to_sign, theirs)}")
