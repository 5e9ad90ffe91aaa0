"""The landing page: what this is, and how it and all it depends on does."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2

from cloudmart.health.board import Dependency, Health, Reading, Status

_STATES = {
    Status.PASS: ("good", "Works"),
    Status.WARN: ("odd", "Needs a look"),
    Status.FAIL: ("bad", "Fails"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A dependency in a row of the page: its state in a word, and the rest in words."""

    name: str
    mark: str
    state: str
    words: str


class LandingPage:
    """A page that needs nothing else: its style is in it, and scripts are not allowed."""

    def __init__(self) -> None:
        folder = files(__package__) / "templates"
        self._style = (folder / "landing.css").read_text("utf-8")
        self._template = jinja2.Environment(
            autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
        ).from_string((folder / "landing.html").read_text("utf-8"))
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
        }

    def render(self, health: Health) -> str:
        """Return the page as things are now."""
        mark, sentence = _whole(health)
        return self._template.render(
            style=self._style,
            release=health.release,
            mark=mark,
            sentence=sentence,
            lines=list(_lines(health)),
        )


@cache
def landing_page() -> LandingPage:
    """Return the page, read when it is first asked for."""
    return LandingPage()


def _whole(health: Health) -> tuple[str, str]:
    if unready := health.unready():
        return "bad", unready
    if all(reading.status is Status.PASS for _, reading in health.readings()):
        return "good", "All is well: the shop is open."
    return "odd", "The shop is open, though something below needs a look."


def _lines(health: Health) -> Iterator[Line]:
    for dependency, reading in health.readings():
        mark, state = _state(reading)
        yield Line(dependency.title, mark, state, _words(dependency, reading))


def _state(reading: Reading) -> tuple[str, str]:
    if reading.status is Status.PASS and reading.output:
        return "off", "Off" if reading.off else "Not used"
    return _STATES[reading.status]


def _words(dependency: Dependency, reading: Reading) -> str:
    if not reading.output:
        return ""
    routes = ", ".join(dependency.routes)
    affected = f" Affected: {routes}." if routes else ""
    return f"{reading.output}{affected}"
