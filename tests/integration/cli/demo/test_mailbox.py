"""The demo's mail receiver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage

import aiosmtplib
import pytest

from waystation.cli.demo.mailbox import Mailbox


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    found = Mailbox()
    await found.start()
    yield found
    await found.stop()


async def test_a_message_arrives_as_it_was_sent(mailbox: Mailbox) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "a@example.org", "b@example.org"
    message["Subject"] = "a halt"
    message.set_content("first\n.\n..two dots\nümlaut\n")
    await aiosmtplib.send(message, hostname="127.0.0.1", port=mailbox.port)
    received = await mailbox.next(5)
    assert received is not None
    assert (received["To"], received["Subject"]) == ("b@example.org", "a halt")
    assert received.get_content().replace("\r\n", "\n") == "first\n.\n..two dots\nümlaut\n"


async def test_nothing_in_time_is_none(mailbox: Mailbox) -> None:
    assert await mailbox.next(0.01) is None


async def test_an_unknown_thing_is_named_and_skipped(mailbox: Mailbox) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", mailbox.port)
    writer.write(b"VRFY x\r\nNOOP\r\nQUIT\r\n")
    answers = await reader.read()
    assert [line[:3] for line in answers.splitlines()] == [b"220", b"502", b"250", b"221"]
    writer.close()
    await writer.wait_closed()


async def test_stop_hangs_up_on_whoever_still_sends() -> None:
    mailbox = Mailbox()
    await mailbox.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", mailbox.port)
    await reader.readline()
    await mailbox.stop()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_mailbox_that_never_started_can_be_stopped() -> None:
    mailbox = Mailbox()
    await mailbox.stop()
    assert mailbox.port == 0
