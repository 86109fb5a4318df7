"""Mailer: plain-text mail over SMTP, with foreign text in the body only (R49)."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import aiosmtplib

from waystation.errors import ConfigurationError, Unreachable
from waystation.ports import Mail
from waystation.secret import Secret, redact

__all__ = ["NullMailer", "SmtpMailer", "SmtpServer", "read_smtp_url", "valid_address"]

_SETTING: Final = "WAYSTATION_SMTP_URL"
_PORTS: Final = {"smtp": 25, "smtps": 465}
_STARTTLS_PORT: Final = 587
_WORDS: Final = {"true": True, "1": True, "false": False, "0": False}
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
"""RFC 5321 `Dot-string@Domain`. Quoted local parts and address literals are left out on purpose."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how mail is handed over."""

    host: str
    port: int
    sender: str
    username: str | None = None
    password: Secret | None = None
    tls: bool = False
    """TLS from the first byte (`smtps`)."""
    starttls: bool | None = None
    """True: required; False: never; None: when the server offers it."""


class SmtpMailer:
    """Implements `ports.Mailer`; one connection per mail, because mails are rare."""

    def __init__(
        self,
        server: SmtpServer,
        timeout_s: float,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._tls_context = tls_context

    @property
    def configured(self) -> bool:
        return True

    async def send(self, mail: Mail) -> None:
        if not valid_address(mail.to):
            raise Unreachable("the recipient's address is not valid")
        server = self._server
        try:
            await aiosmtplib.send(
                _message(mail, server.sender),
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password.reveal() if server.password else None,
                # The library's own choice is a look-up of our name that blocks the loop.
                local_hostname=server.sender.rpartition("@")[2],
                timeout=self._timeout_s,
                use_tls=server.tls,
                start_tls=False if server.tls else server.starttls,
                tls_context=self._tls_context,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Unreachable(redact(_why(error))) from error


def _why(error: Exception) -> str:
    """Return why a mail was not taken, without the name of a class."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the mail server answered {error.code} {error.message}"
    if isinstance(error, TimeoutError):
        return "the mail server did not answer in time"
    return str(error) or "the connection to the mail server broke"


class NullMailer:
    """Implements `ports.Mailer` where no SMTP server is configured."""

    @property
    def configured(self) -> bool:
        return False

    async def send(self, mail: Mail) -> None:
        raise Unreachable(f"{_SETTING} is not set")


def valid_address(address: str) -> bool:
    """Return whether this is one plain ASCII address that fits into a header unquoted."""
    return len(address) <= 254 and _ADDRESS.fullmatch(address) is not None


def read_smtp_url(url: str, default_sender: str | None = None) -> SmtpServer:
    """Return the server that an SMTP URL names.

    `smtp://[user:password@]host[:port]/?from=ADDRESS&starttls=true|false`, or `smtps://` for TLS
    from the first byte. With a user and no `starttls`, STARTTLS is required, so that a password
    never travels in the clear unless the operator says so.

    Raises: ConfigurationError: names the setting and what is wrong, never its value
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong("cannot be read as a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise _wrong("must look like smtp://[user:password@]host[:port]/?from=ADDRESS")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if options.keys() - {"from", "starttls"}:
        raise _wrong("knows the options from and starttls only")
    starttls = _starttls(parts, options.get("starttls"))
    return SmtpServer(
        host=parts.hostname,
        port=port or (_STARTTLS_PORT if starttls else _PORTS[parts.scheme]),
        sender=_sender(parts, options.get("from", default_sender)),
        username=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
        tls=parts.scheme == "smtps",
        starttls=starttls,
    )


def _starttls(parts: SplitResult, word: str | None) -> bool | None:
    if parts.scheme == "smtps":
        if word is not None:
            raise _wrong("takes starttls with smtp:// only; smtps:// is encrypted from the start")
        return None
    if word is None:
        return True if parts.username else None
    if word.lower() not in _WORDS:
        raise _wrong("takes starttls=true or starttls=false")
    return _WORDS[word.lower()]


def _sender(parts: SplitResult, given: str | None) -> str:
    """Return who the mails are from: as said, else the user when that is an address."""
    sender = given or unquote(parts.username or "")
    if not valid_address(sender):
        raise _wrong("needs a valid sender: add ?from=ADDRESS")
    return sender


def _wrong(what: str) -> ConfigurationError:
    return ConfigurationError(f"{_SETTING} {what}")


def _message(mail: Mail, sender: str) -> EmailMessage:
    """Return the mail as it travels; the same in every attempt, so that copies are recognisable.

    Raises: ValueError: a header would hold a line break
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = mail.created_at
    message["Message-ID"] = f"<{mail.mail_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_plain(mail.body), charset="utf-8")
    return message


def _plain(text: str) -> str:
    """Return text without control characters and halves of surrogate pairs."""
    kept = (c if c in "\n\t" or c.isprintable() else " " for c in text)
    return "".join(kept).encode("utf-8", "replace").decode("utf-8")
