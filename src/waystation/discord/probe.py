"""Probe: asks Discord about a token without a gateway session."""

from __future__ import annotations

from waystation.discord.rest import DiscordRest
from waystation.discord.site import Site
from waystation.ports import DiscordIdentity
from waystation.secret import Secret
from waystation.wire.message import Channel

__all__ = ["DiscordProbe"]

_DIRECT_MESSAGES = 1
"""Channel type. Source: Discord, Channel Types."""


class DiscordProbe:
    """A `ports.Probe`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def identify(self, token: Secret) -> DiscordIdentity:
        """See `ports.Probe`."""
        rest = DiscordRest(self._site, token)
        user = await rest.me()
        channels = await rest.private_channels()
        dm_channel = next((channel.id for channel in channels if self._is_with_bot(channel)), None)
        return DiscordIdentity(user.id, user.username, dm_channel)

    async def can_read(self, token: Secret, channel: str) -> bool:
        """See `ports.Probe`."""
        return await DiscordRest(self._site, token).can_read(channel)

    async def guild_of(self, token: Secret, channel: str) -> str | None:
        """See `ports.Probe`."""
        return (await DiscordRest(self._site, token).channel(channel)).guild_id

    def _is_with_bot(self, channel: Channel) -> bool:
        recipients = {*channel.recipient_ids, *(user.id for user in channel.recipients)}
        return channel.type == _DIRECT_MESSAGES and recipients == {self._site.application_id}
