"""Generated pages are what their tables say."""

from __future__ import annotations

import pytest

from tests.documents.generated import PAGES, ROOT, command_names
from tests.documents.waits import WAITS


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_its_table_says(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_each_command_has_one_row_of_its_waits() -> None:
    told = [name for names, _, _ in WAITS for name in names]
    assert sorted(told) == sorted(command_names())
