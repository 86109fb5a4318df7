from __future__ import annotations

import pytest

from waystation.store.folding import folded


@pytest.mark.parametrize(
    ("text", "same"), [("FOX", "fox"), ("Straße", "STRASSE"), ("é", "e\u0301"), ("É", "e\u0301")]
)
def test_texts_are_compared_without_case_and_composed(text: str, same: str) -> None:
    assert folded(text) == folded(same)


def test_different_letters_stay_different() -> None:
    assert folded("résumé") != folded("resume")
