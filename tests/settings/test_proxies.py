"""Variables that would break every HTTP client of a provider are refused at the start."""

from pathlib import Path

import certifi
import pytest

from cloudmart.settings import Provider, load_settings, why_disabled
from cloudmart.settings.report import refusal

OPENAI = {"OPENAI_API_KEY": "sk-Zp3Q8R7"}
AZURE = {
    "AZURE_ENDPOINT": "https://shop.cognitiveservices.azure.com/",
    "AZURE_API_KEY": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
}
BIGQUERY = {
    "GOOGLE_CLOUD_PROJECT_ID": "shop-analytics-4711",
    "BIGQUERY_DATASET_ID": "shop",
    "BIGQUERY_TABLE_ID": "shop-orders",
}
JWT = {
    "AUTH": "jwt",
    "JWT_ISSUER": "https://login.shop.org",
    "JWT_AUDIENCE": "3n4b5urk1ft4fl3mg5e62d9ado",
}


def sentences(environ: dict[str, str]) -> set[str]:
    """Return the refusals."""
    return {fault.sentence for fault in load_settings(environ).report.refusals}


@pytest.mark.parametrize("client", [OPENAI, AZURE, JWT], ids=["openai", "azure", "jwt"])
@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem", "names a file that is not there"),
        ("SSL_CERT_FILE", "/etc", "names something that cannot be read as a file"),
        ("SSL_CERT_FILE", "/etc/passwd", "names a file that holds no certificate"),
        ("SSL_CERT_DIR", "/nowhere", "names a directory that is not there"),
        ("HTTPS_PROXY", "http://proxy:port", "is not the address of a proxy"),
        ("HTTPS_PROXY", "proxy:port", "is not the address of a proxy"),
        ("HTTPS_PROXY", "http://", "is not the address of a proxy"),
        ("HTTPS_PROXY", "not a proxy", "is not the address of a proxy"),
        ("HTTPS_PROXY", "http://[::1", "is not the address of a proxy"),
        ("HTTPS_PROXY", "http://proxy:99999", "is not the address of a proxy"),
        ("https_proxy", "ftp://proxy:80", "is not the address of a proxy"),
        ("HTTP_PROXY", "http://proxy:port", "is not the address of a proxy"),
        (
            "all_proxy",
            "socks5://proxy:1080",
            "names a SOCKS proxy, and only http:// and https:// proxies can be used",
        ),
    ],
)
def test_what_breaks_a_client_stops_the_start_with_its_variable(
    client: dict[str, str], name: str, value: str, what: str
) -> None:
    assert sentences(client | {name: value}) == {f"{name} {what}."}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_bigquerys_client_reads_other_variables(name: str) -> None:
    value = {name: "/nowhere/ca.pem"}

    assert sentences(BIGQUERY | value) == {f"{name} names a file that is not there."}
    assert sentences(OPENAI | value) == set()


@pytest.mark.parametrize(
    "environ",
    [
        {"SSL_CERT_FILE": certifi.where(), "SSL_CERT_DIR": "/etc"},
        {"SSL_CERT_FILE": "", "HTTPS_PROXY": "", "https_proxy": ""},
        {"HTTPS_PROXY": "http://ann:secret@proxy.internal:3128", "NO_PROXY": "10.0.0.0/8,.svc,::1"},
        {"HTTPS_PROXY": "10.0.0.1:3128"},
        {"HTTPS_PROXY": "https://[fd00::1]:3128"},
        {"HTTPS_PROXY": "http://proxy:port", "https_proxy": "http://proxy:3128"},
    ],
)
def test_what_works_is_not_refused(environ: dict[str, str]) -> None:
    assert sentences(OPENAI | AZURE | JWT | environ) == set()


def test_who_has_no_such_client_is_not_bothered() -> None:
    assert sentences({"SSL_CERT_FILE": "/nowhere", "HTTPS_PROXY": "http://proxy:port"}) == set()


def test_a_degraded_start_disables_the_providers_and_not_the_check_of_tokens() -> None:
    environ = OPENAI | AZURE | {"DEGRADED_START": "true", "SSL_CERT_FILE": "/nowhere/ca.pem"}

    loaded = load_settings(environ)

    reasons = why_disabled(loaded.settings)
    assert loaded.report.refusals == ()
    assert reasons[Provider.OPENAI] == "SSL_CERT_FILE names a file that is not there."
    assert reasons[Provider.AZURE] == reasons[Provider.OPENAI]
    assert len(sentences(environ | JWT)) == 1


def test_the_message_names_it_once_and_hides_a_proxy_s_password() -> None:
    environ = OPENAI | AZURE | JWT | {"HTTPS_PROXY": "http://ann:hunter2@proxy:port"}

    message = refusal(load_settings(environ).report.refusals)

    assert message.count("HTTPS_PROXY is not the address of a proxy") == 1
    assert "1 setting is wrong" in message
    assert "right: http://proxy.internal:3128, or unset" in message
    assert "hunter2" not in message


def test_files_are_looked_for_where_the_process_runs(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(Path(certifi.where()).read_text())

    assert sentences(OPENAI | {"SSL_CERT_FILE": str(bundle)}) == set()
