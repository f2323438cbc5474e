# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Several legs towards a backend: weights, flows that stay, legs that die and come back; routes that reject."""
import contextlib
import json
import subprocess

import pytest

from lab import wait_for

FAMILIES = pytest.mark.parametrize("family", [4, 6])
VIP = {4: "203.0.113.10", 6: "2001:db8:203::10"}
BACKENDS = {4: ("198.51.100.11", "198.51.100.12"), 6: ("2001:db8:51::11", "2001:db8:51::12")}
NET = {4: "198.51.100.0/24", 6: "2001:db8:51::/64"}
R1 = {4: "198.18.1.2", 6: "2001:db8:18:1::2"}
R2 = {4: "198.18.1.3", 6: "2001:db8:18:1::3"}
SIDE = {4: "198.18.3", 6: "2001:db8:18:3:"}  # between the director and r2 alone
PORTS = range(41000, 41024)

FLOWS = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
for port in map(int, sys.argv[2:]):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.bind(("", port))
        s.settimeout(2)
        for _ in range(3):
            s.sendto(b"x", (sys.argv[1], 7))
            s.recv(100)
"""

# The source ports of the datagrams that leave a router for the backends, told when it is asked to end.
LISTEN = """
import signal, socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
s.bind(("rack", 3))
ports = set()
def end(*_):
    s.setblocking(False)
signal.signal(signal.SIGTERM, end)
signal.siginterrupt(signal.SIGTERM, True)
s.settimeout(0.05)
print("ready", flush=True)
while True:
    try:
        data, source = s.recvfrom(2048)
    except TimeoutError:
        continue
    except BlockingIOError:
        break
    at, protocol = ((data[0] & 15) * 4, data[9]) if data[0] >> 4 == 4 else (40, data[6])
    if source[2] == socket.PACKET_OUTGOING and protocol == 17 and data[at + 2:at + 4] == bytes((0, 7)):
        ports.add(int.from_bytes(data[at:at + 2], "big"))
print(*ports)
"""


def of(lab, family):
    return [backend for address, backend in lab.backends().items() if address in BACKENDS[family]]


def legs(lab, family):
    """{(next hop, weight)} of each backend; all backends have the same."""
    found = {frozenset((path["nexthop"], path["weight"]) for path in backend["paths"]) for backend in of(lab, family)}
    return set(found.pop()) if len(found) == 1 else None


def active(lab, family):
    return all(backend["state"] == "active" for backend in of(lab, family))


@contextlib.contextmanager
def listening(lab, router):
    """Yields a list that holds the source ports of what the router took, once the block has ended."""
    with subprocess.Popen([*lab.enter(router), "/usr/bin/python3", "-c", LISTEN], stdout=subprocess.PIPE,
                          text=True) as process:
        ports = []
        try:
            assert process.stdout.readline() == "ready\n"
            yield ports
        finally:
            process.terminate()
            ports += map(int, process.stdout.read().split())


def spread(lab, family, ports=PORTS):
    """{source port: the one router that took the flow}"""
    with listening(lab, "r1") as by_r1, listening(lab, "r2") as by_r2:
        lab.run("client", "/usr/bin/python3", "-c", FLOWS, VIP[family], *map(str, ports))
    assert not set(by_r1) & set(by_r2), "a flow went both ways"
    assert set(by_r1) | set(by_r2) == set(ports)
    return {port: "r1" if port in by_r1 else "r2" for port in ports}


@contextlib.contextmanager
def routed(lab, family, *words):
    """The director's route to the backends, while the block runs."""
    ip = f"ip -{family}"
    lab.run("director", f"{ip} route replace {NET[family]} {' '.join(words)}")
    try:
        yield
    finally:
        if family == 6:
            # IPv6 keeps the other legs of a route that is replaced.
            lab.run("director", f"{ip} route del {NET[family]}", check=False)
        lab.run("director", f"{ip} route replace {NET[family]} via {R1[family]}")
        wait_for("as before", lambda: legs(lab, family) == {(R1[family], 1)} and active(lab, family))
        lab.assert_verified()


@contextlib.contextmanager
def side_link(lab):
    """A link of its own from the director to r2."""
    lab.run("r2", f"ip link add side type veth peer name eth9 netns {lab.netns('director')}")
    try:
        for node, dev, host in (("r2", "side", 3), ("director", "eth9", 10)):
            lab.run(node, f"ethtool -K {dev} tx off tso off gso off gro off")
            lab.run(node, f"ip link set {dev} up")
            lab.run(node, f"ip addr add {SIDE[4]}.{host}/24 dev {dev}")
            lab.run(node, f"ip addr add {SIDE[6]}:{host}/64 dev {dev} nodad")
        wait_for("it carries the program", lambda: lab.program("director", "eth9"))
        yield
    finally:
        lab.run("r2", "ip link del side")
        wait_for("it is gone", lambda: len(lab.json("director", "show", "interfaces")) == 1)


@FAMILIES
def test_a_dead_leg_moves_its_own_flows_alone(l3, family):
    far = f"{SIDE[4]}.3" if family == 4 else f"{SIDE[6]}:3"
    with side_link(l3), routed(l3, family, f"nexthop via {R1[family]} nexthop via {far}"):
        wait_for("two legs", lambda: legs(l3, family) == {(R1[family], 1), (far, 1)} and active(l3, family))
        wait_for("both known", lambda: all(path["dst_mac"] for row in of(l3, family) for path in row["paths"]))
        l3.assert_verified()
        before = spread(l3, family)
        assert set(before.values()) == {"r1", "r2"}
        assert spread(l3, family) == before
        l3.run("r2", "ip link set side down")  # the director's end loses its carrier
        wait_for("one leg", lambda: legs(l3, family) == {(R1[family], 1)})
        l3.assert_verified()
        assert set(spread(l3, family).values()) == {"r1"}
        l3.run("r2", "ip link set side up")
        if family == 6:
            l3.run("r2", f"ip addr replace {SIDE[6]}:3/64 dev side nodad")  # went with the link
        wait_for("two legs again", lambda: legs(l3, family) == {(R1[family], 1), (far, 1)})
        wait_for("both known again", lambda: all(path["dst_mac"] for row in of(l3, family) for path in row["paths"]))
        assert spread(l3, family) == before
        l3.assert_verified()


@FAMILIES
@pytest.mark.parametrize("kind", ["route", "group", "resilient"])
def test_legs_have_their_weights(l3, family, kind):
    ip = f"ip -{family}"
    want = {(R1[family], 1), (R2[family], 3)}
    if kind == "route":
        words = f"nexthop via {R1[family]} weight 1 nexthop via {R2[family]} weight 3"
    else:
        l3.run("director", f"{ip} nexthop add id 71 via {R1[family]} dev eth0")
        l3.run("director", f"{ip} nexthop add id 72 via {R2[family]} dev eth0")
        l3.run("director", f"ip nexthop add id 73 group 71/72,3 {'type resilient buckets 16' if kind == 'resilient' else ''}")
        words = "nhid 73"
    try:
        with routed(l3, family, words):
            wait_for("both legs", lambda: legs(l3, family) == want and active(l3, family))
            wait_for("both known", lambda: all(path["dst_mac"] for row in of(l3, family) for path in row["paths"]))
            l3.assert_verified()
            found = list(spread(l3, family).values())
            assert 0 < found.count("r1") < found.count("r2"), found
            if kind != "route":
                l3.run("director", "ip nexthop replace id 73 group 71" + (" type resilient buckets 16" if kind == "resilient" else ""))
                wait_for("one leg", lambda: legs(l3, family) == {(R1[family], 1)})
                l3.assert_verified()
    finally:
        l3.run("director", "ip nexthop flush", check=False)


def link_local(lab, node, dev):
    rows = json.loads(lab.run(node, f"ip -6 -j addr show dev {dev} scope link"))
    return next(info["local"] for row in rows for info in row.get("addr_info", ()) if "local" in info)


@FAMILIES
def test_a_link_local_next_hop(l3, family):
    """IPv6 by fe80::, and IPv4 by an IPv6 next hop (RFC 8950), as routing daemons make them."""
    gateway = link_local(l3, "r2", "core")
    with routed(l3, family, f"via {'inet6 ' if family == 4 else ''}{gateway} dev eth0"):
        wait_for("by it", lambda: legs(l3, family) == {(gateway, 1)} and active(l3, family))
        l3.assert_verified()
        known = {row["nexthop"]: row for row in l3.json("director", "show", "nexthops")}
        assert known[gateway]["managed"] and known[gateway]["state"] == "valid"
        assert set(spread(l3, family, PORTS[:4]).values()) == {"r2"}


@FAMILIES
@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit"])
def test_a_route_that_rejects(l3, family, kind):
    l3.run("director", f"ip -{family} route add {kind} {BACKENDS[family][0]}")
    try:
        def rejected():
            row = l3.backends()[BACKENDS[family][0]]
            return row["state"] == "unreachable" and kind in row["reason"]

        wait_for("unreachable for that reason", rejected)
        l3.assert_verified()
        assert l3.backends()[BACKENDS[family][1]]["state"] == "active"
        assert set(l3.curl(VIP[family], 20)) == {"b2"}
    finally:
        l3.run("director", f"ip -{family} route del {kind} {BACKENDS[family][0]}")
    wait_for("back", lambda: active(l3, family))
    l3.assert_verified()
