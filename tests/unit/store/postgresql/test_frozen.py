from __future__ import annotations

from waystation.store.postgresql.frozen import APPLICATION, end_frozen


def test_connections_of_this_role_and_name_alone_are_ended_that_are_silent_so_long() -> None:
    text = end_frozen(5.0)
    assert "usename = current_user" in text
    assert f"application_name = '{APPLICATION}'" in text
    assert "interval '5.0 seconds'" in text
