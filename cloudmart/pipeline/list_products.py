"""The Lambda of the Bedrock agent, under the name that its function is configured with."""

from cloudmart.ai.list_products import handler

__all__ = ["handler"]
