"""Why a connection failed, in words."""

from __future__ import annotations

import errno
import socket
import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from waystation.reasons import why

_KEY: Any = SimpleNamespace(host="d.test", port=443, ssl=True, is_ssl=True)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            aiohttp.ClientConnectorError(_KEY, OSError(errno.ECONNREFUSED, "Connect call failed")),
            "connection refused",
        ),
        (
            aiohttp.ClientConnectorDNSError(_KEY, socket.gaierror(-2, "Name not known")),
            "Name not known",
        ),
        (
            aiohttp.ClientConnectorCertificateError(_KEY, ssl.CertificateError("x")),
            "its certificate is not valid",
        ),
        (
            aiohttp.ClientConnectorSSLError(_KEY, ssl.SSLError(1, "x")),
            "no TLS connection could be made",
        ),
        (aiohttp.ConnectionTimeoutError(), "a time-out"),
        (TimeoutError(), "a time-out"),
        (aiohttp.InvalidURL("http://["), "a URL that cannot be read"),
        (ValueError("Expecting value"), "an answer that cannot be read"),
        (aiohttp.ClientPayloadError("not completed"), "a broken connection"),
        (aiohttp.ServerDisconnectedError(), "a broken connection"),
    ],
)
def test_no_class_is_named(error: Exception, words: str) -> None:
    assert why(error) == words
