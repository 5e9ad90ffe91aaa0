"""OpenAI's models end; this tells when ours does."""

import asyncio
import re
from datetime import timedelta

import structlog
from openai import AsyncOpenAI

from cloudmart.ai.providers.openai_refusals import FAILURES

_log = structlog.stdlib.get_logger(__name__)

_EVERY = timedelta(days=1).total_seconds()
_AGAIN = timedelta(hours=1).total_seconds()
_PATIENCE = 10.0
_DATE = re.compile(r"\d{4}-\d\d-\d\d[0-9TZ:.+-]{0,20}")


async def watch_for_shutdown(client: AsyncOpenAI, model: str) -> None:
    """Ask once a day, and once an hour while there is no answer, for as long as it is not ended."""
    while True:
        known = await warn_of_shutdown(client, model)
        await asyncio.sleep(_EVERY if known else _AGAIN)


async def warn_of_shutdown(client: AsyncOpenAI, model: str) -> bool:
    """Log a warning if OpenAI has announced the day on which a model ends; tell if it answered.

    Nothing is raised: a key may be restricted to creating responses, and a model that is not
    there shows with the first message. The date is that of `GET /v1/models/{model}`.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            date = (await client.models.retrieve(model)).shutdown_date
    except (*FAILURES, TimeoutError, AttributeError) as error:
        # The last is what becomes of a page: the SDK hands it on as a string.
        _log.info("model_shutdown_unknown", model=model, cause=type(error).__name__)
        return False
    if isinstance(date, str) and _DATE.fullmatch(date):
        _log.warning(
            "model_will_be_shut_down",
            model=model,
            date=date,
            advice="Set OPENAI_MODEL to its successor before that day.",
        )
    return True
