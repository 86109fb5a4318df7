from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from waystation.errors import ConfigurationError
from waystation.secret import Secret
from waystation.settings import SETTINGS, Setting, Settings, load

CANARY = "canary-value-that-must-not-show"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(name: str) -> Setting:
    return next(row for row in SETTINGS if row.name == name)


def test_every_row_is_a_field_with_help_and_the_other_way_round() -> None:
    rows = [row.name for row in SETTINGS]
    assert rows == [each.name for each in fields(Settings)][: len(rows)]
    assert [each.name for each in fields(Settings)][len(rows) :] == ["origins", "warnings"]
    assert all(row.help.endswith((".", "…")) for row in SETTINGS)


def test_the_names_that_are_fixed_exist() -> None:
    variables = {row.variable for row in SETTINGS}
    assert variables >= {
        f"WAYSTATION_{name}"
        for name in (
            "DATA_DIR", "DATABASE_URL", "DISCORD_URL", "ALLOW_NETWORKS", "PACING_S", "HOST",
            "PORT", "SMTP_URL", "URL", "TOKEN",
        )
    }  # fmt: skip


def test_a_field_with_a_secret_is_a_secret() -> None:
    assert {row.name for row in SETTINGS if row.secret} == {
        "database_url", "key", "listen_url", "smtp_url", "token",
    }  # fmt: skip


def test_without_anything_the_defaults_hold() -> None:
    found = load(environ={})
    assert (found.host, found.pacing_s, found.discord_url) == (
        "127.0.0.1",
        2.5,
        "https://discord.com",
    )
    assert (found.first_answer_s, found.job_timeout_s, found.job_retention_days) == (60, 1800, 31)
    assert found.origins == {}
    assert found.warnings == ()
    assert found.database_path == found.data_dir / "waystation.db"
    assert found.data_dir.is_absolute()


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("WAYSTATION_PORT", "0", "port", 0),
        ("WAYSTATION_PACING_S", "0", "pacing_s", 0.0),
        ("WAYSTATION_PACING_S", "0.25", "pacing_s", 0.25),
        ("WAYSTATION_METRICS", "false", "metrics", False),
        ("WAYSTATION_METRICS", "1", "metrics", True),
        ("WAYSTATION_LOG_FORMAT", "json", "log_format", "json"),
        ("WAYSTATION_DISCORD_URL", "http://127.0.0.1:99/", "discord_url", "http://127.0.0.1:99"),
        ("WAYSTATION_DATA_DIR", "/srv/w", "data_dir", Path("/srv/w")),
        ("WAYSTATION_OTLP_ENDPOINT", "http://a:4318/", "otlp_endpoint", "http://a:4318"),
        ("WAYSTATION_OTLP_ENDPOINT", "https://a/b/v1/traces", "otlp_endpoint", "https://a/b"),
        (
            "WAYSTATION_ALLOW_NETWORKS",
            "127.0.0.0/8, ::1/128,",
            "allow_networks",
            ("127.0.0.0/8", "::1/128"),
        ),
    ],
)
def test_the_environment_is_read(variable: str, text: str, name: str, value: object) -> None:
    found = load(environ={variable: text})
    assert getattr(found, name) == value
    assert found.origins == {name: "environment"}


def test_an_empty_variable_counts_as_absent() -> None:
    assert load(environ={"WAYSTATION_PORT": ""}).port == named("port").default


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("WAYSTATION_PORT", CANARY, "a whole number from 0 to 65535"),
        ("WAYSTATION_PORT", "65536", "a whole number from 0 to 65535"),
        ("WAYSTATION_PORT", "8.5", "a whole number"),
        ("WAYSTATION_PACING_S", "-1", "a number of seconds, at least 0"),
        ("WAYSTATION_PACING_S", "nan", "a number of seconds"),
        ("WAYSTATION_PACING_S", "inf", "a number of seconds"),
        ("WAYSTATION_LOG_FORMAT", CANARY, "one of console, json"),
        ("WAYSTATION_METRICS", CANARY, "true or false"),
        ("WAYSTATION_ALLOW_NETWORKS", CANARY, "networks like"),
        ("WAYSTATION_ALLOW_NETWORKS", "10.0.0.1/8", "networks like"),
        ("WAYSTATION_DISCORD_URL", CANARY, "an http or https URL"),
        ("WAYSTATION_DISCORD_URL", "http://[", "an http or https URL"),
        ("WAYSTATION_DISCORD_URL", "ftp://example.org", "an http or https URL"),
        ("WAYSTATION_OTLP_ENDPOINT", CANARY, "an http or https URL without user"),
        ("WAYSTATION_OTLP_ENDPOINT", f"http://u:{CANARY}@h", "an http or https URL without user"),
        ("WAYSTATION_OTLP_ENDPOINT", f"http://h/?{CANARY}", "an http or https URL without user"),
        ("WAYSTATION_SMTP_URL", f"http://u:{CANARY}@h", "smtp://"),
        ("WAYSTATION_DATABASE_URL", f"mysql://u:{CANARY}@h/d", "postgresql://"),
        ("WAYSTATION_DATABASE_URL", "sqlite:///", "sqlite:///"),
    ],
)
def test_a_value_that_is_not_valid_is_named_and_never_quoted(
    variable: str, text: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(environ={variable: text})
    assert str(caught.value).startswith(f"{variable} must be ")
    assert words in str(caught.value)
    assert CANARY not in str(caught.value)


def test_the_file_is_read_and_the_environment_goes_before_it(empty_folder: Path) -> None:
    (empty_folder / "waystation.toml").write_text(
        'port = 1\nhost = "::1"\nallow_networks = ["10.0.0.0/8"]\npacing_s = 0\ndata_dir = "d"\n'
    )
    found = load(environ={"WAYSTATION_PORT": "2"})
    assert (found.port, found.host, found.pacing_s) == (2, "::1", 0.0)
    assert found.allow_networks == ("10.0.0.0/8",)
    assert found.data_dir == Path("d")
    assert (found.origins["port"], found.origins["host"]) == ("environment", "file")


def test_flags_go_before_everything(empty_folder: Path) -> None:
    found = load(flags={"port": 3}, environ={"WAYSTATION_PORT": "2"})
    assert (found.port, found.origins["port"]) == (3, "flag")
    with pytest.raises(ConfigurationError):
        load(flags={"port": -3}, environ={})


def test_the_file_may_be_named(empty_folder: Path) -> None:
    (empty_folder / "waystation.toml").write_text("port = 1")
    (empty_folder / "a.toml").write_text("port = 2")
    (empty_folder / "b.toml").write_text("port = 3")
    environ = {"WAYSTATION_CONFIG": "a.toml"}
    assert load(environ={}).port == 1
    assert load(environ=environ).port == 2
    assert load(Path("b.toml"), environ=environ).port == 3
    assert load(environ=environ).warnings == ()


def test_a_named_file_that_is_missing_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        load(Path("none.toml"), environ={})


@pytest.mark.parametrize("text", ["port = ", f"token = {CANARY}", "a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_an_error_that_quotes_nothing(
    empty_folder: Path, text: str
) -> None:
    (empty_folder / "waystation.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(environ={})
    assert CANARY not in str(caught.value)


def test_types_in_the_file_are_strict(empty_folder: Path) -> None:
    (empty_folder / "waystation.toml").write_text('port = "8080"')
    with pytest.raises(ConfigurationError, match=r"^waystation\.toml: port must be a whole"):
        load(environ={})


def test_a_list_in_the_file_shows_how_it_is_written(empty_folder: Path) -> None:
    (empty_folder / "waystation.toml").write_text('allow_networks = "10.0.0.0/8"')
    with pytest.raises(ConfigurationError) as caught:
        load(environ={})
    assert str(caught.value) == (
        'waystation.toml: allow_networks must be a list, e.g. ["10.0.0.0/8"].'
    )


def test_broken_toml_tells_the_place(empty_folder: Path) -> None:
    (empty_folder / "waystation.toml").write_text("port = 1\nhost = ?")
    with pytest.raises(ConfigurationError, match="at line 2, column 8"):
        load(environ={})


def test_a_flag_is_called_by_its_name() -> None:
    with pytest.raises(ConfigurationError, match=r"^--port must be"):
        load(flags={"port": -3}, environ={})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("port", 8080), ("metrics", True), ("pacing_s", 2.5), ("allow_networks", [])),
        *(("key", None), ("token", "(set)"), ("contact", None), ("host", "127.0.0.1")),
    ],
)
def test_values_in_json_keep_their_types_and_hide_secrets(name: str, value: object) -> None:
    assert load(environ={"WAYSTATION_TOKEN": CANARY}).plain(name) == value


@pytest.mark.parametrize(
    ("key", "nearest"), [("pacing", "pacing_s"), ("Port", "port"), ("smtp", "smtp_url")]
)
def test_an_unknown_key_of_the_file_is_an_error_that_names_the_nearest(
    empty_folder: Path, key: str, nearest: str
) -> None:
    (empty_folder / "waystation.toml").write_text(f"{key} = 1")
    with pytest.raises(
        ConfigurationError, match=f"`{key}` is not a setting; did you mean `{nearest}`"
    ):
        load(environ={})


def test_an_unknown_key_like_no_other_names_none(empty_folder: Path) -> None:
    (empty_folder / "waystation.toml").write_text("xyzzy = 1")
    with pytest.raises(ConfigurationError, match=r"is not a setting\.$"):
        load(environ={})


def test_an_unknown_variable_is_a_warning() -> None:
    found = load(environ={"WAYSTATION_PROT": "1", "OTHER": "2"})
    assert found.warnings == ("WAYSTATION_PROT is not a setting; did you mean `WAYSTATION_PORT`?",)


@pytest.mark.parametrize("name", ["FOO", "TEST", "XYZZY"])
def test_an_unknown_variable_like_no_other_names_none(name: str) -> None:
    found = load(environ={f"WAYSTATION_{name}": "1"})
    assert found.warnings == (f"WAYSTATION_{name} is not a setting.",)


def test_secrets_are_never_shown() -> None:
    found = load(
        environ={"WAYSTATION_TOKEN": CANARY, "WAYSTATION_SMTP_URL": f"smtp://u:{CANARY}@h"}
    )
    assert found.token.reveal() == CANARY
    assert CANARY not in repr(found)
    shown = {row.name: found.shown(row.name) for row in SETTINGS}
    assert (shown["token"], shown["key"]) == ("(set)", "(not set)")
    assert not any(CANARY in text for text in shown.values())


def test_values_are_shown_as_they_would_be_written() -> None:
    found = load(environ={"WAYSTATION_ALLOW_NETWORKS": "10.0.0.0/8,::1/128"})
    assert found.shown("allow_networks") == "10.0.0.0/8, ::1/128"
    assert (found.shown("metrics"), found.shown("port")) == ("true", "8080")


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///w.db", "w.db"), ("sqlite:////srv/my%20w.db", "/srv/my w.db")],
)
def test_a_database_may_be_named(url: str, path: str) -> None:
    assert load(environ={"WAYSTATION_DATABASE_URL": url}).database_path == Path(path)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_database_may_be_on_a_server(scheme: str) -> None:
    url = f"{scheme}://ada:{CANARY}@host/name"
    found = load(environ={"WAYSTATION_DATABASE_URL": url})
    assert found.postgresql_url == url
    assert load(environ={}).postgresql_url is None


def test_the_process_s_own_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYSTATION_PORT", "7")
    assert load().port == 7


def test_settings_may_be_made_by_hand() -> None:
    made = Settings(port=1, token=Secret("t"))
    assert (made.port, made.host) == (1, "127.0.0.1")


def test_trusted_proxies_are_addresses_or_networks_and_may_be_none() -> None:
    def found(text: str) -> tuple[str, ...]:
        return load(environ={"WAYSTATION_TRUSTED_PROXIES": text}).trusted_proxies

    assert load(environ={}).trusted_proxies == ("127.0.0.1", "::1")
    assert found("10.0.0.5, fd00::/8") == ("10.0.0.5", "fd00::/8")
    assert found(",") == ()
    for wrong in ("*", "proxy.example.org", "10.0.0.5/8"):
        with pytest.raises(ConfigurationError, match="WAYSTATION_TRUSTED_PROXIES"):
            found(wrong)


def test_the_activity_is_usually_where_discord_is() -> None:
    assert "discordsays" in load(environ={}).usual_activity_url
    stand_in = load(environ={"WAYSTATION_DISCORD_URL": "http://127.0.0.1:9"})
    assert stand_in.usual_activity_url == "http://127.0.0.1:9"
