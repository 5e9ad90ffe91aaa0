"""The settings page of the documentation, written from the settings themselves."""

from collections.abc import Iterator

from cloudmart.settings.prose import OPENING
from cloudmart.settings.variables import Variable, groups, variables


def reference() -> str:
    """Return the page, in Markdown."""
    sections = {"": "The process.", **groups()}
    return "\n".join([OPENING, *(line for each in sections.items() for line in _section(*each))])


def _section(group: str, about: str) -> Iterator[str]:
    yield f"## {about.rstrip('.')}\n"
    yield "| variable | default | meaning | a right value |"
    yield "|---|---|---|---|"
    yield from (_row(each) for each in variables().values() if each.group == group)
    yield ""


def _row(variable: Variable) -> str:
    names = " or ".join(f"`{name}`" for name in variable.names)
    obsolete = f" **Obsolete.** {variable.obsolete}" if variable.obsolete else ""
    meaning = f"{variable.description}{obsolete}{' Secret.' if variable.secret else ''}"
    return f"| {names} | {_default(variable)} | {meaning} | {variable.example} |"


def _default(variable: Variable) -> str:
    if variable.default is None or variable.default == ():
        return ""
    value = variable.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
