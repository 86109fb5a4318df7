"""Exit codes: every error and every end of a job has the one that scripts rely on."""

from __future__ import annotations

import pytest

from waystation import errors
from waystation.cli.exits import EXITS, Exit, exit_for_error, exit_for_job
from waystation.errors import (
    Busy,
    ConfigurationError,
    Conflict,
    Halted,
    InvalidRequest,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    StoreError,
    SubscriptionExpired,
    Throttled,
    TooLarge,
    TransportError,
    Unauthorized,
    Unavailable,
    Unreachable,
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
        (ConfigurationError(), 2),
        (Unreachable(), 3),
        (TransportError(), 3),
        (Unavailable(), 3),
        (Unauthorized(), 4),
        (SubscriptionExpired(), 4),
        (NotAllowed(), 4),
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
