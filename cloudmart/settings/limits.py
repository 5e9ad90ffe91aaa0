"""Settings of what one client may ask for, and of who counts as one client."""

from pydantic import Field

from cloudmart.settings.formats import Networks
from cloudmart.settings.group import Group


class LimitSettings(Group):
    """Who is one client, and how much it may ask for."""

    trusted_proxies: Networks = Field(
        (),
        validation_alias="TRUSTED_PROXIES",
        description="Addresses or networks, divided by commas, of the load balancers whose "
        "`X-Forwarded-For` is believed. Nobody's is by default, loopback's neither.",
        examples=["10.0.0.0/16"],
    )
