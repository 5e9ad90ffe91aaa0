"""AWS's clients follow no redirect: requests go to the configured address only.

aiohttp follows redirects by default, and aiobotocore does not change that. A proxy between the shop
and AWS could then redirect a signed request to another address.
"""

from typing import Any

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RedirectedError(ValueError):
    """An answer redirects us to another address."""


class DirectResponse(aiohttp.ClientResponse):
    """An answer of aiohttp's that leads nowhere else."""

    async def start(self, connection: Any) -> "DirectResponse":  # noqa: ANN401 - aiohttp's own
        """Read the head of the answer, or raise RedirectedError."""
        await super().start(connection)
        if self.status in REDIRECTS:
            raise RedirectedError(f"It answered {self.status}: it redirects to another address.")
        return self


class DirectSession(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore has no types
    """What AWS's SDK sends requests with."""

    response_class: type[DirectResponse] = DirectResponse

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = await super()._get_session(proxy_url)
        session._response_class = self.response_class  # noqa: SLF001 - the SDK makes the session
        return session


class DirectConfig(AioConfig):  # type: ignore[misc]  # as above
    """A configuration whose clients follow no redirect.

    As the default of a session it is merged with each client's own, and the SDK's merge forgets
    the class that sends requests.
    """

    def __init__(
        self,
        connector_args: dict[str, Any] | None = None,
        http_session_cls: type[AIOHTTPSession] = DirectSession,
        **options: Any,  # noqa: ANN401 - the SDK's
    ) -> None:
        super().__init__(connector_args, http_session_cls, **options)

    def merge(self, other_config: Any) -> AioConfig:  # noqa: ANN401 - the SDK's
        """Return both merged; the other's values count."""
        merged = super().merge(other_config)
        # The SDK's own client for a sign-in (SSO) brings botocore's plain Config, without a class.
        other = getattr(other_config, "http_session_cls", None)
        direct = other is not None and issubclass(other, DirectSession)
        merged.http_session_cls = other if direct else self.http_session_cls
        return merged
