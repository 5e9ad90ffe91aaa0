"""The spans of a turn: each step of a model, each tool that it calls, and no word of the chat."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.trace import Span, SpanKind

from cloudmart.ai.ports import ChatModel, Usage
from cloudmart.ai.prompts import assistant_prompt
from cloudmart.errors import CloudmartError
from cloudmart.observability import semantic_conventions as names
from cloudmart.observability.tracing import child_span

_PROVIDERS = {
    "openai": "openai",
    "bedrock-converse": "aws.bedrock",
    "bedrock-agent": "aws.bedrock",
}
"""What the conventions call a provider; others keep our name."""

_AGENT = "bedrock-agent"


class StepSpan:
    """A step of a model that may be recorded."""

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def note(self, usage: Usage | None) -> None:
        """Record the usage of the step."""
        if self._span is None or usage is None:
            return
        tokens = {
            names.GENAI_INPUT_TOKENS: usage.input_tokens,
            names.GENAI_OUTPUT_TOKENS: usage.output_tokens,
            names.GENAI_CACHED_TOKENS: usage.cached_tokens or None,
        }
        self._span.set_attributes({name: n for name, n in tokens.items() if n is not None})


@contextmanager
def step_span(model: ChatModel) -> Iterator[StepSpan]:
    """Record a step of a model."""
    operation = names.INVOKE_AGENT if model.name == _AGENT else names.CHAT
    attributes = {
        names.GENAI_OPERATION: operation,
        names.GENAI_PROVIDER: _PROVIDERS.get(model.name, model.name),
    }
    # An agent hides its model, and has its own instructions.
    if model.name != _AGENT:
        attributes[names.PROMPT_VERSION] = assistant_prompt().version
    if named := "" if model.name == _AGENT else model.model:
        attributes[names.GENAI_MODEL] = named
    title = f"{operation} {named}" if named else operation
    with child_span(title, attributes, SpanKind.CLIENT, _error_type) as span:
        yield StepSpan(span)


def tool_span(name: str | None) -> AbstractContextManager[Span | None]:
    """Record the run of a tool; None is one whose name a model made up."""
    attributes = {names.GENAI_OPERATION: names.EXECUTE_TOOL}
    if name:
        attributes[names.GENAI_TOOL] = name
    title = f"{names.EXECUTE_TOOL} {name}" if name else names.EXECUTE_TOOL
    return child_span(title, attributes, SpanKind.INTERNAL)


def analysis_span(source: str) -> AbstractContextManager[Span | None]:
    """Record a reading of a chat's mood."""
    attributes = {names.GENAI_PROVIDER: source}
    return child_span("analyze_sentiment", attributes, SpanKind.CLIENT, _error_type)


def _error_type(error: BaseException) -> str:
    return error.code if isinstance(error, CloudmartError) else type(error).__name__
