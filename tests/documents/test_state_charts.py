"""The pictures of the state machines cannot lie: they are drawn from the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.charts import PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_chart_is_drawn_from_its_table(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == PAGES[page](), "run `make charts`"


def test_every_chart_in_the_documents_is_drawn() -> None:
    (folder,) = {page.parent for page in PAGES}
    assert set(folder.glob("*.md")) == set(PAGES)
