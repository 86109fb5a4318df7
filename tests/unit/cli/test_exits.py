"""Exit codes: every error and every end of a job has the one that scripts rely on."""

from __future__ import annotations

import re

import pytest

from waystation import errors
from waystation.cli.exits import EXITS, Exit, exit_for_error, exit_for_job
from waystation.errors import (
    Busy,
    ConfigurationError,
    Conflict,
    Halted,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    SchemaMismatch,
    StoreError,
    SubscriptionExpired,
    Throttled,
    TooLarge,
    TransportError,
    Unauthorized,
    Unavailable,
    Unreachable,
    UnsupportedMedia,
    VaultError,
    WaystationError,
)


def test_every_exit_code_is_documented() -> None:
    assert set(EXITS) == set(Exit)
    assert all(EXITS.values())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest(), 2),
        (PreconditionFailed(), 2),
        (TooLarge(), 2),
        (UnsupportedMedia(), 2),
        (ConfigurationError(), 2),
        (VaultError(), 2),
        (SchemaMismatch(), 2),
        (Unreachable(), 3),
        (TransportError(), 3),
        (Unavailable(), 3),
        (Unauthorized(), 4),
        (SubscriptionExpired(), 4),
        (Halted(), 5),
        (Busy(), 6),
        (Throttled(), 6),
        (NotFound(), 8),
        (Conflict(), 1),
        (StoreError(), 1),
        (WaystationError(), 1),
    ],
)
def test_an_error_ends_with_the_code_of_its_kind(error: WaystationError, code: int) -> None:
    assert exit_for_error(error) == code


def test_no_error_ends_with_success() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    plain = [kind for kind in kinds if kind.__init__ is WaystationError.__init__]
    assert len(plain) > 15
    assert all(exit_for_error(kind()) is not Exit.OK for kind in plain)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("completed", 200, 0),
        ("started", 200, 0),
        ("progress", 200, 0),
        ("created", 200, 0),
        (None, None, 0),
        ("failed", 502, 1),
        ("failed", 504, 1),
        ("failed", 400, 1),
        ("failed", None, 1),
        ("failed", 596, 5),
        ("failed", 429, 6),
        ("failed", 422, 7),
        ("moderated", 422, 7),
        ("moderated", 200, 7),
        ("cancelled", 200, 9),
    ],
)
def test_a_job_ends_with_the_code_of_its_end(
    status: str | None, code: int | None, expected: int
) -> None:
    assert exit_for_job(status, code) == expected


_ANSWERED = [
    kind for name in errors.__all__ if not issubclass(kind := getattr(errors, name), StoreError)
]
"""A caller of the API never sees the store's."""


@pytest.mark.parametrize("code", [400, 401, 402, 404, 409, 412, 413, 429, 502, 503, 596])
def test_the_row_of_a_refused_request_names_its_status(code: int) -> None:
    kind = next(kind for kind in _ANSWERED if kind.status_hint == code)
    row = re.findall(r"\d{3}", EXITS[exit_for_error(kind())])
    assert str(code) in row


def test_a_status_is_named_by_one_row() -> None:
    named = [code for meaning in EXITS.values() for code in re.findall(r"\d{3}", meaning)]
    assert sorted(named) == sorted(set(named))


def test_a_job_that_failed_counts_by_its_code_where_the_page_says_so() -> None:
    by_code = {code: exit_for_job("failed", code) for code in range(400, 600)}
    other = {code: end for code, end in by_code.items() if end is not Exit.FAILED}
    assert other == {422: Exit.MODERATED, 429: Exit.BUSY, 596: Exit.HALTED}
