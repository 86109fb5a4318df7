from __future__ import annotations

import base64

from waystation.signatures import SECRET_BYTES, as_text, signatures

SECRET = bytes(range(24))
"""The key of the example of Standard Webhooks' own tests is as long."""

BODY = b'{"test": 2432232314}'
SPECIFIED = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_a_secret_is_shown_as_standard_webhooks_has_it() -> None:
    assert as_text(SPECIFIED) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert 24 <= SECRET_BYTES <= 64


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    """Standard Webhooks, the test vector that its libraries share."""
    told = signatures([SPECIFIED], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY)
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_secret_signs_and_spaces_part_the_signatures() -> None:
    both = signatures([SPECIFIED, SECRET], "id", 1, BODY)
    assert both.split(" ") == [
        signatures([SPECIFIED], "id", 1, BODY),
        signatures([SECRET], "id", 1, BODY),
    ]


def test_without_a_secret_nothing_is_signed() -> None:
    assert signatures([], "id", 1, BODY) == ""


def test_each_part_of_what_is_signed_counts() -> None:
    told = {
        signatures([SECRET], id, at, body)
        for id in ("a", "b")
        for at in (1, 2)
        for body in (b"{}", b"{ }")
    }
    assert len(told) == 8
