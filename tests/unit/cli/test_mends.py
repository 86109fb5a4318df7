"""What helps, beside the words of the API."""

from __future__ import annotations

import pytest

from waystation.api.sentences import SENTENCES
from waystation.cli.mends import MENDS, mends
from waystation.errors import Busy, ButtonRepeated, InvalidRequest

_OF_THE_STORE = {"A user with this e-mail exists."}


def test_every_row_is_a_sentence_that_the_api_has() -> None:
    said = {sentence.text for rows in SENTENCES.values() for sentence in rows}
    assert set(MENDS) - _OF_THE_STORE <= said


@pytest.mark.parametrize("message", MENDS)
def test_a_sentence_of_the_api_has_its_command(message: str) -> None:
    [(what, command)] = mends(InvalidRequest(message))
    assert what.endswith(":") and command.startswith("waystation ")


def test_what_is_busy_or_done_names_its_jobs() -> None:
    busy = Busy(executing_jobs=["job:1"], retry_after_s=4)
    assert list(mends(busy)) == [("running: job:1", ""), ("try again in 4 s", "")]
    repeated = ButtonRepeated(jobid="job:1")
    assert list(mends(repeated)) == [("its result:", "waystation jobs show job:1")]


def test_other_errors_speak_for_themselves() -> None:
    assert list(mends(InvalidRequest("prompt is missing"))) == []
