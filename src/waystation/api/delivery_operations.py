"""DELIVERY_OPERATIONS: the rows of the paths under `/v2/deliveries`; they are additions to v2."""

from __future__ import annotations

from collections.abc import Mapping

from waystation.api.deliveries import NewSecretForm, SigningForm
from waystation.api.operation import GUARDED, Operation

__all__ = ["DELIVERY_OPERATIONS"]

DELIVERY_OPERATIONS: Mapping[str, Operation] = {
    "GET /v2/deliveries/secret": Operation(
        "readSigning",
        "Tell since when your callbacks are signed.",
        {200: SigningForm},
        GUARDED,
        about="The secret itself was shown when it was made.",
    ),
    "POST /v2/deliveries/secret": Operation(
        "makeSecret",
        "Make the secret that signs your callbacks, or a new one in its place.",
        {201: NewSecretForm},
        (*GUARDED, "makes a secret"),
        about=(
            "The secret is shown by this answer alone. A secret that is replaced signs for 24 "
            "hours more, so that each receiver can learn the new one meanwhile."
        ),
    ),
}
"""`METHOD template` → row."""
