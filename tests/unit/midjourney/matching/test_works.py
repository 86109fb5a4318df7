"""Works, counted beside pictures of a red fox that wait; how they are told apart is elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.build import replace
from tests.fakes import START
from tests.harness.asks import A, B, a_job, a_reading
from waystation.jobs import Job, MessageRole
from waystation.midjourney.captions import Caption
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.elimination import Owners, with_picture
from waystation.midjourney.matching.works import works
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import snowflake_at

ALONE, BOTH = frozenset({A}), frozenset({A, B})


def _id(seconds: float) -> str:
    return snowflake_at(START + timedelta(seconds=seconds))


def _fox(name: str, **fields: Any) -> Job:
    fox = {"submitted_at": START, **fields}
    return replace(a_job(name, **fox), verb="imagine", params={"prompt": "a red fox"})


def _picture(seconds: float, **shown: Any) -> Reading:
    return replace(
        a_reading(_id(seconds), ReplyKind.PICTURE, **shown), caption=Caption("a red fox")
    )


def _begin(candidates: Candidates, seconds: float, **fields: Any) -> str:
    """Let a progress be seen that nobody could claim. Returns: its message"""
    progress = a_reading(_id(seconds), ReplyKind.PROGRESS, **fields)
    caption = Caption("a red fox", percent=0)
    candidates.others.strangers.note(replace(progress, caption=caption), unclaimed=True)
    return _id(seconds)


def _counted(
    candidates: Candidates, *pictures: tuple[Reading, frozenset[str]]
) -> tuple[Owners, Owners]:
    readings = {one.shown.message_id: one for one, _ in pictures}
    owners = {one.shown.message_id: asks for one, asks in pictures}
    found = works(candidates, readings, owners)
    return found.pictures, found.begun


def test_a_progress_is_a_work_of_its_own_or_one_with_an_older_picture() -> None:
    candidates, picture = Candidates([_fox("a")]), _picture(5)
    before, after = _begin(candidates, 1), _begin(candidates, 9)
    pictures, begun = _counted(candidates, (picture, ALONE))
    assert begun == {before: {A, with_picture(_id(5))}, after: {A}}
    assert pictures == {_id(5): {A}}


def test_a_progress_of_another_uuid_than_the_pictures_is_beside_it() -> None:
    candidates = Candidates([_fox("a")])
    other = _begin(candidates, 1, hash="other")
    _, begun = _counted(candidates, (_picture(5, hash="drawn"), ALONE))
    assert begun == {other: {A}}


def test_a_progress_with_which_a_picture_has_begun_is_no_other_work() -> None:
    candidates = Candidates([_fox("a")])
    _begin(candidates, 1, hash="drawn")
    silent = _begin(candidates, 2)
    _, begun = _counted(candidates, (_picture(5, hash="drawn"), ALONE))
    assert begun == {silent: {A}}


def test_a_progress_is_no_work_with_a_picture_whose_asks_have_not_begun_with_it() -> None:
    own = {"1": MessageRole.PROGRESS}
    candidates = Candidates([_fox("a"), _fox("b", messages=own)])
    progress = _begin(candidates, 1)
    _, begun = _counted(candidates, (_picture(5), frozenset({B})))
    assert begun == {progress: {A}}


def test_a_message_that_no_ask_has_begun_is_an_ask_and_no_work() -> None:
    candidates = Candidates([])
    _begin(candidates, 1)
    assert _counted(candidates, (_picture(5), ALONE)) == ({_id(5): ALONE}, {})


def test_a_message_that_names_an_interaction_may_be_a_strangers_beside_other_works() -> None:
    """R20: nothing else could be the job's, so it is; then another picture could be."""
    candidates, first, second = Candidates([_fox("a")]), _picture(5), _picture(9)
    progress = _begin(candidates, 1, interaction_id="66")
    stranger = f"stranger {progress}"
    assert _counted(candidates, (first, ALONE))[0] == {_id(5): {A}}
    pictures, begun = _counted(candidates, (first, ALONE), (second, ALONE))
    both = {A, stranger}
    assert pictures == {_id(5): both, _id(9): both}
    assert begun[progress] == {*both, with_picture(_id(5)), with_picture(_id(9))}


def test_a_younger_message_that_names_an_interaction_is_contested() -> None:
    candidates = Candidates([_fox("a")])
    progress = _begin(candidates, 9, interaction_id="66")
    pictures, begun = _counted(candidates, (_picture(5), ALONE))
    assert pictures == {_id(5): {A}}
    assert begun == {progress: {A, f"stranger {progress}"}}


def test_a_picture_of_a_strangers_progress_may_be_his_where_another_waits() -> None:
    candidates = Candidates([_fox("a"), _fox("b")])
    progress = _begin(candidates, 9, interaction_id="66", hash="drawn")
    drawn = _picture(12, hash="drawn")
    assert _counted(candidates, (drawn, ALONE))[0] == {_id(12): {A}}
    pictures, begun = _counted(candidates, (_picture(5), BOTH), (drawn, ALONE))
    assert (pictures, begun) == ({_id(5): BOTH, _id(12): {A, f"stranger {progress}"}}, {})
