"""SyncClient: the client for programs without an event loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from waystation.client.client import ANSWER_S, Client

__all__ = ["SyncClient"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _blocking(
    method: Callable[Concatenate[Client, _P], Coroutine[Any, Any, _T]],
) -> Callable[Concatenate[SyncClient, _P], _T]:
    @functools.wraps(method)
    def call(self: SyncClient, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return self._runner.run(method(self._client, *args, **kwargs))

    return call


class SyncClient:
    """`Client` for programs without an event loop; each call blocks until its answer is there."""

    def __init__(self, url: str, token: str, *, timeout_s: float = ANSWER_S) -> None:
        self._runner = asyncio.Runner()
        self._client = Client(url, token, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the loop; the client cannot be used again."""
        self._runner.run(self._client.close())
        self._runner.close()

    submit = _blocking(Client.submit)
    imagine = _blocking(Client.imagine)
    blend = _blocking(Client.blend)
    button = _blocking(Client.button)
    info = _blocking(Client.info)
    describe = _blocking(Client.describe)
    job = _blocking(Client.job)
    jobs = _blocking(Client.jobs)
    cancel = _blocking(Client.cancel)
    wait = _blocking(Client.wait)
    download = _blocking(Client.download)
    account = _blocking(Client.account)
    update_account = _blocking(Client.update_account)
    discord_accounts = _blocking(Client.discord_accounts)
    discord_account = _blocking(Client.discord_account)
    add_discord_account = _blocking(Client.add_discord_account)
    put_discord_account = _blocking(Client.put_discord_account)
    remove_discord_account = _blocking(Client.remove_discord_account)
    reset_discord_account = _blocking(Client.reset_discord_account)
    limit_discord_account = _blocking(Client.limit_discord_account)
    deliveries = _blocking(Client.deliveries)
    delivery = _blocking(Client.delivery)
    redeliver = _blocking(Client.redeliver)
    replay = _blocking(Client.replay)
    ping = _blocking(Client.ping)
    receivers = _blocking(Client.receivers)
    enable_receiver = _blocking(Client.enable_receiver)
    signing = _blocking(Client.signing)
    new_signing_secret = _blocking(Client.new_signing_secret)
    share_media = _blocking(Client.share_media)
    rotate_media_key = _blocking(Client.rotate_media_key)
