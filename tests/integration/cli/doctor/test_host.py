"""The doctor's findings on this host."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from tests.fakes import START
from waystation.cli.doctor.findings import Finding
from waystation.cli.doctor.host import (
    look_at_database,
    look_at_key,
    look_at_settings,
    look_at_traces,
    look_at_users,
)
from waystation.errors import SchemaMismatch, StoreError, VaultError
from waystation.ports import Counts, User
from waystation.settings import Settings, load
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.migrate import migrate, migrations
from waystation.vault import KEY_FILE


def settings(tmp_path: Path, **environment: str) -> Settings:
    return load(environ={"WAYSTATION_DATA_DIR": str(tmp_path / "data"), **environment})


@pytest.fixture
def made(tmp_path: Path) -> Settings:
    """Return the settings of an installation with a database of today's schema."""
    found = settings(tmp_path)
    found.data_dir.mkdir(mode=0o700)
    found.database_path.touch(mode=0o600)
    connection = connect(found.database_path)
    migrate(connection, START, None)
    connection.close()
    return found


def levels(findings: Any) -> list[str]:
    return [finding.level for finding in findings]


def only(findings: Any) -> Finding:
    (found,) = findings
    assert isinstance(found, Finding)
    return found


def test_a_quiet_installation_has_nothing_odd(made: Settings) -> None:
    assert list(look_at_settings(made)) == []


def test_traces_are_off_or_go_to_a_collector(tmp_path: Path) -> None:
    assert "off" in look_at_traces(settings(tmp_path)).what
    told = look_at_traces(settings(tmp_path, WAYSTATION_OTLP_ENDPOINT="http://127.0.0.1:4318"))
    assert (told.level, told.what) == ("ok", "go to http://127.0.0.1:4318/v1/traces")


def test_an_unknown_variable_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    found = settings(tmp_path, WAYSTATION_PORTT="1")
    (tmp_path / "data").mkdir(mode=0o700)
    assert "WAYSTATION_PORT" in only(look_at_settings(found)).what


@pytest.mark.parametrize(
    ("host", "count"), [("0.0.0.0", 1), ("::", 1), ("10.0.0.1", 1), ("::1", 0), ("localhost", 0)]
)
def test_listening_to_the_network_is_told(tmp_path: Path, host: str, count: int) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    assert len(list(look_at_settings(settings(tmp_path, WAYSTATION_HOST=host)))) == count


def test_leftovers_of_a_trial_are_told_with_the_real_discord(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    trial = {
        "WAYSTATION_MIDJOURNEY_CDN_URL": "http://127.0.0.1:8765",
        "WAYSTATION_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    pictures, reach = look_at_settings(settings(tmp_path, **trial))
    assert "Unset WAYSTATION_MIDJOURNEY_CDN_URL" in str(pictures.mend)
    assert "Unset WAYSTATION_ALLOW_NETWORKS" in str(reach.mend)
    simulated = settings(tmp_path, WAYSTATION_DISCORD_URL="http://127.0.0.1:8765", **trial)
    assert list(look_at_settings(simulated)) == []


def test_haste_towards_the_real_discord_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    hasty = settings(tmp_path, WAYSTATION_PACING_S="0")
    assert "not paced" in only(look_at_settings(hasty)).what
    simulated = settings(
        tmp_path, WAYSTATION_PACING_S="0", WAYSTATION_DISCORD_URL="http://127.0.0.1:1"
    )
    assert list(look_at_settings(simulated)) == []


def test_a_data_directory_open_to_others_is_told(made: Settings) -> None:
    made.data_dir.chmod(0o755)
    assert only(look_at_settings(made)).mend == f"chmod o-rwx {made.data_dir}"


def test_a_full_disk_is_an_error(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5 * 1024 * 1024))
    finding = only(look_at_settings(made))
    assert (finding.level, "only 5 MiB" in finding.what) == ("error", True)


def test_a_data_directory_that_is_not_there_yet_is_told(tmp_path: Path) -> None:
    assert levels(look_at_settings(settings(tmp_path))) == ["warning"]


def test_a_data_directory_that_cannot_be_made_names_the_mend(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    inside = load(environ={"WAYSTATION_DATA_DIR": str(tmp_path / "data" / "deeper")})
    for found in (settings(tmp_path), inside):
        finding = only(look_at_settings(found))
        assert finding.level == "error" and "is not a directory" in finding.what
        assert "WAYSTATION_DATA_DIR" in finding.mend
        assert levels(look_at_database(found)) == ["warning"]


def test_a_database_of_this_version_is_fine(made: Settings) -> None:
    assert only(look_at_database(made)).level == "ok"


def test_no_database_is_usual_before_the_first_start_and_stays_none(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert only(look_at_database(found)).level == "warning"
    assert not found.database_path.exists()


def test_an_older_schema_is_not_migrated_by_looking(made: Settings) -> None:
    connection = apsw.Connection(str(made.database_path))
    connection.execute("delete from migrations")
    connection.close()
    finding = only(look_at_database(made))
    assert (finding.level, finding.mend) == ("error", "`waystation migrate`")


def test_a_newer_schema_asks_for_the_newer_version(made: Settings) -> None:
    connection = apsw.Connection(str(made.database_path))
    connection.execute("insert into migrations (number, name, applied_at) values (99, 'x', 0)")
    connection.close()
    finding = only(look_at_database(made))
    assert finding.level == "error" and f"knows {migrations()[-1].number}" in finding.what


def test_a_file_that_is_no_database_is_told(made: Settings) -> None:
    made.database_path.write_text("a diary\n" * 1000)
    finding = only(look_at_database(made))
    assert finding.level == "error" and "cannot be read" in finding.what


def test_a_damaged_database_is_told(made: Settings) -> None:
    whole = bytearray(made.database_path.read_bytes())
    whole[-4096:] = bytes(4096)
    made.database_path.write_bytes(bytes(whole[: len(whole) // 2]))
    assert only(look_at_database(made)).level == "error"


def test_a_key_that_fits_is_fine_and_others_name_the_mend(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert only(look_at_key(found, None)).level == "ok"
    wrong = only(look_at_key(found, VaultError("Put back the key file.")))
    assert (wrong.level, wrong.mend) == ("error", "Put back the key file.")
    gone = only(look_at_key(found, VaultError("The key file k is missing. Put it back, or else.")))
    assert (gone.what, gone.mend) == ("The key file k is missing", "Put it back, or else.")
    assert only(look_at_key(found, SchemaMismatch())).mend == "`waystation migrate`"
    assert only(look_at_key(found, StoreError())).level == "error"
    assert "WAYSTATION_KEY" in only(look_at_key(settings(tmp_path, WAYSTATION_KEY="x"), None)).what


def test_users_count_only_with_a_token_that_works() -> None:
    ada = User(1, "ada@example.org", START, b"")
    gone = User(2, "gone@example.org", START, b"", revoked_at=START)
    late = User(3, "late@example.org", START, b"", expires_at=START)
    now = START + timedelta(days=1)
    works, _ = look_at_users([ada, gone, late], Counts(), now)
    assert works.what == "1 with a token that works"
    nobody = only(look_at_users([], Counts(), now))
    assert nobody.level == "warning" and "users add" in nobody.mend


def test_where_all_users_are_revoked_a_new_token_is_the_mend() -> None:
    gone, lost = (
        User(number, f"{name}@example.org", START, b"", revoked_at=START)
        for number, name in ((2, "gone"), (3, "lost"))
    )
    revoked = only(look_at_users([gone, lost], Counts(), START))
    assert revoked.what == "the tokens of all 2 users are revoked: nobody can call the API"
    assert "`waystation users rotate gone@example.org`" in revoked.mend
    alone = only(look_at_users([gone], Counts(), START))
    assert alone.what == "the token of the only user is revoked: nobody can call the API"
    late = User(4, "late@example.org", START, b"", expires_at=START)
    assert "ended" in only(look_at_users([gone, late], Counts(), START)).what


def test_a_user_whose_subscription_has_ended_is_named_with_the_mend() -> None:
    late = User(3, "late@example.org", START, b"", expires_at=START)
    gone = User(4, "gone@example.org", START, b"", expires_at=START, revoked_at=START)
    finding = only(look_at_users([late, gone], Counts(), START))
    assert finding.level == "warning"
    assert finding.what == f"the subscription of late@example.org ended {START:%Y-%m-%d %H:%M} UTC"
    assert "`waystation users expire late@example.org --on DATE`" in finding.mend


def test_messages_that_nobody_understood_are_told() -> None:
    ada = User(1, "ada@example.org", START, b"")
    found = list(look_at_users([ada], Counts(unrecognised=4), START))
    assert levels(found) == ["ok", "warning"] and found[1].what.startswith("4 bot messages")


@pytest.mark.parametrize(
    ("mode", "level", "may"),
    [(0o666, "error", "change"), (0o620, "error", "change"), (0o640, "warning", "read")],
)
def test_a_file_with_secrets_that_others_may_use_is_told(
    made: Settings, mode: int, level: str, may: str
) -> None:
    key = made.data_dir / KEY_FILE
    for path in (made.database_path, key):
        path.touch()
        path.chmod(mode)
        _, finding = look_at_database(made)
        # a service does not open a key file that others may read
        expected = "error" if path == key else level
        assert finding.level == expected
        assert finding.what.startswith(f"others on this host may {may} {path}")
        assert finding.mend == f"chmod go-rwx {path}"
        path.chmod(0o600)
    assert only(look_at_database(made)).level == "ok"
