"""The inputs that a check declares and reads; one that several checks read is read once."""

import asyncio
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import aioboto3
import httpx2
from botocore.exceptions import ClientError

from cloudmart.doctor.redaction import Redaction
from cloudmart.doctor.target import DoctorTarget
from cloudmart.dynamodb.client import Database
from cloudmart.dynamodb.refusals import OF_S3, TROUBLE
from cloudmart.health.aws_environment import open_session
from cloudmart.health.causes import DependencyError
from cloudmart.health.classify import DYNAMODB, STS
from cloudmart.health.dependency_error import called_host, dependency_error_of
from cloudmart.pipeline.opening import Pipeline
from cloudmart.rollout.cluster import KubectlError, KubectlReason, Kubernetes
from cloudmart.settings import Loaded, Settings

T = TypeVar("T")

_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
# AWS names the action in its sentence.
_ACTION = re.compile(r"not authorized to perform: (\w[\w-]*:\w+)")
_FORBIDDEN = re.compile(r'cannot (\w+) resource "([^"]+)"')
_PREFIXES = {"elbv2": "elasticloadbalancing", "bedrock-agent": "bedrock"}
RIGHTS = "`cloudmart iam render doctor …` prints the policy that gives it."
_WAY_OUT = "Check the region, and that a proxy and network policies let this program call"
_SERVICES = {each.name: each for each in (STS, DYNAMODB)}
_ROLE = "k8s/doctor-role.yaml gives it: bind it to the identity that runs this."


class NotAskedError(Exception):
    """The question makes no sense here; the sentence says why."""


class NotKnownError(Exception):
    """The question has no answer; the sentence says why, and `fix` what would help."""

    def __init__(self, sentence: str, fix: str = "") -> None:
        super().__init__(sentence)
        self.fix = fix


class UndeclaredInputError(Exception):
    """A check reads what it has not declared."""


class Inputs:
    """What one check sees of the target."""

    def __init__(
        self,
        target: DoctorTarget,
        declared: frozenset[str],
        kept: dict[object, Any],
        reads: set[str],
    ) -> None:
        self._target = target
        self._declared = declared
        self._kept = kept
        self._reads = reads

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that the service would see."""
        self._read("environment")
        return self._target.environ

    @property
    def loaded(self) -> Loaded:
        """The settings that the service would read, and the report on them."""
        self._read("settings")
        return self._target.loaded

    @property
    def settings(self) -> Settings:
        """The settings that the service would read."""
        return self.loaded.settings

    @property
    def unread(self) -> str | None:
        """Why the secret with the settings cannot be read; None if it can, or there is none."""
        self._read("settings")
        return self._target.unread

    @property
    def source(self) -> str:
        """Whose settings these are, as a text."""
        self._read("settings")
        return self._target.source

    @property
    def url(self) -> str:
        """The shop's public address.

        Raises:
            NotAskedError: nobody has told one.
        """
        self._read("settings")
        url = self._target.url or self._target.loaded.settings.public_base
        if not url:
            raise NotAskedError("PUBLIC_BASE_URL is not set, and no --url was given")
        return url.rstrip("/")

    @property
    def in_cluster(self) -> bool:
        """Whether this process runs in a pod."""
        self._read("environment")
        return self._target.in_cluster

    @property
    def is_service(self) -> bool:
        """Whether this process has the settings and the identity of the service's pods."""
        self._read("environment")
        return self._target.is_service

    @property
    def namespace(self) -> str:
        """The namespace of the service, from the command line or from this process."""
        return self._target.namespace

    @property
    def interval(self) -> float:
        """Seconds between two looks at what a pod counts."""
        return self._target.interval

    def command(self, *words: str) -> str:
        """Return a command of kubectl for a person to run."""
        cluster = self._target.cluster
        return cluster.command(*words) if cluster else shlex.join(["kubectl", *words])

    def redacted(self, text: str) -> str:
        """Return a text without secrets, for what was not written by this program."""
        return Redaction.of(self._target)(text)

    def now(self) -> datetime:
        """Return the time."""
        self._read("clock")
        return self._target.now()

    def outside(self, name: str) -> None:
        """Note that somebody outside is asked, by a client of the service's own."""
        self._read(name)

    async def text_of(self, path: str) -> str:
        """Return the text of a file, or raise OSError."""
        self._read("files")
        return await self.threaded(("file", path), Path(path).read_text)

    async def addresses(self, host: str) -> Sequence[str]:
        """Return the addresses of a name, or raise OSError."""
        self._read("dns")
        return await self.threaded(("dns", host), lambda: self._target.resolve(host))

    async def certificate(self, host: str, port: int) -> Mapping[str, Any]:
        """Return the certificate that a server shows, or raise OSError."""
        self._read("tls")
        return await self.threaded(
            ("tls", host, port), lambda: self._target.certificate(host, port)
        )

    async def fetch(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Return what a GET is answered, or raise httpx2.HTTPError."""
        self._read("http")
        told = dict(headers or {})

        async def get() -> httpx2.Response:
            async with self._target.client() as client:
                return await client.get(url, headers=told)

        return await self.once(("http", url, *sorted(told.items())), get)

    async def find(self, kind: str, name: str) -> Any:  # noqa: ANN401 - any object
        """Return an object of the cluster, or None where there is none."""
        return await self._cluster(("find", kind, name), lambda each: each.find(kind, name))

    async def every(self, kind: str, *words: str) -> list[Any]:
        """Return all objects of a kind in the namespace, or those that `words` choose."""
        found: list[Any] = await self._cluster(
            ("every", kind, *words), lambda each: each.every(kind, *words)
        )
        return found

    async def kubectl(self, *words: str) -> str:
        """Return what kubectl prints, which may only look."""
        found: str = await self._cluster(words, lambda each: each.do(*words))
        return found

    async def looking(self, key: object, look: Callable[[Any], T]) -> T:
        """Return the result of a look at the cluster that needs several questions."""
        found: T = await self._cluster(("look", key), look)
        return found

    async def aws(self, service: str, operation: str, **parameters: Any) -> Any:  # noqa: ANN401
        """Return what an operation of AWS is answered, or raise ClientError.

        Raises:
            NotKnownError: the right to it is missing, or the service is away.
        """
        self._read(f"aws:{service}")
        region = parameters.pop("region", None)
        key = (service, operation, region, repr(sorted(parameters.items())))

        async def call() -> Any:  # noqa: ANN401
            async with AsyncExitStack() as stack:
                session = self._session()
                opened = session.client(service, region_name=region or session.region_name)
                client = await stack.enter_async_context(opened)
                return await getattr(client, operation)(**parameters)

        return await self.guarded(service, lambda: self.once(key, call))

    async def guarded(self, service: str, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a call to AWS gives; what is no answer of the service is not known."""
        try:
            return await call()
        except ClientError as error:
            if error.response["Error"]["Code"] in _DENIED:
                raise NotKnownError(_right(service, error), RIGHTS) from error
            raise
        except DependencyError as error:
            raise self._not_known(service, error) from error
        except TROUBLE as error:
            raise self._not_answered(service, error) from error

    def session(self, *services: str) -> aioboto3.Session:
        """Return the session with AWS, for what is asked of some services by other modules.

        Raises:
            DependencyError: the environment, or a file of AWS's, says what cannot be used.
        """
        for each in services:
            self._read(f"aws:{each}")
        return self._session()

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[Pipeline]:
        """Give the pipeline as an operator's commands see it."""
        self._read("pipeline")
        settings = self._target.loaded.settings
        # Not the other session: its clients leave the values of items as they are sent.
        session = open_session(settings.aws.region, self._target.environ)
        database = Database(session, within=settings.dynamodb.timeout)
        try:
            await database.open()
            opened = self._target.pipeline(settings, session, database)
            async with opened as pipeline:
                yield pipeline
        finally:
            await database.close()

    async def once(self, key: object, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a question that several checks may ask."""
        if key not in self._kept:
            self._kept[key] = asyncio.ensure_future(ask())
        # A check that stops waiting does not cancel the read for the others.
        answer: T = await asyncio.shield(self._kept[key])
        return answer

    async def threaded(self, key: object, call: Callable[[], T]) -> T:
        """Return the result of a blocking call that several checks may make."""
        return await self.once(key, lambda: self._target.threads.run(call))

    def _session(self) -> aioboto3.Session:
        # One for a run: its credentials are got once.
        if "session" not in self._kept:
            target = self._target
            region = target.loaded.settings.aws.region
            self._kept["session"] = open_session(region, target.environ, target.session)
        session: aioboto3.Session = self._kept["session"]
        return session

    def _not_answered(self, service: str, error: BaseException) -> NotKnownError:
        # The SDK gets credentials in the middle of a call. Only who was called tells them apart.
        host, known = called_host(error), _SERVICES.get(service)
        if host and known is None and not host.startswith("sts."):
            return NotKnownError(f"{service}: {host} does not answer", f"{_WAY_OUT} {host}.")
        obstacle = dependency_error_of(
            error, self._target.environ, known or STS, credentials=not host
        )
        return self._not_known(service, obstacle)

    def _not_known(self, service: str, obstacle: DependencyError) -> NotKnownError:
        said = f"{service}: {obstacle.sentence}"
        return NotKnownError(said, obstacle.remedy_in(self._target.environ))

    async def _cluster(self, key: object, look: Callable[[Any], Any]) -> Any:  # noqa: ANN401
        self._read("kubernetes")
        cluster = self._target.cluster
        if cluster is None:
            raise NotAskedError(self._target.no_cluster)
        try:
            await self.threaded("cluster", lambda: _expect_context(cluster))
            return await self.threaded(("kubernetes", key), lambda: look(cluster))
        except KubectlError as error:
            if error.reason is KubectlReason.FORBIDDEN:
                named = _FORBIDDEN.search(str(error))
                right = f"{named[1]} {named[2]}" if named else str(error)
                where = f"in the namespace {cluster.namespace}"
                raise NotKnownError(f"the right to {right} {where} is missing", _ROLE) from error
            raise NotKnownError(f"the cluster does not answer: {last_line(error)}") from error

    def _read(self, name: str) -> None:
        if name not in self._declared:
            raise UndeclaredInputError(name)
        self._reads.add(name)


def last_line(error: KubectlError) -> str:
    """Return kubectl's own sentence: its libraries log each of their tries before it."""
    return (str(error).splitlines() or [""])[-1]


def _expect_context(cluster: Kubernetes) -> None:
    try:
        cluster.where()
    except KubectlError as error:
        raise NotAskedError(f"kubectl names no cluster: {last_line(error)}") from error


def _right(service: str, error: ClientError) -> str:
    named = _ACTION.search(error.response["Error"].get("Message", ""))
    operation = OF_S3.get(error.operation_name, error.operation_name)
    action = named[1] if named else f"{_PREFIXES.get(service, service)}:{operation}"
    return f"the permission {action} is missing"
