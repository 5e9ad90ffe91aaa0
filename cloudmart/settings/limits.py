"""Settings of what one client may ask for, and of who counts as one client."""

from pydantic import Field

from cloudmart.settings.formats import Networks, RedisUrl, SettingsGroup


class LimitSettings(SettingsGroup):
    """Limits for each client."""

    trusted_proxies: Networks = Field(
        (),
        validation_alias="TRUSTED_PROXIES",
        description="The load balancers whose `X-Forwarded-For` the service believes: addresses "
        "or networks, separated by commas. By default it believes none, not even "
        "loopback.",
        examples=["10.0.0.0/16"],
    )
    read: int = Field(
        3000,
        validation_alias="RATE_LIMIT_READ",
        ge=0,
        description="How many requests a minute one client may make to read. 0 means no limit. "
        "All four limits are off in local mode unless you set them.",
        examples=["3000"],
    )
    write: int = Field(
        120,
        validation_alias="RATE_LIMIT_WRITE",
        ge=0,
        description="How many requests a minute one client may make to change something.",
        examples=["120"],
    )
    chat: int = Field(
        10,
        validation_alias="RATE_LIMIT_CHAT",
        ge=0,
        description="How many messages to assistants and ends of chats one client may send a "
        "minute.",
        examples=["10"],
    )
    email: int = Field(
        60,
        validation_alias="RATE_LIMIT_EMAIL",
        ge=0,
        description="How many requests a minute one client may make to look for orders by e-mail.",
        examples=["60"],
    )
    storage: RedisUrl | None = Field(
        None,
        validation_alias="RATE_LIMIT_STORAGE",
        description="The Redis in which all replicas count together. Unset, each replica counts "
        "on its own, and allows a client the full limit.",
        examples=["rediss://:password@cloudmart.cache.internal:6379/0"],
    )
    concurrency: int = Field(
        256,
        validation_alias="MAX_CONCURRENCY",
        ge=1,
        le=100_000,
        description="How many requests a process works on at once, without chats and probes. As "
        "many again wait for up to a second. Others get 503.",
        examples=["256"],
    )
    chats: int = Field(
        512,
        validation_alias="MAX_CHATS",
        ge=1,
        le=100_000,
        description="How many messages to assistants a process answers at once. As many again "
        "wait for up to a second. Others get 503.",
        examples=["512"],
    )
