from __future__ import annotations

from pathlib import Path

import pytest

from waystation.client.bodies import form_data, given
from waystation.errors import PreconditionFailed


def test_fields_that_are_none_are_left_out() -> None:
    assert given(jobsADay=0, maxJobs=None, name="") == {"jobsADay": 0, "name": ""}


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreconditionFailed, match=r"none\.png cannot be read"):
        await form_data({}, {"describeFile": tmp_path / "none.png"})


async def test_a_list_and_a_truth_value_are_texts_in_a_form() -> None:
    form = await form_data({"queue": True, "blendUrls": ["a", "b"], "priority": 5}, {"f": b"x"})
    assert [value for *_, value in form._fields] == ["true", "a b", "5", b"x"]
