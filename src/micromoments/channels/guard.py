"""Where a destination's name leads, before anything is sent there: never into one's own network by accident.

A name is resolved once, every address that it has is looked at, and the connection is made to the address looked at, so
that a name which says something else a moment later (DNS rebinding) leads nowhere. Redirects aren't followed.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""By which a network that speaks IPv6 alone reaches IPv4 addresses."""

CREDENTIALS = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200")))
"""Where clouds give out a machine's own credentials outside the link-local ranges: those of AWS (instances, and pods of
EKS) and Google by IPv6, and Alibaba's.
"""


class Refused(Exception):
    """An address that isn't to be asked; the message says why and what to do."""


def target(url: str, *, private: bool) -> tuple[str, str]:
    """The address that a URL leads to now, and its host's name.

    Args:
        url: ``https://``; ``http://`` only with ``private``.
        private: whether addresses of one's own network are meant.

    Raises:
        Refused: another scheme, or an address in one's own network that nobody said is meant.
        OSError: the name can't be resolved now.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Refused(f"got {parts.scheme or 'no scheme'}; wanted https (http only with private = true)")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not allowed(address, private=private):
            raise Refused(
                f"got {host}, which leads to {address} in a network of your own; wanted a public address; "
                "set private = true for this destination if it is meant"
            )
    return found[0], host


def allowed(address: str, *, private: bool) -> bool:
    """Whether an address may be asked. Where cloud machines get their own credentials (link-local, mostly) never is."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = _within(ip) or ip
    if ip in CREDENTIALS or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return False
    return private or ip.is_global


def _within(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: mapped (RFC 4291), by NAT64 (RFC 6052) or by 6to4 (RFC 3056)."""
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


def pinned(url: str, address: str) -> str:
    """The URL with the address in the place of its host's name."""
    parts = urlsplit(url)
    host = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port else ""
    return SplitResult(parts.scheme, host + port, parts.path, parts.query, "").geturl()
