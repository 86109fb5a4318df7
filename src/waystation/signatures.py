"""Signatures of callbacks: each signing secret says that a body is ours, and from when.

Source: Standard Webhooks 1.0.0, "Signature scheme": HMAC-SHA-256 over `id.timestamp.body`.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

__all__ = ["SECRET_BYTES", "as_text", "signatures"]

SECRET_BYTES = 32
"""Standard Webhooks takes 24 to 64."""


def as_text(secret: bytes) -> str:
    """Return a secret as receivers put it into their settings."""
    return f"whsec_{base64.b64encode(secret).decode()}"


def signatures(secrets: Sequence[bytes], callback_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature of each secret, in their order.

    Args: timestamp: seconds since 1970, the header `webhook-timestamp` of the same attempt
    """
    signed = b"%b.%d.%b" % (callback_id.encode(), timestamp, body)
    digests = (hmac.digest(secret, signed, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
