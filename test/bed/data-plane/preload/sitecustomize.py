"""Loaded into Python functions that the bed runs: RDS names lead to the bed's loopback addresses.

libpq resolves names in C, where nothing can be patched, so it gets PGHOSTADDR; the name still decides what the server's
certificate must say. Whatever resolves in Python is patched.
"""

import os
import socket

_system = socket.getaddrinfo


def _find(name):
    with open(os.environ["LAMBDAPG_BED_HOSTS"], encoding="utf-8") as file:
        for line in file:
            known, _, place = line.strip().partition("=")
            if known == name:
                return place.split(":")
    return None


def _getaddrinfo(host, port, *args, **kwargs):
    address = None
    place = _find(host) if isinstance(host, str) else None
    if place is not None:
        address = place[0]
        # Port 443 is for root: behind a mapped name it is the mapped port.
        port = int(place[1]) if port in (443, "https", "443") else port
    if address is None and isinstance(host, str) and host.endswith(".rds.amazonaws.com"):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _system(address or host, port, *args, **kwargs)


if "LAMBDAPG_BED_HOSTS" in os.environ:
    socket.getaddrinfo = _getaddrinfo
    _place = _find(os.environ.get("PGHOST", ""))
    if _place is not None:
        os.environ["PGHOSTADDR"] = _place[0]
