# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Routes that the kernel chooses among by more than the prefix, and tells nobody: lifetimes that end, default routes
that are alike, and IPv6 routes by their gateways' states where nothing is forwarded.

As in test_silent.py the maps must then agree with the kernel, and the audit must have found nothing.
"""
import pytest

import oracle
import silent
from oracle import ip
from silent import ALL, GATEWAY4, GATEWAY6, PLAIN, backend4, backend6

THERE4, THERE6 = backend4(PLAIN), backend6(PLAIN)


@pytest.fixture(scope="module")
def running():
    yield from silent.running()


@pytest.fixture
def director(running):
    yield from silent.unharmed(running)


def by(director, address, dev):
    return lambda: director.ways(address) == {dev} and director.states(address) == {"active"}


# ---- lifetimes


@pytest.fixture
def uncollected(director):
    """The kernel leaves routes where they are that are over."""
    director.sysctl("ipv6/route/gc_interval", 600)
    yield director
    director.sysctl("ipv6/route/gc_interval", 30)
    for route in oracle.documents(director.netns, "-6", "route", "show", "table", "all"):
        if "expires" in route:
            director.ip(f"-6 route del {route['dst']} dev {route['dev']} metric {route['metric']} "
                        f"table {route.get('table', 'main')}")


def is_over(director, prefix):
    """It is there, and does not count."""
    routes = oracle.documents(director.netns, "-6", "route", "show", "table", "all", "root", prefix)
    return [route["expires"] <= 0 for route in routes if route["dst"] == prefix] == [True]


@pytest.mark.parametrize("way", ["via", "nhid"])
def test_the_lifetime_of_a_route_ends(uncollected, way):
    director = uncollected
    prefix = "2001:db8:1::/72"
    # Of an object of its own: the kernel answers for routes that share one as for another (netlink/index6.c).
    director.ip(f"nexthop add id 19 via {GATEWAY6[1]} dev d1")
    by_d1 = f"via {GATEWAY6[1]}" if way == "via" else "nhid 19"
    director.ip(f"-6 route add {prefix} {by_d1} expires 2")
    director.follows("by the route with a lifetime", by(director, THERE6, "d1"))
    director.follows("by the one that stays", by(director, THERE6, "d0"))
    assert is_over(director, prefix)


def test_a_lifetime_is_prolonged_without_a_word(uncollected):
    director = uncollected
    route = f"-6 route add 2001:db8:1::/72 via {GATEWAY6[1]} expires"
    director.ip(f"{route} 2")
    director.follows("by the route with a lifetime", by(director, THERE6, "d1"))
    assert ip(director.netns, *f"{route} 4".split(), check=False).returncode == 2  # it exists, and lives longer
    director.follows("by the one that stays", by(director, THERE6, "d0"))
    assert is_over(director, "2001:db8:1::/72")


def test_a_lifetime_in_a_table_of_a_rule(uncollected):
    director = uncollected
    director.ip(f"-6 rule add to {THERE6} lookup 101 priority 100")
    try:
        director.ip(f"-6 route add 2001:db8:1::/72 via {GATEWAY6[1]} expires 2 table 101")
        director.follows("by the rule's table", by(director, THERE6, "d1"))
        director.follows("by the main table", by(director, THERE6, "d0"))
    finally:
        director.ip(f"-6 rule del to {THERE6} lookup 101 priority 100")


# ---- default routes that are alike


@pytest.fixture
def defaults(director):
    """Two of equal metric, and a backend that nothing else leads to."""
    director.ip(f"route add default via {GATEWAY4[0]}")
    director.ip(f"route append default via {GATEWAY4[1]}")
    director.ip("route del 198.18.1.0/24")
    yield director
    director.ip("route flush default")


def test_default_routes_that_are_alike(defaults):
    """The kernel forwards by the first, whatever its neighbours are; what it sends itself takes turns."""
    director = defaults
    director.follows("by the first", by(director, THERE4, "d0"))
    chosen = set()
    for _ in range(8):
        for dev, gateway in zip(("d0", "d1"), GATEWAY4):
            director.ip(f"neigh change {gateway} dev {dev} nud stale")
        chosen.add(oracle.documents(director.netns, "route", "get", "fibmatch", THERE4)[0]["dev"])
        director.ip("route replace 198.18.0.0/15 via 198.51.100.6")  # all are asked about anew
        director.ip("route del 198.18.0.0/15")
        director.follows("by the first", by(director, THERE4, "d0"))
    assert chosen == {"d0", "d1"}  # else this has shown nothing
    director.ip("route del default via 198.51.100.2")
    director.follows("by the other", by(director, THERE4, "d1"))


def test_the_first_default_route_is_silent(defaults):
    director = defaults
    director.follows("by the first", by(director, THERE4, "d0"))
    router = director.network.routers[0]
    ip(router, "addr", "del", f"{GATEWAY4[0]}/30", "dev", "w0")
    try:
        director.ip(f"neigh change {GATEWAY4[0]} dev d0 nud failed")
        director.follows("as the kernel forwards", lambda: director.states(THERE4) == {"unreachable"})
        assert director.ways(THERE4) == {"d0"}
    finally:
        ip(router, "addr", "add", f"{GATEWAY4[0]}/30", "dev", "w0")
    director.follows("it answers again", by(director, THERE4, "d0"), 15)


# ---- an IPv6 host


def test_ipv6_routes_by_their_gateways_states(director):
    """Where IPv6 is not forwarded, the kernel passes over a route whose gateway does not answer."""
    router, gateway = director.network.routers[0], "2001:db8:a::9"
    ip(router, "addr", "add", f"{gateway}/64", "dev", "w0")
    director.ip(f"-6 route replace 2001:db8:1::/64 via {gateway}")
    director.ip(f"-6 route add 2001:db8:1::/48 via {GATEWAY6[1]}")
    director.sysctl("ipv6/conf/all/forwarding", 0)
    try:
        director.follows("by the longer prefix", by(director, THERE6, "d0"))
        ip(router, "addr", "del", f"{gateway}/64", "dev", "w0")
        director.ip(f"neigh change {gateway} dev d0 nud failed")
        director.follows("by the shorter prefix", by(director, THERE6, "d1"))
        director.sysctl("ipv6/conf/all/forwarding", 1)
        director.follows("by the longer prefix all the same", lambda: director.ways(THERE6) == {"d0"})
    finally:
        director.sysctl("ipv6/conf/all/forwarding", 1)
        director.ip("-6 route del 2001:db8:1::/48")
    assert director.states(*set(ALL) - {THERE6}) == {"active"}
