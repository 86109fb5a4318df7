from __future__ import annotations

import pytest

from waystation.store.postgresql.place import Place, place_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://ada:pass%21@db.example:6432/way", Place("db.example", 6432, "way", "ada")),
        ("postgres://ada@/way?host=/run/pg&port=7", Place("/run/pg", 7, "way", "ada")),
        ("postgresql://h?user=ada", Place("h", 5432, "ada", "ada")),
        ("postgresql:///?database=way", Place("localhost", 5432, "way", "")),
    ],
)
def test_a_url_is_read(url: str, place: Place) -> None:
    assert place_of(url) == place


def test_a_place_is_told_without_its_password() -> None:
    assert str(place_of("postgresql://ada:canary@h/way")) == "postgresql://h:5432/way"


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="ort"):
        place_of("postgresql://h:port/way")
