"""The vendor's description of its API."""

from __future__ import annotations

VENDOR = "VENDOR_OPENAPI"
