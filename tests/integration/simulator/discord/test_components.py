from __future__ import annotations

from waystation.simulator.discord.components import numbered


def test_components_are_numbered_in_document_order_those_inside_others_included() -> None:
    rows = [
        {"type": 1, "components": [{"type": 2, "label": "U1"}, {"type": 2, "label": "U2"}]},
        {"type": 1, "components": [{"type": 2, "label": "V1"}]},
    ]
    first, second = numbered(rows)
    assert [first["id"], *(one["id"] for one in first["components"])] == [1, 2, 3]
    assert [second["id"], *(one["id"] for one in second["components"])] == [4, 5]
    assert "id" not in rows[0], "the rows that were given are left alone"


def test_numbering_again_changes_nothing() -> None:
    rows = numbered([{"type": 1, "components": [{"type": 2}]}])
    assert numbered(rows) == rows
