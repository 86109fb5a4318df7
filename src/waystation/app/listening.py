"""Listening: the port, and the HTTP server on it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Iterator

import uvicorn
from prometheus_client import CollectorRegistry

from waystation.api.asgi import create_face
from waystation.api.protocol import bounded_protocol
from waystation.app.limits import body_limits, bounds, drain_step_s
from waystation.clock import SystemIds
from waystation.engine.service import Service
from waystation.errors import ConfigurationError
from waystation.ports import Traces
from waystation.settings import Settings

__all__ = ["Server", "listen", "server_of", "started", "url_of"]


class Server(uvicorn.Server):
    """uvicorn inside our loop: signals are ours, because draining comes before its shutdown."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(settings: Settings, service: Service, ids: SystemIds, traces: Traces) -> Server:
    """Return the HTTP server of a service, not started yet."""
    start, numbers = ids.token(6), itertools.count(1)
    face = create_face(
        service,
        new_request_id=lambda: f"{start}{next(numbers):08x}",
        limits=body_limits(settings),
        cors_origins=settings.cors_origins,
        public_url=settings.public_url,
        metrics=CollectorRegistry() if settings.metrics else None,
        traces=traces,
    )
    config = uvicorn.Config(
        face.app,
        http=bounded_protocol(bounds(settings), face.straight),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=max(1, int(drain_step_s(settings))),
    )
    return Server(config)


async def started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """Return when requests are answered. Raises: whatever ended the server before that."""
    while not server.started:
        if serving.done():
            await serving
        await asyncio.sleep(0.005)


def listen(settings: Settings) -> socket.socket:
    """Bind the port of the settings. Raises: ConfigurationError: it cannot be bound."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # connections inherit it: else an answer in pieces waits 40 ms for its reader's delayed ACK
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((settings.host, settings.port))
    except (OSError, UnicodeError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or "no address"
        raise ConfigurationError(
            f"Cannot listen on {settings.host} port {settings.port}: {why}. "
            "Choose another --host (WAYSTATION_HOST) or --port (WAYSTATION_PORT); "
            "--port 0 takes a free one."
        ) from error
    listening.setblocking(False)
    return listening


def url_of(listening: socket.socket) -> str:
    """Return the base URL of a bound socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
