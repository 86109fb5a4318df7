"""The ASGI application: the route table put behind a router, and CORS where it is wanted.

Rules: order of checks is R1: a handler authenticates before it reads a body. Slow or oversized
headers are cut below this, in `protocol.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from waystation.api.body import Limits
from waystation.api.forms import Forms
from waystation.api.openapi import openapi_path
from waystation.api.probes import probe_paths
from waystation.api.resource import Resource, Surroundings
from waystation.api.straight import Straight
from waystation.api.v2 import v2_paths
from waystation.engine.service import Service
from waystation.ports import Traces, Untraced

__all__ = ["Face", "create_face"]

_CORS_METHODS = ("DELETE", "GET", "HEAD", "POST")
_CORS_REQUEST_HEADERS = (
    "Authorization",
    "Idempotency-Key",
    "Last-Event-ID",
    "Prefer",
    "X-Request-Id",
)
_CORS_ANSWER_HEADERS = (
    "Idempotency-Replayed",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)


class _JobIds(StringConvertor):
    """Reads a jobid in a path: `/v2/jobs/<anything else>` is no path, as it has always been."""

    regex = "job:[^/]+"


register_url_convertor("jobid", _JobIds())


@dataclass(frozen=True, slots=True)
class Face:
    """The REST face: an ASGI application, and the straight way beside it."""

    app: ASGIApp
    straight: Straight


def create_face(
    service: Service,
    *,
    new_request_id: Callable[[], str],
    limits: Limits,
    cors_origins: Sequence[str] = (),
    public_url: str = "",
    metrics: CollectorRegistry | None = None,
    traces: Traces | None = None,
) -> Face:
    """Return the REST face of a service.

    Args:
        new_request_id: names a request whose caller sent no usable X-Request-Id
        cors_origins: origins whose pages may call; `*` for all, empty for none
        public_url: where browsers find the service; empty: where a request has found it
        metrics: registry that `/metrics` shows beside the face's own totals; None: no `/metrics`
        traces: makes a span of each POST of a job; None: nothing is traced
    """
    surroundings = Surroundings(limits, new_request_id)
    forms = Forms()
    probes = probe_paths(service, metrics, surroundings.answered)
    paths = (*v2_paths(service, forms, traces or Untraced(), public_url), *probes, openapi_path())
    resources = {path.template: Resource(path, surroundings) for path in paths}
    router = Router(
        routes=[
            Route(template.replace("{jobid}", "{jobid:jobid}"), resource)
            for template, resource in resources.items()
        ],
        default=Resource(None, surroundings),
        redirect_slashes=False,
    )
    fixed = {name: each for name, each in resources.items() if "{" not in name}
    app: ASGIApp = _FixedPaths(fixed, router)
    if cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=tuple(cors_origins),
            allow_methods=_CORS_METHODS,
            allow_headers=_CORS_REQUEST_HEADERS,
            expose_headers=_CORS_ANSWER_HEADERS,
        )
    return Face(app, Straight(service, forms, new_request_id, surroundings.answered))


class _FixedPaths:
    """Finds a path without parameters in one look-up; the router would try pattern after pattern.

    Source: docs/performance.md, reading a job
    """

    def __init__(self, resources: Mapping[str, Resource], otherwise: ASGIApp) -> None:
        self._resources = resources
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._resources.get(scope.get("path", ""), self._otherwise)
        await app(scope, receive, send)
