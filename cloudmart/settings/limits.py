"""Settings of what one client may ask for, and of who counts as one client."""

from pydantic import Field

from cloudmart.settings.formats import Networks, RedisUrl, SettingsGroup


class LimitSettings(SettingsGroup):
    """Who is one client, and how much it may ask for."""

    trusted_proxies: Networks = Field(
        (),
        validation_alias="TRUSTED_PROXIES",
        description="Addresses or networks, divided by commas, of the load balancers whose "
        "`X-Forwarded-For` is believed. Nobody's is by default, loopback's neither.",
        examples=["10.0.0.0/16"],
    )
    read: int = Field(
        3000,
        validation_alias="RATE_LIMIT_READ",
        ge=0,
        description="Requests a minute by which one client may read; 0 is any number. All four "
        "limits are off in local mode unless they are set.",
        examples=["3000"],
    )
    write: int = Field(
        120,
        validation_alias="RATE_LIMIT_WRITE",
        ge=0,
        description="Requests a minute by which one client may change something.",
        examples=["120"],
    )
    chat: int = Field(
        10,
        validation_alias="RATE_LIMIT_CHAT",
        ge=0,
        description="Messages a minute one client may have answered by assistants, and chats it "
        "may end.",
        examples=["10"],
    )
    email: int = Field(
        60,
        validation_alias="RATE_LIMIT_EMAIL",
        ge=0,
        description="Requests a minute by which one client may look for orders by e-mail.",
        examples=["60"],
    )
    storage: RedisUrl | None = Field(
        None,
        validation_alias="RATE_LIMIT_STORAGE",
        description="The Redis in which all replicas count together. Unset, each counts by "
        "itself, and a client may ask each of them for as much.",
        examples=["rediss://:password@cloudmart.cache.internal:6379/0"],
    )
    concurrency: int = Field(
        256,
        validation_alias="MAX_CONCURRENCY",
        ge=1,
        le=100_000,
        description="Requests a process works on at once, chats and probes not counted. As many "
        "again wait for up to a second; the rest are a 503.",
        examples=["256"],
    )
    chats: int = Field(
        512,
        validation_alias="MAX_CHATS",
        ge=1,
        le=100_000,
        description="Messages to assistants a process has answered at once. As many again wait "
        "for up to a second; the rest are a 503.",
        examples=["512"],
    )
