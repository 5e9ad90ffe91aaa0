"""Debian's nginx, configured like the load balancer: it repeats no request."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import httpx2
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.support.serve_process import free_port

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
IDLE_TIMEOUT = 60
SLOTS = ("a", "b", "c")
_ORDERS_OF_SLOTS = ("abc", "acb", "bac", "bca", "cab", "cba")

# Each registered target is a file, so nginx need not reload; a load balancer does not reload
# either. Each request draws the order in which it looks at the files.
_CONFIGURATION = Template(
    """
user root;
worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_timeout ${idle}s;
  keepalive_requests 1000000;
  split_clients $$request_id $$order { $orders }
  map $$order $$first { ~^(.) $$1; }
  map $$order $$second { ~^.(.) $$1; }
  map $$order $$third { ~(.)$$ $$1; }
  $upstreams
  server {
    listen 127.0.0.1:$port;
    location / {
      set $$target $$third;
      if (-f "$registered/$$second") { set $$target $$second; }
      if (-f "$registered/$$first") { set $$target $$first; }
      proxy_pass http://$$target;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
      proxy_buffering off;
      proxy_read_timeout ${idle}s;
    }
  }
}
"""
)


class Balancer:
    """A running nginx, and its targets."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"http://127.0.0.1:{free_port()}"
        self.ports = {slot: free_port() for slot in SLOTS}
        self._registered = directory / "registered"
        self._registered.mkdir()

    def register(self, slot: str) -> None:
        """Send requests to another target, too."""
        (self._registered / slot).touch()

    def deregister(self, slot: str) -> None:
        """Send no more requests to a target. Its running requests may finish."""
        (self._registered / slot).unlink()

    def configuration(self) -> str:
        """Return nginx's configuration."""
        share = 100 // len(_ORDERS_OF_SLOTS)
        shares = [f"{share}% {order};" for order in _ORDERS_OF_SLOTS[1:]]
        return _CONFIGURATION.substitute(
            idle=IDLE_TIMEOUT,
            orders=" ".join([*shares, f"* {_ORDERS_OF_SLOTS[0]};"]),
            port=self.url.rpartition(":")[2],
            registered=self._registered,
            upstreams="\n  ".join(
                f"upstream {slot} {{ server 127.0.0.1:{port}; keepalive 64; "
                f"keepalive_timeout {IDLE_TIMEOUT}s; keepalive_requests 1000000; }}"
                for slot, port in self.ports.items()
            ),
        )


@contextmanager
def balancer(directory: Path) -> Iterator[Balancer]:
    """Run nginx while the context lasts."""
    it = Balancer(directory)
    (directory / "nginx.conf").write_text(it.configuration())
    assert NGINX
    process = subprocess.Popen(  # noqa: S603 - our own configuration
        [NGINX, "-p", directory, "-c", "nginx.conf", "-e", "error.log"]
    )
    try:
        _wait_for(it.url)
        yield it
    finally:
        process.terminate()
        process.wait(timeout=60)


@retry(
    retry=retry_if_exception_type(httpx2.TransportError),
    stop=stop_after_delay(60),
    wait=wait_fixed(0.05),
    reraise=True,
)
def _wait_for(url: str) -> None:
    httpx2.get(url)
