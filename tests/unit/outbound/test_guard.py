from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.outbound.guard import (
    MAX_URL_CHARS,
    METADATA,
    NOT_PUBLIC,
    allowed,
    loggable,
    objection,
    out_of_reach,
    read_url,
    routable,
)

EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))
LOOPBACK = (ip_network("127.0.0.0/8"),)


def nat64(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(int(IPv6Address("64:ff9b::")) | int(inner))


def nat64_local(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(int(IPv6Address("64:ff9b:1::")) | int(inner))


def nat64_local_split(inner: IPv4Address) -> IPv6Address:
    """RFC 6052 with a prefix of 48 bits: half before the reserved octet, half behind it."""
    upper, lower = int(inner) >> 16, int(inner) & 0xFFFF
    return IPv6Address(int(IPv6Address("64:ff9b:1::")) | upper << 64 | lower << 40 | 0x08080808)


def six_to_four(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(0x2002 << 112 | int(inner) << 80 | 1)


def mapped(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(0xFFFF << 32 | int(inner))


def teredo(inner: IPv4Address) -> IPv6Address:
    return IPv6Address(0x20010000 << 96 | (int(inner) ^ 0xFFFFFFFF))


UNWRAPPED = (mapped, nat64, six_to_four)


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_allowed(text: str) -> None:
    assert allowed(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.1.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.168.1.1",
        "198.19.255.255",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
        "100::1",
        "5f00::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "64:ff9b:1::808:808",
    ],
)
def test_addresses_that_are_not_public_are_refused(text: str) -> None:
    """R42."""
    assert not allowed(ip_address(text))


@pytest.mark.parametrize("wrap", UNWRAPPED)
def test_a_wrapped_address_is_judged_as_the_one_inside(wrap: object) -> None:
    """R42."""
    assert callable(wrap)
    assert allowed(wrap(IPv4Address("8.8.8.8")))
    assert not allowed(wrap(IPv4Address("10.0.0.1")))
    assert not allowed(wrap(IPv4Address("127.0.0.1")))
    assert allowed(wrap(IPv4Address("127.0.0.1")), LOOPBACK)


@given(st.ip_addresses(v=4))
def test_wrapping_never_changes_the_judgement(inner: IPv4Address) -> None:
    for wrap in UNWRAPPED:
        assert allowed(wrap(inner)) == allowed(inner)


@given(st.ip_addresses(v=6))
def test_an_allowed_ipv6_address_is_unicast_or_wraps_an_allowed_one(address: IPv6Address) -> None:
    if allowed(address):
        wrapped = address.ipv4_mapped or address in ip_network("64:ff9b::/96")
        assert wrapped or address in ip_network("2000::/3")


@given(st.sampled_from(NOT_PUBLIC).flatmap(lambda network: st.ip_addresses(network=network)))
def test_nothing_in_the_table_is_routable(address: IPv4Address | IPv6Address) -> None:
    assert not routable(address)
    assert not allowed(address)


@pytest.mark.parametrize("address", METADATA, ids=str)
def test_metadata_addresses_stay_closed_whatever_is_excepted(
    address: IPv4Address | IPv6Address,
) -> None:
    """R42."""
    assert not allowed(address, EVERYTHING)
    assert not allowed(address, (ip_network(address),))


@pytest.mark.parametrize(
    "wrap", [*UNWRAPPED, nat64_local, nat64_local_split, teredo], ids=lambda wrap: wrap.__name__
)
def test_metadata_addresses_stay_closed_in_every_wrapping(wrap: object) -> None:
    assert callable(wrap)
    for address in METADATA:
        if isinstance(address, IPv4Address):
            assert not allowed(wrap(address), EVERYTHING)


def test_a_zone_does_not_hide_a_metadata_address() -> None:
    assert not allowed(ip_address("fd00:ec2::254%eth0"), EVERYTHING)


def test_an_exception_opens_its_own_network_only() -> None:
    assert allowed(ip_address("127.0.0.1"), LOOPBACK)
    assert not allowed(ip_address("10.0.0.1"), LOOPBACK)
    assert not allowed(ip_address("::1"), LOOPBACK)
    assert allowed(ip_address("fd12::1"), (ip_network("fd12::/16"),))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com/a.png?sig=%2Fx&b=c#d",
        "HTTPS://Example.COM:8443/",
        "http://user:p%40ss@example.com/hook",
        "http://[2606:4700::1111]/",
        "http://bücher.example/ä b".replace(" ", "%20"),
    ],
)
def test_ordinary_urls_meet_no_objection(url: str) -> None:
    assert objection(url) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "a URL that is neither http nor https"),
        ("example.com/a.png", "a URL that is neither http nor https"),
        ("//example.com/a.png", "a URL that is neither http nor https"),
        ("ftp://example.com/a.png", "a URL that is neither http nor https"),
        ("file:///etc/passwd", "a URL that is neither http nor https"),
        ("http:///a.png", "a URL without a host"),
        ("http://127.0.0.1%00.example.com/", "a host that is no name"),
        ("http://127.0.0.1%20/", "a host that is no name"),
        ("http://a..example.com/", "a host that is no name"),
        ("http://.example.com/", "a host that is no name"),
        ("http://*/", "a host that is no name"),
        (f"http://{'a' * 64}.com/", "a host that is no name"),
        (f"http://{'a.' * 130}com/", "a host that is no name"),
        ("http://example.com:0/", "port 0"),
        ("http://example.com:65536/", "a URL that cannot be read"),
        ("http://[::1/", "a URL that cannot be read"),
        ("http://a\\@b/", "a URL that cannot be read"),
        ("http://example.com/\r\nX: y", "a URL that holds spaces or control characters"),
        ("http://example.com/a b", "a URL that holds spaces or control characters"),
        ("http://example.com/\x7f", "a URL that holds spaces or control characters"),
        ("http://example.com/" + "a" * MAX_URL_CHARS, "a URL longer than 8192 characters"),
    ],
)
def test_a_url_that_cannot_be_asked_for_is_told_why(url: str, reason: str) -> None:
    assert objection(url) == reason


def test_a_url_of_the_longest_length_meets_no_objection() -> None:
    url = "https://a.example/".ljust(MAX_URL_CHARS, "x")
    assert objection(url) is None
    assert objection(url + "x") == f"a URL longer than {MAX_URL_CHARS} characters"


@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    for url in (text, f"http://{text}", f"http://xn--{text}", f"http://example.com/{text}"):
        out_of_reach(url)
        if objection(url) is None:
            assert read_url(url).host


@pytest.mark.parametrize("url", ["http://xn--/", "https://xn--0.example/cb", "http://a.xn--/"])
def test_a_name_that_cannot_be_decoded_is_no_url(url: str) -> None:
    assert objection(url) == out_of_reach(url) == "a URL that cannot be read"
    with pytest.raises(ValueError):
        read_url(url)


def test_a_signed_link_is_asked_for_byte_for_byte() -> None:
    url = "https://example.com/a%2fb%7E.png?X-Sig=%2bab/c+d%20"
    assert str(read_url(url)) == url


def test_logs_get_a_url_without_its_secrets() -> None:
    shown = loggable("https://user:pw@example.com:8443/a?token=abc#frag")
    assert shown == "https://example.com:8443/a"
    assert loggable("http://[::1") == "[unreadable URL]"


PRIVATE = "is a private address; WAYSTATION_ALLOW_NETWORKS can allow it"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://10.0.0.1/x", f"10.0.0.1 {PRIVATE}"),
        ("http://user:pw@192.168.1.5:8080/x?k=v", f"192.168.1.5 {PRIVATE}"),
        ("http://[::1]/", f"::1 {PRIVATE}"),
        ("http://[::ffff:10.0.0.1]/", f"::ffff:10.0.0.1 {PRIVATE}"),
        ("http://localhost/", f"localhost {PRIVATE}"),
        ("http://a.LOCALHOST./", f"a.localhost {PRIVATE}"),
        ("http://169.254.169.254/", "is a cloud's metadata address, which is never called"),
        ("http://2130706433/", "2130706433 is no address; write it as four numbers with dots"),
        ("http://0x7f.1/", "0x7f.1 is no address; write it as four numbers with dots"),
        ("http://h/a b", "a URL that holds spaces or control characters"),
        ("ftp://a.example/", "a URL that is neither http nor https"),
    ],
)
def test_a_url_that_can_never_be_called_is_known_by_its_text(url: str, reason: str) -> None:
    told = out_of_reach(url)
    assert told is not None
    assert told.endswith(reason)


@pytest.mark.parametrize(
    "url", ["https://a.example/x", "http://8.8.8.8/", "http://host7/", "http://a.7b/"]
)
def test_a_host_that_may_be_public_is_not_refused_by_its_text(url: str) -> None:
    assert out_of_reach(url) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost:9/"])
def test_a_network_that_the_operator_allows_can_be_called(url: str) -> None:
    assert out_of_reach(url, [ip_network("127.0.0.0/8")]) is None


@pytest.mark.parametrize(
    "text", ["fd00:a9fe:a9fe::1", "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%eth0"]
)
def test_metadata_addresses_in_hexadecimal_are_opened_by_no_exception(text: str) -> None:
    assert not allowed(ip_address(text), (ip_network("::/0"),))
