"""An embedded DynamoDB: moto's server in a thread, on loopback, its data in memory."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models.dynamo_type import Item
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

REGION = "us-east-1"

_Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

# What names an account, a profile, an endpoint, an agent or a secret of AWS's.
_OF_AWS = ("AWS_", "BEDROCK_", "BOTO_", "CLOUDMART_SECRET_ID")
_LOOPBACK = "127.0.0.1"


def _one_at_a_time(application: _Wsgi) -> _Wsgi:
    # moto checks a condition and writes in two steps; DynamoDB does both at once.
    lock = threading.Lock()

    def locked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        with lock:
            return application(environ, start_response)

    return locked


def _project(item: Item, paths: list[list[str]]) -> Item:
    """Return some attributes of an item: moto reads all of it for that, and not every number."""
    names = [path[0] for path in paths if path[0] in item.attrs]
    attributes = {name: item.attrs[name].to_regular_json() for name in names}
    return Item(hash_key=item.hash_key, range_key=item.range_key, attrs=attributes)


@contextmanager
def embedded_dynamodb() -> Iterator[str]:
    """Run a DynamoDB while the context lasts, and give its URL."""
    # No expression of ours reaches into an attribute.
    Item.project = _project  # type: ignore[method-assign,assignment]
    # It logs each request it is sent.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = _one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(
        target=server.serve_forever, args=[0.05], name="embedded-dynamodb", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def offline_aws_environment(environ: Mapping[str, str], url: str) -> dict[str, str]:
    """Return an environment in which AWS's SDK knows one endpoint only, and no credentials."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_OF_AWS)}
    # A proxy of the person's must not be asked for what is on this machine.
    direct = environ.get("no_proxy") or environ.get("NO_PROXY")
    direct = f"{direct},{_LOOPBACK}" if direct else _LOOPBACK
    return kept | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": direct,
        "no_proxy": direct,
    }
