"""The Lambda of the Bedrock agent, under the name that its function is configured with."""

from cloudmart.ai.bedrock_action_group import handler

__all__ = ["handler"]
