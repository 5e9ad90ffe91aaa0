"""An administrator's credentials, which are never shown."""

import base64
import ipaddress
import json
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote, quote_plus

_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class AdminCredentials:
    """A name and a password, or a token."""

    name: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def header(self) -> str:
        """Return the `Authorization` that they make."""
        return f"Bearer {self.token}" if self.token else f"Basic {self._pair}"

    @property
    def _pair(self) -> str:
        return base64.b64encode(f"{self.name}:{self.password}".encode()).decode()

    def hidden_in(self, text: str) -> str:
        """Return a text without them: something on the way may send back what it was sent."""
        for secret in filter(None, (self.token, self.password, self._pair)):
            spellings = {secret, json.dumps(secret)[1:-1], quote(secret), quote_plus(secret)}
            for spelling in sorted(spellings | {escape(secret)}, key=len, reverse=True):
                text = text.replace(spelling, _HIDDEN)
        return text


def is_private_host(host: str) -> bool:
    """Return whether what is sent to a host stays in a private network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".svc", ".cluster.local", ".localhost"))
