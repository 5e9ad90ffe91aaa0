"""Where values come from: the first place that has one decides, and is named."""

import json
from pathlib import Path

import pytest

from cloudmart.settings import Loaded, load_settings


def origin(loaded: Loaded, name: str) -> str:
    """Return where a setting came from."""
    return next(each.origin for each in loaded.report.readings if each.variable.name == name)


def mounted(directory: Path, **files: str) -> Path:
    """Write files as Kubernetes mounts a Secret: links to a link to a dated directory."""
    dated = directory / "..2026_11_23"
    dated.mkdir()
    (directory / "..data").symlink_to(dated.name)
    for name, text in files.items():
        (dated / name).write_text(text)
        (directory / name).symlink_to(Path("..data") / name)
    return directory


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    """Provide a file for each setting."""
    path = tmp_path / ".env"
    path.write_text("AI_MAX_STEPS=4\nAZURE_LANGUAGE='de'\nOPENAI_MODEL=dotenv\n")
    return path


def test_an_earlier_place_takes_precedence(tmp_path: Path, dotenv: Path) -> None:
    directory = tmp_path / "secrets"
    directory.mkdir()
    mounted(directory, PORT="2", STARTUP_TIMEOUT="2\n", OPENAI_MODEL="file")
    environ = {
        "ENVIRONMENT": "local",
        "CLOUDMART_SECRETS_DIR": str(directory),
        "CLOUDMART_SECRET_ID": "shop/keys",
        "PORT": "1",
    }
    secret = {"PORT": 3, "STARTUP_TIMEOUT": 3, "SHUTDOWN_GRACE": 3, "RESTART_ON_STALE_CONFIG": True}

    loaded = load_settings(environ, secret, dotenv=dotenv)

    settings, names = loaded.settings, ("PORT", "STARTUP_TIMEOUT", "SHUTDOWN_GRACE")
    assert (settings.port, settings.startup.timeout, settings.startup.shutdown_grace) == (1, 2, 3)
    assert settings.startup.restart_on_stale_config
    assert (settings.openai.model, settings.azure.language) == ("file", "de")
    assert [origin(loaded, name) for name in (*names, "AZURE_LANGUAGE", "BEDROCK_MODE")] == [
        "environment",
        f"files of {directory}",
        "secret shop/keys",
        ".env",
        "default",
    ]


def test_a_call_may_take_longer_in_local_mode_unless_it_is_set(dotenv: Path) -> None:
    local = {"ENVIRONMENT": "local"}
    dotenv.write_text("DYNAMODB_TIMEOUT=2.5\n")

    there, here, told = (
        load_settings({"ENVIRONMENT": "production"}, {}),
        load_settings(local),
        load_settings(local, dotenv=dotenv),
    )

    timeouts = [each.settings.dynamodb.timeout for each in (there, here, told)]
    assert timeouts == [3.5, 30, 2.5]
    assert origin(here, "DYNAMODB_TIMEOUT") == "local mode"


def test_a_blank_value_counts_as_no_value() -> None:
    loaded = load_settings({"CLOUDMART_SECRET_ID": "a", "PORT": " "}, {"PORT": "8000"})

    assert loaded.settings.port == 8000


def test_a_setting_goes_by_its_other_name_too() -> None:
    loaded = load_settings({"AWS_DEFAULT_REGION": "eu-west-1", "CONVERSATIONS_TABLE": "chats"})

    assert loaded.settings.aws.region == "eu-west-1"
    assert loaded.settings.dynamodb.conversations_table == "chats"
    assert {each.name for each in loaded.report.readings} >= {"AWS_DEFAULT_REGION"}


def test_the_first_name_decides_if_both_are_set() -> None:
    loaded = load_settings({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-north-1"})

    assert loaded.settings.aws.region == "eu-north-1"


def test_a_file_of_settings_is_read_in_local_mode_only(dotenv: Path) -> None:
    loaded = load_settings({"ENVIRONMENT": "staging"}, dotenv=dotenv)

    assert loaded.settings.openai.model == "gpt-6-luna"


def test_a_missing_file_of_settings_is_ignored(tmp_path: Path) -> None:
    environ = {"ENVIRONMENT": "local"}

    loaded = load_settings(environ, dotenv=tmp_path / ".env")

    assert loaded == load_settings(environ)


def test_what_says_where_values_come_from_is_read_from_the_environment_alone(
    tmp_path: Path,
) -> None:
    mounted(tmp_path, ENVIRONMENT="local", CLOUDMART_SECRET_ID="other")  # noqa: S106

    loaded = load_settings({"CLOUDMART_SECRETS_DIR": str(tmp_path)}, {"ENVIRONMENT": "local"})

    assert loaded.settings.environment == "production"
    assert loaded.settings.sources.secret_id is None


def test_nothing_is_called_missing_that_an_unread_secret_may_bring() -> None:
    environ = {
        "CLOUDMART_SECRET_ID": "shop/keys",
        "AZURE_ENDPOINT": "https://shop.cognitiveservices.azure.com",
        "OPENAI_API_KEY": "EMPTY",
        "REQUIRED_PROVIDERS": "bigquery",
        "PORT": "todo",
    }

    before = load_settings(environ)
    after = load_settings(environ, {})

    assert [fault.name for fault in before.report.refusals] == ["PORT"]
    assert [fault.name for fault in after.report.refusals] == [
        "PORT",
        "OPENAI_API_KEY",
        "AZURE_API_KEY",
        "REQUIRED_PROVIDERS",
    ]


@pytest.mark.parametrize("text", ["", "sk-secret", "[]", '"sk-secret"', "null", "{"])
def test_a_secret_that_is_not_an_object_is_refused_without_being_shown(text: str) -> None:
    (fault,) = load_settings({"CLOUDMART_SECRET_ID": "a"}, text).report.refusals

    assert fault.sentence == "CLOUDMART_SECRET_ID names a secret that is no JSON object."
    assert fault.shown == "'a'"


@pytest.mark.parametrize("value", [["a"], {"a": 1}, [], 7])
def test_a_value_in_a_secret_that_is_not_text_is_malformed(value: object) -> None:
    text = json.dumps({"OPENAI_API_KEY": value})

    (fault,) = load_settings({"CLOUDMART_SECRET_ID": "a"}, text).report.refusals

    assert fault.variable.name == "OPENAI_API_KEY"


def test_null_in_a_secret_counts_as_none() -> None:
    loaded = load_settings({"CLOUDMART_SECRET_ID": "a"}, '{"OPENAI_API_KEY": null}')

    assert loaded.report.refusals == ()


def test_a_directory_with_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keystore").write_bytes(b"\xfe\xed\xfe\xed")

    (fault,) = load_settings({"CLOUDMART_SECRETS_DIR": str(tmp_path)}).report.refusals

    assert fault.what == "names a directory with a file that is not text"


def test_a_secret_that_is_not_mounted_is_named_as_the_reason(tmp_path: Path) -> None:
    # The kubelet leaves this for an optional Secret that does not exist.
    (tmp_path / "..2026_11_28_04_00_00.1").mkdir()
    (tmp_path / "..data").symlink_to("..2026_11_28_04_00_00.1")
    environ = {"CLOUDMART_SECRETS_DIR": str(tmp_path)}

    (fault,) = load_settings(environ).report.refusals

    assert fault.sentence == (
        "CLOUDMART_SECRETS_DIR names a directory with no file in it: in a cluster the Secret is "
        "missing in this namespace, or has none of the keys that are mounted."
    )


@pytest.mark.parametrize(
    "told", [{"ENVIRONMENT": "local"}, {"CLOUDMART_SECRET_ID": "cloudmart/production"}]
)
def test_no_mounted_secret_is_needed_where_keys_are_optional_or_come_from_aws(
    tmp_path: Path, told: dict[str, str]
) -> None:
    report = load_settings({"CLOUDMART_SECRETS_DIR": str(tmp_path)} | told).report

    assert (report.refusals, report.tolerated) == ((), ())


def test_a_key_of_the_config_map_that_names_a_table_is_not_a_misspelt_setting(
    tmp_path: Path,
) -> None:
    mounted(tmp_path, **{"conversations-table": "a", "orders-table": "b", "AI_MAX_STEP": "3"})

    report = load_settings({"CLOUDMART_CONFIG_DIR": str(tmp_path)}).report

    assert [each.name for each in report.misspelt] == ["AI_MAX_STEP"]
