"""The end that each refusal of Discord, and each error before it, brings a job and its account."""

from __future__ import annotations

import pytest

from waystation.actions import Refused
from waystation.discord_refusals import MEANINGS, TOKEN_REJECTED
from waystation.errors import (
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
    Unreachable,
)
from waystation.jobs import Failed
from waystation.jobs import Refused as RefusedEvent
from waystation.midjourney.asking.outcomes import End, is_for_now, not_sent, refused
from waystation.sidelining import Cause

HTTP = "Discord /interactions failed with HTTP status"
CAPTCHA = "Discord asks for a human check (CAPTCHA)"

SAID = '{"message": "No"}'

REFUSED = [
    # status, kind, the job's code and error, the halt
    (429, "rate_limited", 429, f"{HTTP} 429", None),
    (400, "captcha", 596, CAPTCHA, CAPTCHA),
    (401, "unauthorized", 596, f"{HTTP} 401", TOKEN_REJECTED),
    (403, "blocked", 596, f"{HTTP} 403", f"{HTTP} 403: {SAID}"),
    (400, "outdated", 502, f"{HTTP} 400", None),
    (404, "target", 400, f"{HTTP} 404", None),
    (403, "account", 502, f"{HTTP} 403", None),
    (400, "invalid", 502, f"{HTTP} 400", None),
]


@pytest.mark.parametrize(("status", "kind", "code", "error", "halt"), REFUSED)
def test_each_refusal_ends_its_job_and_some_halt_the_account(
    status: int, kind: str, code: int, error: str, halt: str | None
) -> None:
    answer = Refused(status, SAID, kind, discord_code="50001")
    cause = Cause(status, "50001", SAID) if kind == "account" else None
    mended = kind == "unauthorized"
    assert refused(answer) == End(RefusedEvent(code, error, SAID), halt, mended, cause)
    # a press that Discord has executed is not refused any more (R25)
    assert refused(answer, opened=True) == End(Failed(code, error, SAID), halt, mended, cause)


def test_no_meaning_is_without_a_row() -> None:
    assert {kind for _, kind, _, _, _ in REFUSED} == set(MEANINGS)


FORBIDDEN = RequestRefused(403, "said", "account", "50001")

ERRORS: list[tuple[TransportError, End]] = [
    (Unreachable("no answer"), End(Failed(502, "no answer"))),
    (TransportError("another host"), End(Failed(502, "another host"))),
    (
        RequestRefused(413, "said"),
        End(Failed(400, "Discord refused the picture as too large", "said")),
    ),
    (
        RequestRefused(404, "said"),
        End(Failed(502, "Discord answered with HTTP status 404", "said")),
    ),
    (
        FORBIDDEN,
        End(
            Failed(502, "Discord answered with HTTP status 403", "said"),
            cause=Cause(403, "50001", "said"),
        ),
    ),
    (NotAuthorised("rejected"), End(Failed(596, "rejected"), TOKEN_REJECTED, True)),
    (HumanCheckRequired("look"), End(Failed(596, "look"), "look")),
]


@pytest.mark.parametrize(("error", "end"), ERRORS)
def test_an_ask_that_could_not_be_sent_ends_its_job(error: TransportError, end: End) -> None:
    assert not_sent(error) == end


@pytest.mark.parametrize(
    ("error", "for_now"),
    [
        (RequestRefused(429, "said"), True),
        (RequestRefused(500, "said"), True),
        (RequestRefused(499, "said"), False),
        (RequestRefused(404, "said"), False),
        (Unreachable("no answer"), True),
        (NotAuthorised("rejected"), False),
        (TransportError("another host"), False),
    ],
)
def test_a_refusal_that_is_soon_over_is_told_from_others(
    error: TransportError, for_now: bool
) -> None:
    assert is_for_now(error) is for_now
