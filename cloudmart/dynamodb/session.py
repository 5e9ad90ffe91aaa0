"""The AWS session of a process, and those of operators."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Context
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import aioboto3
from aiobotocore.session import AioSession, get_session
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import NoCredentialsError, RefreshWithMFAUnsupportedError
from botocore.loaders import Loader, create_loader

from cloudmart.aws_redirects import DirectConfig
from cloudmart.dynamodb.refusals import StrictParserFactory
from cloudmart.dynamodb.service_files import ServiceFiles
from cloudmart.retry import REQUEST_ATTEMPTS

AwsClient = Any
"""A client of an AWS service: botocore makes its class at run time, so no type describes it."""

# What every client of the session starts from: also the one that the SDK makes by itself to get
# credentials from STS, which would otherwise wait a minute for each of five answers.
_DEFAULTS = DirectConfig(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": REQUEST_ATTEMPTS},
)

_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")

# Tells the SDK that the values of items are documents, not structures to be walked through:
# docs/decisions/values-as-sent.md.
_MODELS = Path(__file__).parent / "models"

_LAST_SECONDS = 60
"""Seconds before their end from which a request waits for the renewal of its credentials."""

_LONGEST_RENEWAL = 30.0


class CredentialProgram:
    """A program that runs while somebody waits for its output.

    `credential_process` of a profile names it. The SDK leaves it running when its wait is
    cancelled or takes too long.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, *arguments: str, **pipes: Any) -> "CredentialProgram":  # noqa: ANN401
        """Start it, as `asyncio.create_subprocess_exec` does."""
        return cls(await asyncio.create_subprocess_exec(*arguments, **pipes))

    @property
    def returncode(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self._process.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """Return what it printed to both outputs; end it if nobody waits for that any more."""
        try:
            return await self._process.communicate()
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
                # A child process may hold the pipes open.
                self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001


class SessionCredentials:
    """Gives the credentials of a session, which finds and renews them.

    The SDK renews credentials a quarter of an hour before their end, and has one request after the
    other wait for it. Each of these would fail while the source of the credentials hangs, with
    credentials that are still good.
    """

    def __init__(self, session: aioboto3.Session) -> None:
        self._session = session
        self._source: Any = None
        self._last: Any = None
        self._renewal: asyncio.Task[None] | None = None

    async def get(self) -> Any:  # noqa: ANN401 - botocore's
        """Return what signs a request now: keys, token and account.

        Raises:
            NoCredentialsError: the session has none.
            BotoCoreError: their time is over, and they cannot be renewed.
        """
        if self._source is None:
            self._source = await self._session.get_credentials()
        if self._source is None:
            raise NoCredentialsError
        if self._last is not None and self._may_be_renewed_later():
            if self._renewal is None:
                # It is nobody's request: not its end when a client goes away.
                self._renewal = asyncio.create_task(self._renew(), context=Context())
                self._renewal.add_done_callback(self._renewed)
        else:
            self._last = await self._source.get_frozen_credentials()
        return self._last

    async def close(self) -> None:
        """End a renewal that is under way."""
        if self._renewal:
            self._renewal.cancel()
            await asyncio.wait({self._renewal})

    def _may_be_renewed_later(self) -> bool:
        source = self._source
        return (
            isinstance(source, RefreshableCredentials)
            and source.refresh_needed()
            and not source.refresh_needed(_LAST_SECONDS)
        )

    async def _renew(self) -> None:
        async with asyncio.timeout(_LONGEST_RENEWAL):
            await self._source.get_frozen_credentials()

    def _renewed(self, task: asyncio.Task[None]) -> None:
        self._renewal = None
        if not task.cancelled():
            # The SDK has logged it, and the next request tries again.
            task.exception()


def new_session(region: str | None = None) -> aioboto3.Session:
    """Return a session with AWS: one for the process, so that its credentials are got once.

    Its clients take and give the values of items as they are sent.
    """
    core = get_session()
    core.set_default_client_config(_DEFAULTS)
    return _session(core, region, str(_MODELS))


def operators_session(region: str | None) -> aioboto3.Session:
    """Return a session whose clients have the SDK's defaults."""
    return _session(get_session(), region)


def configuration_of(session: aioboto3.Session) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what the files of AWS's SDK say of a session's profile and of services."""
    core = session._session  # noqa: SLF001 - aioboto3 shows it to nobody
    return core.get_scoped_config(), core.full_config.get("services", {})


def _session(core: AioSession, region: str | None, *models: str) -> aioboto3.Session:
    core.register_component("response_parser_factory", StrictParserFactory())
    # A pod has AWS_REGION; the SDK by itself reads AWS_DEFAULT_REGION only, and takes a blank value
    # for a region's name.
    told = [name for name in _REGIONS if os.environ.get(name, "").strip()]
    core.session_var_map["region"] = ("region", told, None, lambda name: name.strip() or None)
    session = aioboto3.Session(botocore_session=core, region_name=region)
    # After aioboto3, which adds a search path of its own to the loader it finds, each time.
    core.register_component("data_loader", _loader(core.get_config_variable("data_path"), *models))
    sources = core.get_component("credential_provider")
    # By itself the SDK asks for a code on the terminal, and the whole process waits for an answer.
    sources.get_provider("assume-role")._prompter = _refuse  # noqa: SLF001 - no public way
    program = sources.get_provider("custom-process")
    program._popen = CredentialProgram.start  # noqa: SLF001 - no public way
    return session


def _refuse(_: str) -> NoReturn:
    raise RefreshWithMFAUnsupportedError


@cache
def _loader(data_path: str | None, *models: str) -> Loader:
    """Return what reads the SDK's descriptions of services, and keeps what it has read.

    To parse them is nine tenths of opening a client, so sessions share it. It knows nothing of
    credentials.
    """
    loader = create_loader(data_path)
    loader.file_loader = ServiceFiles()
    loader.search_paths.extend(models)
    return loader
