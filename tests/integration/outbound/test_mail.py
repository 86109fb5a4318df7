from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.build import replace
from tests.fakes import START
from tests.harness.certificates import self_signed
from tests.integration.outbound.conftest import ServeRaw
from waystation.errors import ConfigurationError, Unreachable
from waystation.outbound.mail import (
    NullMailer,
    SmtpMailer,
    SmtpServer,
    read_smtp_url,
    valid_address,
)
from waystation.ports import Mail, Mailer
from waystation.secret import Secret

MAIL = Mail(
    mail_id="mail-1",
    to="owner@example.test",
    subject="Your account was halted",
    body="You have a pending moderation message.\n",
    created_at=START,
    next_attempt_at=START,
)


class Inbox:
    """An SMTP server on loopback that keeps what it takes."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.refuse: str | None = None

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return self.refuse
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss:/word", handled=False)

    def message(self) -> EmailMessage:
        (envelope,) = self.envelopes
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default_policy)
        assert isinstance(message, EmailMessage)
        return message


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def server(inbox: Inbox) -> AsyncIterator[SmtpServer]:
    loop = asyncio.get_running_loop()
    transports: list[asyncio.BaseTransport] = []

    class Noted(SMTP):
        """Notes its transport: the server leaves it open when a client just hangs up."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transports.append(transport)
            super().connection_made(transport)

    def protocol() -> SMTP:
        return Noted(
            inbox,
            hostname="mail.test",
            loop=loop,
            authenticator=inbox.authenticate,
            auth_require_tls=False,
        )

    listening = await loop.create_server(protocol, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    yield SmtpServer("127.0.0.1", port, "waystation@example.test")
    listening.close()
    for transport in transports:
        transport.close()
    await asyncio.sleep(0)


async def test_a_mail_arrives_as_plain_text(inbox: Inbox, server: SmtpServer) -> None:
    await SmtpMailer(server, timeout_s=30).send(MAIL)
    (envelope,) = inbox.envelopes
    assert envelope.mail_from == "waystation@example.test"
    assert envelope.rcpt_tos == ["owner@example.test"]
    message = inbox.message()
    assert message["To"] == "owner@example.test"
    assert message["From"] == "waystation@example.test"
    assert message["Subject"] == "Your account was halted"
    assert message["Message-ID"] == "<mail-1@example.test>"
    assert message["Date"].datetime == START
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert message.get_content().splitlines() == MAIL.body.splitlines()


@pytest.mark.parametrize(
    "body",
    [
        "Grüße 🚀 漢字",
        "x" * 5000,
        ".\r\n.\r\nQUIT\r\n",
        "Bcc: someone@else.test\n\nTo: another@else.test",
        "<script>alert(1)</script>",
        "From here\nFrom there",
        "",
    ],
)
async def test_foreign_text_stays_in_the_body(inbox: Inbox, server: SmtpServer, body: str) -> None:
    """R49."""
    await SmtpMailer(server, timeout_s=30).send(replace(MAIL, body=body))
    (envelope,) = inbox.envelopes
    assert envelope.rcpt_tos == ["owner@example.test"]
    message = inbox.message()
    assert message["Bcc"] is None
    assert message.get_all("To") == ["owner@example.test"]
    expected = body.replace("\r\n", " \n").splitlines() or [""]
    assert message.get_content().splitlines() == expected


async def test_control_characters_and_broken_text_are_taken_out(
    inbox: Inbox, server: SmtpServer
) -> None:
    await SmtpMailer(server, timeout_s=30).send(replace(MAIL, body="a\x00b\x1b[31mc\ud800d\te"))
    assert inbox.message().get_content().strip() == "a b [31mc d\te"


@pytest.mark.parametrize(
    "to",
    [
        "",
        "owner",
        "owner@",
        "@example.test",
        "a@b@c.test",
        "a b@example.test",
        "owner@example.test, other@example.test",
        "owner@example.test\r\nBcc: x@y.test",
        "owner@example.test\n",
        "<owner@example.test>",
        "Owner <owner@example.test>",
        '"a b"@example.test',
        "a@-example.test",
        "a@[127.0.0.1]",
        "ö@example.test",
        "a" * 250 + "@b.test",
    ],
)
async def test_an_address_that_is_not_plainly_one_gets_nothing(
    inbox: Inbox, server: SmtpServer, to: str
) -> None:
    assert not valid_address(to)
    with pytest.raises(Unreachable, match="address is not valid"):
        await SmtpMailer(server, timeout_s=30).send(replace(MAIL, to=to))
    assert inbox.envelopes == []


@pytest.mark.parametrize(
    "address",
    ["owner@example.test", "first.last+tag@sub.example.test", "root@localhost", "a@b-c.d"],
)
def test_ordinary_addresses_are_valid(address: str) -> None:
    assert valid_address(address)


async def test_a_subject_cannot_add_a_header(inbox: Inbox, server: SmtpServer) -> None:
    with pytest.raises(Unreachable):
        await SmtpMailer(server, timeout_s=30).send(replace(MAIL, subject="Hi\r\nBcc: x@y.test"))
    assert inbox.envelopes == []


async def test_the_user_and_password_are_sent_decoded(inbox: Inbox, server: SmtpServer) -> None:
    url = f"smtp://us%40er:p%40ss%3A%2Fword@127.0.0.1:{server.port}/?from=w@x.test&starttls=false"
    await SmtpMailer(read_smtp_url(url), timeout_s=30).send(MAIL)
    assert inbox.logins == [(b"us@er", b"p@ss:/word")]
    assert inbox.message()["From"] == "w@x.test"


async def test_a_refusal_is_unreachable_and_names_no_password(
    inbox: Inbox, server: SmtpServer
) -> None:
    locked = replace(server, username="user", password=Secret("wrong-password"), starttls=False)
    with pytest.raises(Unreachable) as caught:
        await SmtpMailer(locked, timeout_s=30).send(MAIL)
    assert "wrong-password" not in caught.value.message
    inbox.refuse = "552 mailbox full"
    with pytest.raises(Unreachable, match=r"^the mail server answered 552 .*mailbox full"):
        await SmtpMailer(server, timeout_s=30).send(MAIL)


async def test_a_server_that_is_not_there_is_unreachable(server: SmtpServer) -> None:
    with pytest.raises(Unreachable):
        await SmtpMailer(replace(server, port=9), timeout_s=30).send(MAIL)


async def test_a_server_that_hangs_is_unreachable(serve_raw: ServeRaw) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    port = urlsplit(await serve_raw(hang)).port
    assert port is not None
    with pytest.raises(Unreachable):
        await SmtpMailer(SmtpServer("127.0.0.1", port, "w@x.test"), timeout_s=0.1).send(MAIL)


async def test_required_starttls_is_not_skipped(inbox: Inbox, server: SmtpServer) -> None:
    with pytest.raises(Unreachable):
        await SmtpMailer(replace(server, starttls=True), timeout_s=30).send(MAIL)
    assert inbox.envelopes == []


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS context, and a client's that trusts it."""
    certificate, key = self_signed()
    (tmp_path / "both.pem").write_bytes(certificate + key)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "both.pem")
    return serving, ssl.create_default_context(cadata=certificate.decode())


@pytest.mark.parametrize("trusting", [True, False])
@pytest.mark.parametrize("tls", [True, False], ids=["smtps", "starttls"])
async def test_encrypted_mail_goes_to_a_server_with_a_trusted_certificate_only(
    inbox: Inbox, contexts: tuple[ssl.SSLContext, ssl.SSLContext], tls: bool, trusting: bool
) -> None:
    serving, trusted = contexts
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(
            inbox,
            hostname="mail.test",
            loop=loop,
            authenticator=inbox.authenticate,
            tls_context=None if tls else serving,
        ),
        "127.0.0.1",
        0,
        ssl=serving if tls else None,
    )
    server = SmtpServer(
        "127.0.0.1",
        listening.sockets[0].getsockname()[1],
        "w@x.test",
        username=None if tls else "user",
        password=None if tls else Secret("p@ss:/word"),
        tls=tls,
        starttls=None if tls else True,
    )
    try:
        await SmtpMailer(server, 30, tls_context=trusted if trusting else None).send(MAIL)
    except Unreachable as error:
        assert not trusting
        assert "certificate verify failed" in error.message
    listening.close()
    assert len(inbox.envelopes) == trusting
    assert inbox.logins == ([(b"user", b"p@ss:/word")] if trusting and not tls else [])


async def test_without_a_server_nothing_is_configured() -> None:
    mailer: Mailer = NullMailer()
    assert not mailer.configured
    with pytest.raises(Unreachable, match="WAYSTATION_SMTP_URL is not set"):
        await mailer.send(MAIL)
    assert SmtpMailer(SmtpServer("h", 25, "a@b.test"), 1, ssl.create_default_context()).configured


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://h/?from=a@b.test", SmtpServer("h", 25, "a@b.test")),
        ("smtp://h:2525?from=a@b.test", SmtpServer("h", 2525, "a@b.test")),
        ("smtps://h/?from=a@b.test", SmtpServer("h", 465, "a@b.test", tls=True)),
        (
            "smtp://h/?from=a@b.test&starttls=true",
            SmtpServer("h", 587, "a@b.test", starttls=True),
        ),
        ("smtp://h", SmtpServer("h", 25, "default@b.test")),
        ("smtp://a%40b.test@h", SmtpServer("h", 587, "default@b.test", "a@b.test", starttls=True)),
        (
            "smtp://me@h/?starttls=false",
            SmtpServer("h", 25, "default@b.test", "me", starttls=False),
        ),
    ],
)
def test_an_smtp_url_is_read(url: str, server: SmtpServer) -> None:
    assert read_smtp_url(url, "default@b.test") == server


def test_a_user_that_is_an_address_is_the_sender_when_none_is_named() -> None:
    assert read_smtp_url("smtps://a%40b.test:pw@h").sender == "a@b.test"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "http://h/?from=a@b.test",
        "smtp:///?from=a@b.test",
        "smtp://h:99999/?from=a@b.test",
        "smtp://[::1/?from=a@b.test",
        "smtp://h/path?from=a@b.test",
        "smtp://h/?from=a@b.test&colour=red",
        "smtp://h/?from=a@b.test&starttls=maybe",
        "smtps://h/?from=a@b.test&starttls=true",
        "smtp://h",
        "smtp://h/?from=",
        "smtp://h/?from=a%0d%0ab@c.test",
        "smtp://user:hunter2@h/?from=nobody",
    ],
)
def test_a_wrong_smtp_url_names_the_setting_and_not_its_value(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^WAYSTATION_SMTP_URL ") as caught:
        read_smtp_url(url)
    assert "hunter2" not in str(caught.value)


def test_a_password_does_not_show_in_a_repr() -> None:
    assert "hunter2" not in repr(read_smtp_url("smtp://a:hunter2@h/?from=a@b.test"))
