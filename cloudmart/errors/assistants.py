"""An assistant, or the provider behind it, cannot answer."""

from http import HTTPStatus

from cloudmart.errors.failure import CloudmartError
from cloudmart.errors.shop import ConflictError, NotFoundError


class UpstreamError(CloudmartError):
    """A provider of AI did not do its part. What it said about it goes to the log only."""


class ProviderFailedError(UpstreamError):
    """A provider was reached, but gave no usable answer."""

    status = HTTPStatus.BAD_GATEWAY
    code = "ai-failed"
    example = "The assistant gave no usable answer: it broke off."

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"{provider} gave no usable answer: {reason}.")


class ProviderUnavailableError(UpstreamError):
    """A provider is away, or takes no more requests for a while."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-unavailable"
    example = "OpenAI takes no more requests at the moment; try again in 5 s."

    def __init__(
        self, provider: str, state: str = "takes no more requests", *, retry_after: int = 5
    ) -> None:
        super().__init__(
            f"{provider} {state} at the moment; try again in {retry_after} s.",
            retry_after=retry_after,
        )


class ProviderTimeoutError(UpstreamError):
    """A provider did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "ai-timeout"
    example = "The assistant did not answer in time."

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} did not answer in time.")


class ProviderMisconfiguredError(UpstreamError):
    """A provider refuses this service: a key, a role, a model or an id in its settings is wrong."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-misconfigured"
    example = "OpenAI refuses this service: OPENAI_API_KEY has to be put right."

    def __init__(self, provider: str, setting: str) -> None:
        super().__init__(f"{provider} refuses this service: {setting} has to be put right.")


class ProviderDisabledError(UpstreamError):
    """A provider is not configured here, or was switched off; the sentence says which setting."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-disabled"
    example = "OpenAI is not configured: set OPENAI_API_KEY."


class UnknownConversationError(NotFoundError):
    """No conversation has that id: it has expired, or never was. Start another."""

    code = "unknown-conversation"
    example = "This conversation is over. Please start a new one."

    def __init__(self) -> None:
        CloudmartError.__init__(self, self.example)


class ConversationBusyError(ConflictError):
    """An earlier message of the conversation is still being answered."""

    code = "conversation-busy"
    example = "Your last message is still being answered. Please send the next one after that."

    def __init__(self, *, retry_after: int) -> None:
        super().__init__(self.example, retry_after=retry_after)


class TokensSpentError(CloudmartError):
    """The tokens that one conversation, or all of them in a day, may use are spent."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "ai-tokens-spent"
    example = "The assistant has answered as much as it may today. Please come back tomorrow."
