from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import pytest

from tests.harness.desk import until
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.clock import SystemClock, SystemIds
from waystation.store.postgresql.listening import PostgresWakes, payloads

pytestmark = needs_postgresql

_LISTENERS = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where query like 'select pg_notify%' or query like 'LISTEN%'"
)


class Node:
    """A node that hears."""

    def __init__(self, listen_url: str | None, url: str) -> None:
        self.wakes = PostgresWakes(listen_url, url, SystemClock(), SystemIds())
        self.heard: list[Collection[str] | None] = []
        self.running = asyncio.create_task(self.wakes.run(self.hear))

    def hear(self, ids: Collection[str] | None) -> None:
        self.heard.append(ids)

    @property
    def ids(self) -> list[str]:
        return [one for ids in self.heard if ids is not None for one in ids]


@pytest.fixture
async def node() -> AsyncIterator[Callable[..., Node]]:
    made: list[Node] = []

    def start(listen_url: str | None, url: str) -> Node:
        made.append(Node(listen_url, url))
        return made[-1]

    yield start
    for one in made:
        one.running.cancel()
    await asyncio.gather(*(one.running for one in made), return_exceptions=True)


async def hears(*nodes: Node) -> None:
    await until(lambda: all(one.wakes.silent_since is None for one in nodes))


async def test_a_node_hears_what_another_node_has_committed(
    postgresql: Cluster, postgresql_database: str, node: Callable[..., Node]
) -> None:
    url = postgresql.url(postgresql_database)
    one, two = node(url, url), node(url, url)
    assert one.wakes.silent_since is not None
    await hears(one, two)
    one.wakes.tell("job:1", "account:1")
    one.wakes.tell("job:1", "job:2")
    await until(lambda: len(two.ids) == 3)
    assert two.heard == [None, ["job:1", "account:1", "job:2"]]
    assert one.heard == [None], "a node is not woken by itself"


async def test_more_than_can_be_named_is_told_as_anything(
    postgresql: Cluster, postgresql_database: str, node: Callable[..., Node]
) -> None:
    url = postgresql.url(postgresql_database)
    one, two = node(url, url), node(url, url)
    await hears(one, two)
    one.wakes.tell(*(f"job:{number}" for number in range(1_001)))
    await until(lambda: two.heard == [None, None])


async def test_a_listener_that_is_killed_listens_again_and_wakes_for_everything(
    postgresql: Cluster, postgresql_database: str, node: Callable[..., Node]
) -> None:
    url = postgresql.url(postgresql_database)
    one, two = node(url, url), node(url, url)
    await hears(one, two)
    assert int(postgresql.say(_LISTENERS, postgresql_database)) >= 2
    await until(lambda: two.heard == [None, None] and len(one.heard) == 2)
    await hears(one, two)
    one.wakes.tell("job:7")
    await until(lambda: two.ids == ["job:7"])


async def test_a_node_that_does_not_listen_tells_all_the_same(
    postgresql: Cluster, postgresql_database: str, node: Callable[..., Node]
) -> None:
    url = postgresql.url(postgresql_database)
    one = node(None, postgresql.pooled_url(postgresql_database))
    two = node(url, url)
    await hears(two)
    one.wakes.tell("job:1")
    await until(lambda: two.ids == ["job:1"])
    assert one.heard == [] and one.wakes.silent_since is not None


@asynccontextmanager
async def cut(path: str) -> AsyncIterator[tuple[int, asyncio.Event, list[int]]]:
    """Forward a port of our own to a server's socket, until told to stop forwarding in silence."""
    silent, taken = asyncio.Event(), [0]
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mute: bool) -> None:
        while data := await reader.read(65536):
            if not mute:
                writer.write(data)
                await writer.drain()
            elif not silent.is_set():
                writer.write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken[0] += 1
        mute = taken[0] == 1
        there_reads, there_writes = await asyncio.open_unix_connection(path)
        writers.extend((writer, there_writes))
        await asyncio.gather(
            pump(reader, there_writes, mute),
            pump(there_reads, writer, mute),
            return_exceptions=True,
        )

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield port, silent, taken
    finally:
        server.close()
        for one in writers:
            one.close()


async def test_a_connection_that_died_without_a_word_is_given_up(
    postgresql: Cluster,
    postgresql_database: str,
    node: Callable[..., Node],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waystation.store.postgresql.listening.BEAT_S", 0.05)
    monkeypatch.setattr("waystation.store.postgresql.listening._BEAT_WITHIN_S", 0.5)
    async with cut(f"{postgresql.folder}/.s.PGSQL.5432") as (port, silent, taken):
        url = f"postgresql://postgres@127.0.0.1:{port}/{postgresql_database}"
        one = node(url, postgresql.url(postgresql_database))
        await hears(one)
        silent.set()
        await until(lambda: taken[0] == 2 and one.heard == [None, None])
        await hears(one)


def test_a_notification_is_shorter_than_a_server_takes() -> None:
    made = payloads("me", [f"job:{number:0200d}" for number in range(100)])
    assert len(made) > 1 and all(len(one) <= 7_900 and one.startswith("me\n") for one in made)
    assert sum(len(one.split("\n")) - 1 for one in made) == 100
    assert payloads("me", []) == ["me"]
