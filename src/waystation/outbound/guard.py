"""Address policy: which addresses and URLs a caller's text may make us reach (R42).

How it works: an IPv6 address that only wraps an IPv4 one is judged as that one. What remains must
be globally routable or in one of the operator's exceptions, and is never a metadata service, in
whatever wrapping.

The tables are our own because the standard library's `is_global` differs between patch releases.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

from yarl import URL

__all__ = [
    "MAX_URL_CHARS",
    "METADATA",
    "NOT_PUBLIC",
    "Address",
    "Network",
    "allowed",
    "loggable",
    "objection",
    "out_of_reach",
    "read_url",
    "routable",
]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_CHARS: Final = 8192
"""Our choice: presigned links with session tokens stay below 4,096."""

NOT_PUBLIC: Final[Sequence[Network]] = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this host on this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by carriers
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays, withdrawn
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarking
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
"""Source: IANA IPv4 and IPv6 Special-Purpose Address Registries, "Globally Reachable" not true.

Of IPv6 only 2000::/3 is looked at here: nothing outside it is routable at all.
"""

METADATA: Final[Sequence[Address]] = tuple(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, Oracle, DigitalOcean, OpenStack
            "169.254.169.253",  # AWS resolver
            "169.254.170.2",  # AWS container credentials
            "169.254.170.23",  # AWS pod identity
            "169.254.0.23",  # Tencent
            "169.254.42.42",  # Scaleway
            "168.63.129.16",  # Azure host agent; looks public
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle, older
            "fd00:ec2::254",  # AWS
            "fd00:ec2::253",  # AWS resolver
            "fd00:ec2::23",  # AWS pod identity
            "fd20:ce::254",  # Google
            "fd00:42::42",  # Scaleway
            "fd00:a9fe:a9fe::1",  # 169.254.169.254 in hexadecimal
            "fd00:c1::a9fe:a9fe",
            "fe80::a9fe:a9fe",  # OpenStack
        ),
    )
)
"""Hand out credentials to whoever asks from inside; no exception of the operator opens them.

Source: the clouds' manuals on their instance metadata services.
"""

_LOOPBACK: Final = (ip_address("127.0.0.1"), ip_address("::1"))
_LOCAL_HOST: Final = re.compile(r"(?:\A|\.)localhost\Z", re.IGNORECASE)
"""Always this host. Source: RFC 6761, 6.3."""
_NAME: Final = re.compile(r"(?:[\w-]{1,63}\.)*[\w-]{1,63}\.?", re.ASCII)
_LONGEST_NAME: Final = 254
"""Characters, with the dot at its end. Source: RFC 1035, 2.3.4."""

_NUMERIC_HOST: Final = re.compile(r"(?:\A|\.)(?:[0-9]+|0x[0-9a-f]*)\Z", re.IGNORECASE)
"""Old ways to write an IPv4 address, which some resolvers understand and no name can have."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")


def allowed(address: Address, allow_networks: Sequence[Network] = ()) -> bool:
    """Return whether a connection to this address may be made.

    Args: allow_networks: the operator's exceptions; of a wrapped IPv4 address name the IPv4 one
    """
    if any(reading in METADATA for reading in _readings(address)):
        return False
    meant = _unwrapped(address)
    return routable(meant) or any(meant in network for network in allow_networks)


def routable(address: Address) -> bool:
    """Return whether the address, unwrapped, is globally routable unicast."""
    meant = _unwrapped(address)
    if isinstance(meant, IPv6Address) and meant not in _GLOBAL_UNICAST:
        return False
    return not any(meant in network for network in NOT_PUBLIC)


def objection(url: str) -> str | None:
    """Return why a URL may not be asked for, as the end of "failed with …"; None when it may be.

    Looks at the text only; the address behind the host is judged when it is connected to.
    """
    if len(url) > MAX_URL_CHARS:
        return f"a URL longer than {MAX_URL_CHARS} characters"
    if any(character <= " " or character == "\x7f" for character in url):
        return "a URL that holds spaces or control characters"
    try:
        parts = read_url(url)
        scheme, host, port = parts.scheme, parts.raw_host, parts.port
    except ValueError:
        return "a URL that cannot be read"
    if scheme not in ("http", "https"):
        return "a URL that is neither http nor https"
    if not host:
        return "a URL without a host"
    if ":" not in host and not (len(host) <= _LONGEST_NAME and _NAME.fullmatch(host)):
        return "a host that is no name"
    if port == 0:
        return "port 0"
    return None


def out_of_reach(url: str, allow_networks: Sequence[Network] = ()) -> str | None:
    """Return why a URL can never be called, for the one who names it; None when it may be.

    Looks at the text only, so that nobody learns of the operator's names: a name is judged when it
    is called, by the addresses it has then.
    """
    if (reason := objection(url)) is not None:
        return reason
    host = (read_url(url).host or "").rstrip(".")
    try:
        addresses = [ip_address(host)]
    except ValueError:
        if _NUMERIC_HOST.search(host):
            return f"{host} is no address; write it as four numbers with dots"
        addresses = list(_LOOPBACK) if _LOCAL_HOST.search(host) else []
    if not addresses or any(allowed(address, allow_networks) for address in addresses):
        return None
    if any(reading in METADATA for address in addresses for reading in _readings(address)):
        return f"{host} is a cloud's metadata address, which is never called"
    return f"{host} is a private address; WAYSTATION_ALLOW_NETWORKS can allow it"


def read_url(url: str) -> URL:
    """Return the URL as it will be asked for: byte for byte when it is ASCII.

    Signed links break when their escapes are written in another way.

    Raises: ValueError: it is not a URL
    """
    parts = URL(url)
    parts.host  # noqa: B018 - a name that cannot be decoded is found out only here
    return URL(url, encoded=True) if url.isascii() and parts.raw_host else parts


def loggable(url: str) -> str:
    """Return a URL without userinfo, query and fragment, for logs (R46)."""
    try:
        return str(URL(url).with_user(None).with_query(None).with_fragment(None))
    except ValueError:
        return "[unreadable URL]"


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return _ipv4_at(address, 0)
    return address


def _readings(address: Address) -> Sequence[Address]:
    """Return every address that this one may end at, on anyone's reading."""
    if isinstance(address, IPv4Address):
        return (address,)
    plain = IPv6Address(int(address))  # without a zone, which would make it unequal to a table's
    if address in _NAT64_LOCAL:
        # RFC 6052, 2.2: where the IPv4 address sits depends on the prefix length of the site.
        upper, lower = int(address) >> 64 & 0xFFFF, int(address) >> 40 & 0xFFFF
        return plain, _ipv4_at(address, 0), IPv4Address(upper << 16 | lower)
    return plain, _unwrapped(address), *(address.teredo or ())


def _ipv4_at(address: IPv6Address, shift: int) -> IPv4Address:
    return IPv4Address(int(address) >> shift & 0xFFFFFFFF)
