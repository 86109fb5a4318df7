"""`waystation` on a host whose name server hangs for every name below `.dead.test`.

Only the C library's look-up is replaced; it holds its thread as a resolver does that waits in vain.
"""

from __future__ import annotations

import socket
import time
from typing import Any

from waystation.cli import main

__all__ = ["DEAD", "GIVES_UP_AFTER_S"]

DEAD = ".dead.test"
GIVES_UP_AFTER_S = 30.0
"""Three tries at two servers, five seconds each. Source: resolv.conf(5), the defaults."""

_real = socket.getaddrinfo


def _look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
    if str(host).endswith(DEAD):
        time.sleep(GIVES_UP_AFTER_S)
        raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer")
    return _real(host, *args, **kwargs)


if __name__ == "__main__":
    socket.getaddrinfo = _look_up
    main()
