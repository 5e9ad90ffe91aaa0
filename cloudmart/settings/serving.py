"""What a process that serves must be told besides, and no other command needs."""

from dataclasses import replace

from cloudmart.settings.load import Loaded
from cloudmart.settings.model import Environment
from cloudmart.settings.report import Fault, State
from cloudmart.settings.variables import variables

_AUTH = ("access", "auth")


def for_serving(loaded: Loaded) -> Loaded:
    """Return what was read, refused if it leaves open who may do what.

    On a person's machine nobody needs to be kept out.
    """
    reported = {fault.variable for fault in loaded.report.refusals}
    auth = variables()[_AUTH]
    local = loaded.settings.environment is Environment.LOCAL
    if local or loaded.settings.access.auth or auth in reported:
        return loaded
    what = "is not set, and without it anyone could change products and read all orders"
    fault = Fault(auth, auth.name, State.MISSING, what, "nowhere")
    refusals = (*loaded.report.refusals, fault)
    return Loaded(loaded.settings, replace(loaded.report, refusals=refusals))
