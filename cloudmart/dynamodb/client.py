"""The process's one DynamoDB client: opened when the service gets ready, replaceable after."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as AiohttpError
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cloudmart.dynamodb.call_metrics import (
    call_span,
    count_retry,
    observe_call,
    outcome_of,
    table_of,
)
from cloudmart.dynamodb.lazy_items import parse_page
from cloudmart.dynamodb.messages import decode_answer
from cloudmart.dynamodb.refusals import (
    DAMAGED,
    PASSING,
    DamagedAnswerError,
    ForeignAnswerError,
)
from cloudmart.dynamodb.session import AwsClient
from cloudmart.dynamodb.transport import (
    ANSWER_LOST,
    OPERATIONS,
    Parse,
    Transport,
    open_transport,
)
from cloudmart.errors import UnavailableError
from cloudmart.observability.tracing import is_recording
from cloudmart.retry import REQUEST_ATTEMPTS

_OF_ONE_TRY = 5 / 7
"""The share of a call's time after which an unanswered attempt is given up for the next."""

PAGES_AT_ONCE = 8
"""Pages of lists that are read at once, over all requests: each takes some megabytes."""

MERGES_AT_ONCE = 2
"""Lists of several keys of which a part is read at once: a page of each key."""

_CONFIG = AioConfig(
    connect_timeout=1,
    # As many as requests and chats are served at once by default. Where MAX_CONCURRENCY and
    # MAX_CHATS let more in, a call may wait for another's connection, within its own time.
    max_pool_connections=768,
    retries={"mode": "standard", "total_max_attempts": REQUEST_ATTEMPTS},
    tcp_keepalive=True,
    # Our own calls are typed and tested; checking them again costs a tenth of each.
    parameter_validation=False,
    # By default the SDK composes it again for each call, which costs about a tenth of it.
    user_agent="cloudmart",
)

# No answer, one that cannot be read, or no credentials to ask with: the SDK does not wrap every
# error of its sources of credentials (a KeyError where an agent answers nonsense, a RuntimeError
# where a
# clock is wrong).
_NO_ANSWER = (BotoCoreError, ResponseParserError, AiohttpError, OSError, KeyError, RuntimeError)
_MEMBERS = {
    "batch_get_item": "Responses",
    "describe_table": "Table",
    "query": "Items",
    "scan": "Items",
}
"""Members of every answer."""

_MEASURED = {"ReturnConsumedCapacity": "TOTAL"}

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
"""Until when the calls of a common budget may take."""

_AWAY = "The shop's data store does not answer at the moment. Please try again."


class Database:
    """One client for the process. `call` returns an answer, or raises an error for the caller."""

    def __init__(
        self,
        session: aioboto3.Session,
        *,
        within: float,
        direct: bool = False,
        corrected: Callable[[timedelta], None] = lambda _: None,
    ) -> None:
        """Take a session, and the seconds that one operation may take, its retry included.

        `corrected` gets the error of our clock when one was found.
        Operations on items skip the SDK's layers if the transport is `direct`.
        """
        self.within = within
        self.pages = asyncio.Semaphore(PAGES_AT_ONCE)
        self.merges = asyncio.Semaphore(MERGES_AT_ONCE)
        self._session = session
        self._direct = direct
        self._corrected = corrected
        self._client: Any = None
        self._transport: Transport | None = None
        self._stack = AsyncExitStack()
        self._retiring: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open a client; a second call replaces it.

        A client made before credentials existed never recovers, so the one that replaces it must
        be new (botocore caches the missing credentials).
        """
        stack = AsyncExitStack()
        config = _CONFIG.merge(AioConfig(read_timeout=self.within * _OF_ONE_TRY))
        client = await stack.enter_async_context(self._session.client("dynamodb", config=config))
        client.meta.events.register("needs-retry.dynamodb", _note_lost_answers)
        transport = None
        if self._direct:
            opening = open_transport(self._session, client, self._corrected)
            transport = await stack.enter_async_context(opening)
        former, self._stack, self._client = self._stack, stack, client
        self._transport = transport
        task = asyncio.create_task(_retire(former, self.within))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        """Close the client; calls fail as unavailable from here on."""
        self._client = None
        await self._stack.aclose()
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)

    @asynccontextmanager
    async def budget(self) -> AsyncIterator[None]:
        """Give several calls together the time of one, and raise UnavailableError when it is up."""
        before = _deadline.get()
        _deadline.set(min(time.perf_counter() + self.within, before))
        try:
            async with asyncio.timeout(self.within):
                yield
        except TimeoutError as error:
            raise UnavailableError(_AWAY) from error
        finally:
            _deadline.set(before)

    @property
    def client(self) -> AwsClient:
        """Return aiobotocore's own client, or raise UnavailableError while none is open."""
        if self._client is None:
            raise UnavailableError("The shop is starting and cannot reach its data yet.")
        return self._client

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        """Call a DynamoDB operation and return its answer.

        Raises:
            UnavailableError: throttled, away, or not reachable with our credentials.
            ClientError: any other refusal, for the caller to understand.
        """
        return await self._call(operation, parameters, decode_answer)

    async def call_for_page(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401
        """Call an operation as `call` does, and leave the items of its answer unparsed.

        The SDK's way parses them all the same: `decode_lazy` reads both.
        """
        return await self._call(operation, parameters, parse_page)

    async def _call(
        self, operation: str, parameters: dict[str, Any], parse: Parse
    ) -> dict[str, Any]:
        client = self.client
        if operation in OPERATIONS:
            parameters |= _MEASURED
        table, began = table_of(parameters), time.perf_counter()
        try:
            answer = await self._answer(client, operation, parameters, parse)
        except BaseException as error:
            ended = time.perf_counter()
            outcome = outcome_of(error, late=ended >= _deadline.get())
            observe_call(operation, table, outcome, ended - began, {})
            raise
        observe_call(operation, table, "ok", time.perf_counter() - began, answer)
        return answer

    async def _answer(
        self,
        client: AwsClient,
        operation: str,
        parameters: dict[str, Any],
        parse: Parse,
    ) -> dict[str, Any]:
        answer: dict[str, Any]
        try:
            async with asyncio.timeout(self.within):
                if is_recording():
                    with call_span(operation, parameters):
                        answer = await self._sent(client, operation, parameters, parse)
                else:
                    answer = await self._sent(client, operation, parameters, parse)
        except ClientError as error:
            if _passes(error, operation) or DAMAGED in error.response["ResponseMetadata"]:
                raise UnavailableError(_AWAY) from error
            raise
        except _NO_ANSWER as error:
            raise UnavailableError(_AWAY) from error
        if DAMAGED in answer.get("ResponseMetadata", ()):
            raise UnavailableError(_AWAY) from DamagedAnswerError()
        if _member_of(operation, parameters) not in {None, *answer}:
            raise UnavailableError(_AWAY)
        after = answer.get("LastEvaluatedKey")
        if after is not None and after == parameters.get("ExclusiveStartKey"):
            # The list would never end.
            foreign = ForeignAnswerError("a page names the key it began with as the next one")
            raise UnavailableError(_AWAY) from foreign
        return answer

    async def _sent(
        self,
        client: AwsClient,
        operation: str,
        parameters: Mapping[str, Any],
        parse: Parse,
    ) -> dict[str, Any]:
        answer: dict[str, Any]
        if self._transport and operation in OPERATIONS:
            answer = await self._transport.call(operation, parameters, parse)
        else:
            answer = await getattr(client, operation)(**parameters)
        return answer


class PageTrail:
    """Notices that the pages of a list lead in a circle, so that the list would never end.

    It keeps one key at a time, and takes another after 1, 2, 4, 8 … pages (Brent's algorithm).
    """

    def __init__(self) -> None:
        self._kept: Any = None
        self._pages = 0

    def follow(self, after: Any) -> None:  # noqa: ANN401 - DynamoDB's
        """Note where the next page begins, or raise UnavailableError where the list is there again.

        None is the end.
        """
        if after is None:
            return
        if after == self._kept:
            foreign = ForeignAnswerError("the pages of a list lead in a circle")
            raise UnavailableError(_AWAY) from foreign
        self._pages += 1
        if self._pages.bit_count() == 1:
            self._kept = after


def _member_of(operation: str, parameters: Mapping[str, Any]) -> str | None:
    # An empty object is an answer to a write, a delete and a missing item, and to nothing else.
    if parameters.get("Select") == "COUNT":
        return "Count"
    if parameters.get("ReturnValues") == "ALL_NEW":
        return "Attributes"
    return _MEMBERS.get(operation)


def answer_was_lost(error: ClientError) -> bool:
    """Return whether an earlier try of a refused call may have been carried out all the same."""
    return bool(error.response["ResponseMetadata"].get(ANSWER_LOST))


def _note_lost_answers(
    response: tuple[Any, dict[str, Any]] | None,
    caught_exception: Exception | None,
    request_dict: dict[str, Any],
    operation: Any,  # noqa: ANN401 - botocore's model of it
    attempts: int,
    **_: object,
) -> None:
    # After each attempt the SDK reports its result, before it tries again.
    if attempts > 1:
        count_retry(xform_name(operation.name), json.loads(request_dict["body"]))
    context = request_dict["context"]
    if response is not None:
        metadata = response[1].setdefault("ResponseMetadata", {})
        metadata[ANSWER_LOST] = context.get(ANSWER_LOST, False)
    failed = response is not None and response[0].status_code >= 500  # noqa: PLR2004 - HTTP's
    if caught_exception is not None or failed:
        context[ANSWER_LOST] = True


async def _retire(stack: AsyncExitStack, after: float) -> None:
    # Calls that are under way end with the client they began with.
    try:
        await asyncio.sleep(after)
    finally:
        await stack.aclose()


def _passes(error: ClientError, operation: str) -> bool:
    return (
        error.response["Error"]["Code"] in PASSING
        or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500  # noqa: PLR2004 - HTTP's
        # Another service refused: the one that should have given us credentials.
        or xform_name(error.operation_name) != operation
    )
