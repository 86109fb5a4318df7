from __future__ import annotations

from collections.abc import Iterator

import pytest

from waystation import errors
from waystation.errors import (
    Busy,
    ConfigurationError,
    RequestRefused,
    Throttled,
    Unauthorized,
    WaystationError,
)
from waystation.quotas import Quota


def family(root: type[WaystationError]) -> Iterator[type[WaystationError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


EVERY = [cls for cls in family(WaystationError) if cls.__module__ == errors.__name__]


def drawn(root: type[WaystationError], stem: str = "", twig: str = "") -> list[str]:
    """Draw the tree of classes the way the module's docstring does."""
    lines = [twig + root.__name__]
    children = root.__subclasses__()
    for child in children:
        last = child is children[-1]
        branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        lines += drawn(child, stem + below, stem + branch)
    return lines


def test_the_docstring_shows_every_error_where_it_belongs() -> None:
    assert errors.__doc__ is not None
    assert "\n".join(drawn(WaystationError)) in errors.__doc__


def test_every_error_is_exported_and_nothing_else() -> None:
    assert set(errors.__all__) == {cls.__name__ for cls in EVERY}


SEED_STATUS = {
    "InvalidRequest": 400,
    "Unauthorized": 401,
    "SubscriptionExpired": 402,
    "NotFound": 404,
    "Conflict": 409,
    "PreconditionFailed": 412,
    "TooLarge": 413,
    "Busy": 429,
    "Throttled": 429,
    "RateLimited": 429,
    "TransportError": 502,
    "Unavailable": 503,
    "Halted": 596,
}


@pytest.mark.parametrize(("name", "status"), SEED_STATUS.items())
def test_status_hints_are_v2s(name: str, status: int) -> None:
    assert getattr(errors, name).status_hint == status


def plain(cls: type[WaystationError]) -> WaystationError:
    if cls is RequestRefused:
        return RequestRefused(403, "body")
    if cls is errors.NotAnsweredYet:
        return errors.NotAnsweredYet(3)
    return cls()


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_every_error_has_a_message_of_its_own(cls: type[WaystationError]) -> None:
    error = plain(cls)
    assert error.message
    assert str(error) == error.message
    assert "\n" not in error.message
    assert cls.__doc__ != WaystationError.__doc__ or cls is WaystationError


def test_the_class_docstring_is_the_default_message() -> None:
    assert Unauthorized().message == "Unauthorized"
    assert Unauthorized("No").message == "No"
    assert ConfigurationError("x", details="y").details == "y"


def test_busy_names_jobs_only_when_there_are_any_to_name() -> None:
    assert Busy().executing_jobs is None
    assert Busy(executing_jobs=["a", "b"]).executing_jobs == ("a", "b")
    assert Throttled(retry_after_s=30).retry_after_s == 30
    assert Busy().retry_after_s == 10


def test_busy_keeps_the_limit_that_was_reached() -> None:
    quota = Quota("jobs", 3, 0)
    assert Busy(quota=quota).quota is quota


def test_discords_words_are_kept() -> None:
    refused = RequestRefused(429, '{"retry_after":10}')
    assert (refused.status, refused.body) == (429, '{"retry_after":10}')
    assert refused.details == refused.body
