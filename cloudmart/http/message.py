"""The answer of an operation that has nothing but its success to tell."""

from pydantic import Field

from cloudmart.values.model import Model


class Message(Model):
    """One sentence."""

    message: str = Field(description="What was done.")
