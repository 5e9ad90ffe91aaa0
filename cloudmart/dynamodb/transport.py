"""How the operations on items reach DynamoDB: signed, sent and read without the SDK's layers."""

import asyncio
import os
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import aioboto3
import aiohttp
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004 - the SDK's, which is another than Python's
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import ProxyConfiguration, get_cert_path, mask_proxy_url
from botocore.utils import get_environ_proxies
from yarl import URL

from cloudmart.dynamodb.call_metrics import count_retry
from cloudmart.dynamodb.messages import decode_answer, encode_call
from cloudmart.dynamodb.refusals import DamagedAnswerError, ForeignAnswerError, is_damaged
from cloudmart.dynamodb.session import AwsClient, SessionCredentials
from cloudmart.dynamodb.sigv4 import AwsClock, SigningKey, UnsignedRequest, signed_headers
from cloudmart.retry import REQUEST_ATTEMPTS

OPERATIONS: Mapping[str, str] = {
    "get_item": "GetItem",
    "put_item": "PutItem",
    "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
    "batch_get_item": "BatchGetItem",
    "query": "Query",
    "scan": "Scan",
}
"""The operations on items, by the names that the SDK gives them in Python."""

ANSWER_LOST = "AnswerLost"
"""Marks a refusal before which an earlier attempt may have been carried out."""

_TYPE = "application/x-amz-json-1.0"
_TARGET = "DynamoDB_20120810."
_REQUEST_ID = "x-amzn-requestid"
_NO_ANSWER: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (aiohttp.ClientSSLError, SSLError),
    (aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError, ConnectionClosedError),
    (aiohttp.ConnectionTimeoutError, ConnectTimeoutError),
    (TimeoutError, ReadTimeoutError),
    (aiohttp.ClientConnectorError, EndpointConnectionError),
)
_COST, _COST_OF_TIMEOUT = 5, 10  # tokens of the quota
_LONGEST_WAIT = 1.0  # before the second try, as the SDK's "standard" retries wait

# What the SDK's "standard" retries try again: AWS SDKs and Tools Reference, "Retry behavior".
_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
_RETRIED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_CLOCK_CODES = frozenset({"InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch"})


Parse = Callable[[bytes], Any]
"""Reads the answer of an operation, or raises ValueError."""


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Where requests go, and what their signatures are good for."""

    url: URL
    host: str
    path: str
    proxy: str | None
    region: str
    service: str


@dataclass(slots=True)
class _RetryQuota:
    """Keeps an outage from doubling the load: tokens as the SDK's "standard" retries count them."""

    tokens: int = 500
    most: int = 500

    def take(self, cost: int) -> bool:
        """Return whether there may be another try."""
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def give_back(self, cost: int) -> None:
        """Count a success."""
        self.tokens = min(self.most, self.tokens + cost)


@dataclass(slots=True)
class _Tries:
    """The attempts of a call so far."""

    retried: int = 0
    paid: int = 0
    lost: bool = False
    exhausted: bool = False


class _RefusedError(Exception):
    """DynamoDB answered with an error."""

    def __init__(self, document: dict[str, Any], response: aiohttp.ClientResponse) -> None:
        super().__init__(response.status)
        told = document.pop("__type", None) or response.headers.get("x-amzn-errortype", "")
        message = document.pop("message", None) or document.pop("Message", None) or ""
        code = str(told).rpartition("#")[2].partition(":")[0]
        self.code = code or str(response.status)
        self.message = str(message)
        self.document = document
        self.status = response.status
        self.request_id = response.headers.get(_REQUEST_ID, "")
        self.wrong_time = False


class Transport:
    """Sends the operations on items over its own connections.

    Endpoints and credentials are those of the SDK's session, which finds and renews them. Errors
    are the SDK's, too, so that a handler of errors need not know how a call was sent.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        session: aioboto3.Session,
        client: AwsClient,
        corrected: Callable[[timedelta], None] = lambda _: None,
    ) -> None:
        self._http = http
        self._client = client
        self._credentials = SessionCredentials(session)
        self._clock = AwsClock(corrected)
        self._endpoints: dict[str | None, _Endpoint] = {}
        self._quota = _RetryQuota()

    async def call(
        self, operation: str, parameters: Mapping[str, Any], parse: Parse = decode_answer
    ) -> dict[str, Any]:
        """Call an operation by its Python name, and return its answer, which `parse` reads.

        Raises:
            ClientError: DynamoDB refused.
            ForeignAnswerError: something else answered.
            BotoCoreError: there was no whole answer, or there are no credentials to ask with.
        """
        name = OPERATIONS[operation]
        key = await self._key()
        body = encode_call(parameters)
        tries = _Tries()
        while True:
            try:
                answer = await self._send(name, body, key, parse)
            except _RefusedError as refused:
                cost = self._cost_of(refused)
                if not (cost and self._may_try_again(tries, cost)):
                    raise self._as_sdk(refused, name, tries) from None
                tries.lost |= refused.status in _TRANSIENT_STATUSES
            except (DamagedAnswerError, ConnectionError, HTTPClientError) as error:
                timeout = isinstance(error, ConnectTimeoutError | ReadTimeoutError)
                if not self._may_try_again(tries, _COST_OF_TIMEOUT if timeout else _COST):
                    raise
                tries.lost = True
            else:
                self._quota.give_back(tries.paid or 1)
                return answer
            count_retry(operation, parameters)
            await asyncio.sleep(random.uniform(0, _LONGEST_WAIT))  # noqa: S311 - jitter

    async def close(self) -> None:
        """End the work that runs beside calls."""
        await self._credentials.close()

    def _may_try_again(self, tries: "_Tries", cost: int) -> bool:
        tries.exhausted = tries.retried == REQUEST_ATTEMPTS - 1
        if tries.exhausted or not self._quota.take(cost):
            return False
        tries.paid = cost
        tries.retried += 1
        return True

    def _cost_of(self, refused: "_RefusedError") -> int:
        """Return what another try costs of the quota; 0 where it is no use."""
        worth = (
            refused.code in _RETRIED_CODES
            or refused.status in _TRANSIENT_STATUSES
            or refused.wrong_time
        )
        return _COST if worth else 0

    def _as_sdk(self, refused: "_RefusedError", name: str, tries: "_Tries") -> ClientError:
        """Return a refusal as the SDK raises it, of the class that its readers expect."""
        metadata: dict[str, Any] = {
            "RequestId": refused.request_id,
            "HTTPStatusCode": refused.status,
            "RetryAttempts": tries.retried,
            ANSWER_LOST: tries.lost,
        }
        if tries.exhausted:
            metadata["MaxAttemptsReached"] = True
        told = refused.document | {
            "Error": {"Code": refused.code, "Message": refused.message},
            "ResponseMetadata": metadata,
        }
        error: ClientError = self._client.exceptions.from_code(refused.code)(told, name)
        return error

    async def _key(self) -> tuple[_Endpoint, SigningKey]:
        """Return where a request goes now, and what signs it."""
        frozen = await self._credentials.get()
        endpoint = self._endpoints.get(frozen.account_id)
        if endpoint is None:
            endpoint = await _find_endpoint(self._client)
            self._endpoints = {frozen.account_id: endpoint}
        return endpoint, SigningKey(
            frozen.access_key, frozen.secret_key, endpoint.region, endpoint.service, frozen.token
        )

    async def _send(
        self, name: str, body: bytes, key: tuple[_Endpoint, SigningKey], parse: Parse
    ) -> dict[str, Any]:
        endpoint, signing = key
        headers = {"host": endpoint.host, "content-type": _TYPE, "x-amz-target": _TARGET + name}
        now = self._clock.now()
        headers |= signed_headers(signing, UnsignedRequest(headers, body, path=endpoint.path), now)
        try:
            async with self._http.post(
                endpoint.url,
                data=body,
                headers=headers,
                proxy=endpoint.proxy,
                # What is signed goes to no other host.
                allow_redirects=False,
            ) as response:
                answer = await response.read()
        # aiohttp raises ValueError for an address or a proxy that it does not understand.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _no_answer(error, endpoint) from error
        try:
            return self._read(response, answer, parse)
        except _RefusedError as refused:
            if refused.code in _CLOCK_CODES:
                refused.wrong_time = self._clock.notice(now, response.headers.get("date"))
            raise

    def _read(
        self, response: aiohttp.ClientResponse, answer: bytes, parse: Parse
    ) -> dict[str, Any]:
        headers = response.headers
        if is_damaged(answer, headers):
            raise DamagedAnswerError
        transient = response.status in _TRANSIENT_STATUSES
        if _REQUEST_ID not in headers and not transient:
            msg = f"an answer with status {response.status} has no {_REQUEST_ID}"
            raise ForeignAnswerError(msg)
        document: object
        try:
            document = (parse if response.status == HTTPStatus.OK else decode_answer)(answer)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            if not transient:
                raise ForeignAnswerError("an answer is no JSON object")
            document = {}
        if response.status == HTTPStatus.OK:
            return document
        refused = _RefusedError(document, response)
        if refused.code == str(response.status) and not transient:
            raise ForeignAnswerError(f"an answer with status {response.status} names no error")
        raise refused


@asynccontextmanager
async def open_transport(
    session: aioboto3.Session,
    client: AwsClient,
    corrected: Callable[[timedelta], None] = lambda _: None,
) -> AsyncIterator[Transport]:
    """Provide a transport beside an SDK client, with the client's connection settings."""
    config = client.meta.config
    trusted = _trusted_authorities(session, client)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=config.max_pool_connections, ssl=trusted, keepalive_timeout=12
        ),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=config.connect_timeout, sock_read=config.read_timeout
        ),
        # AWS's own names only; never a password from a .netrc.
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=["Accept", "Accept-Encoding"],
        headers={"user-agent": "cloudmart", "accept-encoding": "identity"},
    ) as http:
        transport = Transport(http, session, client, corrected)
        try:
            yield transport
        finally:
            await transport.close()


async def _find_endpoint(client: AwsClient) -> _Endpoint:
    """Ask the SDK where it would send a request, by its rules and the environment.

    A signed address is the only one of its public answers that says so, and it names the region
    and the service of the signature.
    """
    told = await client.generate_presigned_url(
        "get_item", Params={"TableName": "any", "Key": {"id": {"S": "any"}}}
    )
    parts = urlsplit(told)
    scope = parse_qs(parts.query)["X-Amz-Credential"][0].split("/")
    url = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"
    return _Endpoint(
        URL(url, encoded=True),
        parts.netloc.rpartition("@")[2],
        parts.path or "/",
        # It reads `proxy.example:3128` as an address of HTTP.
        ProxyConfiguration(get_environ_proxies(url)).proxy_url_for(url),
        region=scope[2],
        service=scope[3],
    )


def _trusted_authorities(
    session: aioboto3.Session,
    client: AwsClient,
) -> ssl.SSLContext | bool:
    """Return what trusts the authorities that the SDK trusts: those of a file, or its own."""
    # Reading all authorities takes a while: only where there is TLS.
    if not client.meta.endpoint_url.startswith("https:"):
        return True
    core = session._session  # noqa: SLF001 - aioboto3 shows it to nobody
    bundle = core.get_config_variable("ca_bundle")  # it is AWS_CA_BUNDLE
    if bundle is None:
        bundle = os.environ.get("REQUESTS_CA_BUNDLE")
    try:
        return ssl.create_default_context(cafile=get_cert_path(bundle or True))
    except OSError as error:
        raise HTTPClientError(error=error) from error


def _no_answer(error: Exception, endpoint: _Endpoint) -> Exception:
    """Return the SDK's error for one of aiohttp's, as aiobotocore does."""
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return cast(
            Exception, ProxyConnectionError(proxy_url=mask_proxy_url(endpoint.proxy), error=error)
        )
    for kind, theirs in _NO_ANSWER:
        if isinstance(error, kind):
            return cast(Exception, theirs(endpoint_url=str(endpoint.url), error=error))
    return cast(Exception, HTTPClientError(error=error))
