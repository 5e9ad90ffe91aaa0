"""No secret is committed."""

from pathlib import Path

import pytest

from tests.support.secret_scan import committed, known, scan


def test_nothing_that_looks_like_a_secret_is_new() -> None:
    found = scan(committed())

    new = sorted((path, kind) for path, kind, _ in found - known())
    assert new == [], "if it is none, `make secrets` writes it down; if it is one, revoke it"


def test_nothing_is_written_down_that_is_gone() -> None:
    assert sorted(known() - scan({path for path, _, _ in known()})) == []


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "Q8ZP3R7LKM" + "2WX5TY",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "https://ann:" + "Zp3Q8R7hunter@shop.example.org",
        "ghp_" + "Zp3Q8R7LKM2WX5TYb4c6d8e0f1a3B5D7F9G2",
    ],
)
@pytest.mark.parametrize("folder", ["cloudmart", "tests"])
def test_a_secret_is_found(secret: str, folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "module.py").write_text(f'ADDRESS = "{secret}"\n')

    found = scan([f"{folder}/module.py"], tmp_path)

    assert {path for path, _, _ in found} == {f"{folder}/module.py"}
