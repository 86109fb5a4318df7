from __future__ import annotations

import pytest

from tests.integration.client.conftest import TOKEN, Stub
from waystation.client.connection import Connection, short
from waystation.errors import RemoteProtocolError


async def test_a_connection_that_was_closed_opens_again(stub: Stub) -> None:
    stub.say(200, {})
    connection = Connection(stub.url, TOKEN, 30)
    await connection.ask("GET", "/v2/account")
    await connection.close()
    await connection.ask("GET", "/v2/account")
    await connection.close()
    await connection.close()
    assert len(stub.requests) == 2


async def test_an_answer_of_another_form_is_refused(stub: Stub) -> None:
    stub.say(200, [])
    connection = Connection(stub.url, TOKEN, 30)
    with pytest.raises(RemoteProtocolError, match="does not answer like Waystation"):
        await connection.ask("GET", "/v2/account", lambda answer: isinstance(answer, dict))
    await connection.close()


def test_a_link_is_named_without_its_signature() -> None:
    assert short("https://cdn.example.org/a.png?ex=1&hm=2") == "https://cdn.example.org/a.png"
