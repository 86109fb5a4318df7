from __future__ import annotations

import pytest

from waystation.store.migrations import migrations_of

FOLLOWED = 38
"""Newest migration of SQLite that PostgreSQL's schema has."""


@pytest.mark.parametrize("package", ["waystation.store.sqlite", "waystation.store.postgresql"])
def test_migrations_are_numbered_from_one_without_a_gap(package: str) -> None:
    found = migrations_of(package)
    assert [step.number for step in found] == list(range(1, len(found) + 1))
    assert found[0].name == "first"
    assert all(step.script.startswith("-- ") for step in found)


def test_a_migration_is_written_for_both_databases() -> None:
    newest = migrations_of("waystation.store.sqlite")[-1].number
    assert newest == FOLLOWED, "write it for PostgreSQL, too: a test compares columns and indexes"
