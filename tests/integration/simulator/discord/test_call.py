from __future__ import annotations

from waystation.simulator.discord.call import Body
from waystation.simulator.payload import objects


def test_only_objects_of_a_list_count() -> None:
    body = Body({"a": [{"x": 1}, "y", None], "b": "text"})
    assert body.objects("a") == [{"x": 1}]
    assert body.objects("b") == body.objects("c") == []
    assert objects({"a": {}}, "a") == []
