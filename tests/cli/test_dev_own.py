"""`cloudmart dev` with a person's own values: a port in `.env`, their own products."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.cli_process import running


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_the_port_in_dotenv_counts_and_the_environment_s_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PORT", raising=False)
    mine, other = _free_port(), _free_port()
    (tmp_path / ".env").write_text(f"PORT={mine}\n")

    with running("-m", "cloudmart", "dev") as command:
        banner = command.read_until("The data is in memory")
        command.send(signal.SIGTERM)
        command.ended()
    with running("-m", "cloudmart", "dev", PORT=str(other)) as command:
        overruled = command.read_until("The data is in memory")

    assert f"http://127.0.0.1:{mine}/api" in banner
    assert f"http://127.0.0.1:{other}/api" in overruled


@pytest.mark.parametrize("port", ["http", "65536", "-1", "5000.0"])
def test_an_invalid_port_in_dotenv_is_reported(port: str, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"PORT={port}\n")

    ended = subprocess.run(
        [sys.executable, "-m", "cloudmart", "dev"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PORT"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert ended.stderr == (f"PORT in .env is no port: {port!r}. Right: a number up to 65535.\n")


def test_one_s_own_products_take_the_place_of_the_samples(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("id,name,price\n7,Teapot,12.50\n8,,1\n9,Cup,3\n")

    # As `make dev CATALOGUE=…` passes it.
    with running("-m", "cloudmart", "dev", "--port", "0", CATALOGUE=str(file)) as command:
        banner = command.read_until("The data is in memory")
        (home,) = {word.removesuffix("/api") for word in banner.split() if word.endswith("/api")}
        products = httpx2.get(f"{home}/api/products", timeout=60, trust_env=False).json()
        command.send(signal.SIGTERM)
        ended = command.ended()

    assert f"  Catalogue  2 products of {file}\n" in banner
    assert {each["id"]: each["name"] for each in products} == {"7": "Teapot", "9": "Cup"}
    assert "line 3: name: is empty" in ended.err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "This catalogue cannot be loaded. It has no entries.\n"),
        (b"a,b\n1,2\n", "This catalogue cannot be loaded. It begins neither as JSON nor"),
    ],
)
def test_a_file_that_is_not_a_catalogue_is_reported(
    content: bytes, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.csv"
    file.write_bytes(content)

    with running("-m", "cloudmart", "dev", "--port", "0", "--catalogue", str(file)) as command:
        ended = command.ended()

    assert ended.code == 1
    assert told in ended.err
    assert "Traceback" not in ended.err
