"""The port of the service."""

from __future__ import annotations

import socket
from contextlib import closing

from waystation.app.listening import listen, url_of
from waystation.settings import Settings


def test_an_answer_in_pieces_waits_for_no_acknowledgement() -> None:
    with closing(listen(Settings(port=0))) as listening:
        listening.setblocking(True)
        listening.listen()
        place = url_of(listening).removeprefix("http://").rpartition(":")
        with socket.create_connection((place[0], int(place[2]))), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
