from __future__ import annotations

from types import SimpleNamespace

import asyncpg
import pytest

from waystation.store.postgresql.failures import not_opened, too_old, version_of

URL = "postgresql://ada:canary@h/way"

SAID = [
    (OSError("refused"), "cannot be reached (refused)", "Start the server"),
    (TimeoutError(), "cannot be reached (no answer in time)", "Start the server"),
    (asyncpg.InvalidPasswordError("password"), "refused user or password", "Correct them"),
    (asyncpg.ProtocolViolationError("SASL authentication failed"), "refused user", "Correct them"),
    (asyncpg.InvalidCatalogNameError("no"), "There is no database way", "`createdb way`"),
    (asyncpg.ProtocolViolationError("no such database: way"), "There is no", "`createdb way`"),
    (
        asyncpg.ProtocolViolationError("transaction blocks not allowed in statement pooling mode"),
        "statement mode",
        "pool_mode = transaction",
    ),
    (asyncpg.UndefinedFileError("extension pg_trgm"), "extension pg_trgm", "CREATE EXTENSION"),
    (asyncpg.InsufficientPrivilegeError("denied"), "ada may not", "OWNER TO ada"),
    (asyncpg.TooManyConnectionsError("full"), "in use", "WAYSTATION_DATABASE_CONNECTIONS"),
    (asyncpg.CannotConnectNowError("starting"), "starts or stops", "Try again"),
    (asyncpg.UndefinedTableError("gone"), "cannot be used: gone", "Look at"),
]


@pytest.mark.parametrize(("error", "words", "mend"), SAID)
def test_an_error_is_told_with_its_mend_and_without_the_password(
    error: Exception, words: str, mend: str
) -> None:
    told = not_opened(URL, error)
    assert words in told.message and mend in str(told.details)
    assert "canary" not in f"{told.message} {told.details}"


def test_a_url_that_is_not_valid_is_named_and_not_quoted() -> None:
    told = not_opened("postgresql://h:canary/way", ValueError("port"))
    assert "not valid" in told.message and "canary" not in told.message


@pytest.mark.parametrize(
    ("given", "told"),
    [((15, 0, 18), (15, "15.18")), ((9, 6, 24), (9, "9.6")), ((16, 0, 0), (16, "16.0"))],
)
def test_a_version_is_told_as_its_users_say_it(
    given: tuple[int, int, int], told: tuple[int, str]
) -> None:
    version = SimpleNamespace(**dict(zip(("major", "minor", "micro"), given, strict=True)))
    assert version_of(SimpleNamespace(get_server_version=lambda: version)) == told


def test_an_old_server_is_told_the_version_that_is_needed() -> None:
    told = too_old(URL, "14.3")
    assert told.message == (
        "The PostgreSQL server at h:5432 has version 14.3; Waystation needs 15 or newer"
    )
