"""Opening what an evaluation needs: tables on this machine, and a model."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from enum import StrEnum

from cloudmart.ai.ports import ChatModel
from cloudmart.ai.providers.offline import OfflineChat
from cloudmart.composition.clients import open_database
from cloudmart.composition.providers import Chat, open_providers
from cloudmart.errors import ProviderDisabledError
from cloudmart.evaluation.shop import EvaluationShop
from cloudmart.local.embedded import REGION, embedded_dynamodb, offline_aws_environment
from cloudmart.settings import Provider, Settings, why_disabled


class EvaluatedProvider(StrEnum):
    """Whose answers are judged."""

    OPENAI = "openai"
    BEDROCK = "bedrock"
    OFFLINE = "offline"


_PROVIDERS = {
    EvaluatedProvider.OPENAI: Provider.OPENAI,
    EvaluatedProvider.BEDROCK: Provider.BEDROCK,
}


@contextmanager
def tables_on_this_machine(provider: EvaluatedProvider) -> Iterator[None]:
    """Have this process's DynamoDB be an embedded one; Bedrock keeps its credentials and region."""
    before = dict(os.environ)
    with embedded_dynamodb() as url:
        local = offline_aws_environment(before, url)
        if provider is EvaluatedProvider.BEDROCK:
            local = _beside_bedrock(before, local, url)
        _set_environment(local)
        try:
            yield
        finally:
            _set_environment(before)


def _beside_bedrock(
    before: Mapping[str, str], local: Mapping[str, str], url: str
) -> dict[str, str]:
    direct = {name: local[name] for name in ("NO_PROXY", "no_proxy")}
    region = {"AWS_REGION": before.get("AWS_REGION") or REGION}
    return {**before, **direct, **region, "AWS_ENDPOINT_URL_DYNAMODB": url}


def _set_environment(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)


@asynccontextmanager
async def open_model(settings: Settings, provider: EvaluatedProvider) -> AsyncIterator[ChatModel]:
    """Give the model of a provider, or raise ProviderDisabledError where it is not configured."""
    if provider is EvaluatedProvider.OFFLINE:
        yield OfflineChat()
        return
    if reason := why_disabled(settings)[_PROVIDERS[provider]]:
        raise ProviderDisabledError(reason)
    async with open_providers(settings) as providers:
        chat: Chat = getattr(providers, provider)
        if isinstance(chat, ProviderDisabledError):
            raise chat
        yield chat


@asynccontextmanager
async def open_shops(settings: Settings, number: int) -> AsyncIterator[list[EvaluationShop]]:
    """Provide several shops, each with its own tables, for cases played at the same time."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        shops = [EvaluationShop(settings, database) for _ in range(number)]
        for shop in shops:
            await shop.open()
        yield shops
