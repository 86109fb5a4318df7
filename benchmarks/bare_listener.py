"""Bare listener: a child that hears the same gateway and posts a callback for each result.

It is the shortest way from the bot's message to the caller: no compression, no matching, nothing
recorded, the connection to the receiver kept open.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import msgspec
import uvloop

from benchmarks.children import Order, obey

__all__: list[str] = []

_HELLO, _HEARTBEAT, _IDENTIFY = 10, 1, 2


class _Frame(msgspec.Struct):
    op: int
    t: str | None = None
    d: msgspec.Raw = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    id: str
    embeds: list[msgspec.Raw] = []


_read_frame = msgspec.json.Decoder(_Frame).decode
_read_message = msgspec.json.Decoder(_Message).decode


async def _listen(
    http: aiohttp.ClientSession, order: Order, token: str, live: asyncio.Semaphore
) -> None:
    async with http.ws_connect(f"{order['gateway_url']}/?v=9&encoding=json", max_msg_size=0) as ws:
        async for received in ws:
            frame = _read_frame(received.data)
            if frame.op == _HELLO:
                properties = {"os": sys.platform, "browser": "bench", "device": "bench"}
                await ws.send_json(
                    {"op": _IDENTIFY, "d": {"token": token, "properties": properties}}
                )
            elif frame.op == _HEARTBEAT:
                await ws.send_json({"op": _HEARTBEAT, "d": None})
            elif frame.t == "READY":
                live.release()
            elif frame.t == "MESSAGE_UPDATE":
                message = _read_message(frame.d)
                if message.embeds:
                    url = f"{order['callback_url']}/bare-{message.id}"
                    async with http.post(url, data=bytes(frame.d)) as answer:
                        await answer.read()


async def _main() -> None:
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        live = asyncio.Semaphore(0)

        async def start(order: Order) -> Order:
            for token in order["tokens"]:
                tasks.create_task(_listen(http, order, token, live))
            for _ in order["tokens"]:
                await live.acquire()
            return {"live": len(order["tokens"])}

        await obey(start)


if __name__ == "__main__":
    uvloop.run(_main())
