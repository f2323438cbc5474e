# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A traceroute to a VIP: the director is the hop that it is. The l3 lab."""
import contextlib

import pytest

from lab import wait_for
from test_tunnels import VIP4, VIP6, count, service, serving

VIPS = pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["ipv4", "ipv6"])
EDGE = {VIP4: "198.18.0.1", VIP6: "2001:db8:18::1"}
DIRECTOR = {VIP4: "198.18.1.10", VIP6: "2001:db8:18:1::10"}
# Who says of probes with a TTL of 1, 2 and 64 that it ended there ("-": nobody). What comes is matched with the probe by
# the client's kernel: only an error that quotes it rightly is in its error queue.
PROBES = """
import select, socket, struct, sys
kind, vip, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
six = ":" in vip
level, receive_errors = (41, 25) if six else (socket.SOL_IP, 11)

def offender(probe):
    for _, _, data in probe.recvmsg(4096, 1024, socket.MSG_ERRQUEUE)[1]:
        error, origin, kind, code = struct.unpack_from("=IBBB", data)
        assert (origin, kind, code) == ((3, 3, 0) if six else (2, 11, 0)), (origin, kind, code)
        return socket.inet_ntop(probe.family, data[24:40] if six else data[20:24])

def hop(ttl):
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET,
                       socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        probe.setsockopt(level, receive_errors, 1)
        probe.setsockopt(level, socket.IPV6_UNICAST_HOPS if six else socket.IP_TTL, ttl)
        probe.connect_ex((vip, 80 if kind == "tcp" else 7))
        if kind == "udp":
            probe.send(b"?" * size)
        poll = select.poll()
        poll.register(probe, select.POLLIN | select.POLLOUT * (kind == "tcp"))
        happened = dict(poll.poll(10000)).get(probe.fileno(), 0)
        if not happened:
            return "-"
        return offender(probe) if happened & select.POLLERR else "reached"

for ttl in 1, 2, 64:
    print(hop(ttl))
"""


@contextlib.contextmanager
def talkative(lab, *nodes):
    """Linux tells the same host but once a second."""
    limits = ("net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit")
    try:
        for node in nodes:
            lab.run(node, "sysctl", "-q", "-w", *(f"{limit}=0" for limit in limits))
        yield
    finally:
        for node in nodes:
            lab.run(node, "sysctl", "-q", "-w", *(f"{limit}=1000" for limit in limits))


def trace(lab, vip, kind="udp", size=20):
    return lab.run("client", "/usr/bin/python3", "-c", PROBES, kind, vip, str(size)).split()


@pytest.mark.parametrize("mode", ["l3", "ipip", "gue"])
@VIPS
def test_the_director_is_a_hop(l3, mode, vip):
    family = 6 if vip == VIP6 else 4
    with talkative(l3, "edge"), serving(l3, service("web", vip, mode, family)):
        told, passed = count(l3, "director", "told_ttl"), count(l3, "director", "pass_ttl")
        for kind in ("udp", "tcp"):
            hops = trace(l3, vip, kind)
            assert hops == [EDGE[vip], DIRECTOR[vip], "reached"], (kind, hops)
        assert count(l3, "director", "told_ttl") == told + 2
        assert count(l3, "director", "pass_ttl") == passed


@VIPS
def test_of_a_datagram_in_fragments_it_tells_once(l3, vip):
    with talkative(l3, "edge"), serving(l3, service("web", vip, "l3", 6 if vip == VIP6 else 4)):
        told, passed = count(l3, "director", "told_ttl"), count(l3, "director", "pass_ttl")
        assert trace(l3, vip, size=3000) == [EDGE[vip], DIRECTOR[vip], "reached"]
        assert count(l3, "director", "told_ttl") == told + 1
        assert count(l3, "director", "pass_ttl") == passed + 2


def test_it_speaks_from_the_address_that_it_has(l3):
    """The lowest of several, as they come and go."""
    with talkative(l3, "edge"), serving(l3, service("web", VIP4, "ipip", 4)):
        assert trace(l3, VIP4)[1] == DIRECTOR[VIP4]
        l3.run("director", "ip addr add 198.18.1.9/24 dev eth0")
        try:
            wait_for("the lower one", lambda: trace(l3, VIP4)[1] == "198.18.1.9")
            l3.assert_verified("director")
        finally:
            l3.run("director", "ip addr del 198.18.1.9/24 dev eth0")
        wait_for("as before", lambda: trace(l3, VIP4)[1] == DIRECTOR[VIP4])
