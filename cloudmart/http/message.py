"""The answer of an operation that has nothing but its success to tell."""

from cloudmart.values.model import Model


class Message(Model):
    """One sentence."""

    message: str
