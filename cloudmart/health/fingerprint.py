"""A few characters that tell which configuration a process was started with."""

import hashlib
import json

from pydantic import SecretStr

from cloudmart.settings import Settings
from cloudmart.settings.disclosure import digest
from cloudmart.settings.variables import Variable, variables


def fingerprint(settings: Settings) -> str:
    """Return twelve characters, the same on two pods with the same configuration.

    Of a secret only its slow, salted digest goes in.
    """
    values = {
        each.name: _plain(each, settings)
        for each in variables().values()
        # What was built is not how it is configured.
        if each.group != "build"
    }
    canonical = json.dumps(values, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _plain(variable: Variable, settings: Settings) -> str:
    # Not getattr: reading an obsolete field warns whoever still does.
    group = settings.__dict__[variable.group] if variable.group else settings
    value = group.__dict__[variable.field]
    return digest(variable.name, value) if isinstance(value, SecretStr) else str(value)
