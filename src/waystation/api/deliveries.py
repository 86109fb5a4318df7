"""The paths of deliveries: what the caller's callbacks are signed with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from waystation.api.answer import Answer, json_answer
from waystation.api.call import Call
from waystation.contract import instant
from waystation.engine.service import Service
from waystation.ports import SigningSecret, User

__all__ = ["Deliveries", "NewSecretForm", "SigningForm"]


class SigningForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The caller's signing secret, without the secret."""

    signs: Annotated[bool, Meta(description="`false`: callbacks of the caller are not signed")]
    created: Annotated[str | None, Meta(description="when the newest secret was made")] = None
    former_until: Annotated[
        str | None, Meta(description="until then a secret that was replaced signs, too")
    ] = None


class NewSecretForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A new signing secret."""

    secret: Annotated[str, Meta(description="`whsec_` and base64; it is never shown again")]
    created: str
    former_until: Annotated[
        str | None, Meta(description="until then a secret that was replaced signs, too")
    ] = None


class Deliveries:
    """The calls for callbacks."""

    def __init__(self, service: Service) -> None:
        self._deliveries = service.deliveries

    async def read_signing(self, call: Call, user: User) -> Answer:
        """Answer since when callbacks are signed."""
        created, former_until = await self._signing(user)
        form = SigningForm(signs=created is not None, created=created, former_until=former_until)
        return json_answer(form)

    async def new_secret(self, call: Call, user: User) -> Answer:
        """Make a signing secret and show it."""
        secret = await self._deliveries.new_secret(user)
        created, former_until = await self._signing(user)
        form = NewSecretForm(
            secret=secret.reveal(), created=created or "", former_until=former_until
        )
        return json_answer(form, 201)

    async def _signing(self, user: User) -> tuple[str | None, str | None]:
        """Return when the newest secret was made, and until when another one signs, too."""
        secrets: Sequence[SigningSecret] = await self._deliveries.secrets(user)
        created = self._text(secrets[0].made_at) if secrets else None
        ends = [one.ends_at for one in secrets if one.ends_at is not None]
        return created, self._text(max(ends)) if ends else None

    def _text(self, moment: datetime) -> str:
        return instant(self._deliveries.shown(moment))
