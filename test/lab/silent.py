# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A director between two routers, and backends behind them by every kind of route, of both families.

Used by test_silent.py, test_choices.py and test_overrun.py. The routers answer for addresses of their own only: that is all it takes
to find a way.
"""
import itertools
import os
import subprocess

import oracle
from lab import COMPLAINT, wait_for
from oracle import ip
from scale import Daemon, run, set_sysctl

_numbers = itertools.count(1)

# By which way; 198.18.N.1 and 2001:db8:N::1 behind each.
PLAIN, MULTIPATH, OBJECT, GROUP, RESILIENT = range(1, 6)
WAYS = (PLAIN, MULTIPATH, OBJECT, GROUP, RESILIENT)


def backend4(way):
    return f"198.18.{way}.1"


def backend6(way):
    return f"2001:db8:{way}::1"


ONLINK4, ONLINK6 = "198.51.100.2", "2001:db8:a::2"
GATEWAY4, GATEWAY6 = ("198.51.100.2", "198.51.100.6"), ("2001:db8:a::2", "2001:db8:b::2")
# Whose packets come in by c0.
GUEST = ("192.0.2.9", "c0")
OWN4, OWN6 = ("198.51.100.1/30", "198.51.100.5/30"), ("2001:db8:a::1/64", "2001:db8:b::1/64")

BACKENDS4 = [backend4(way) for way in WAYS] + [ONLINK4]
BACKENDS6 = [backend6(way) for way in WAYS] + [ONLINK6]
ALL = BACKENDS4 + BACKENDS6


def file_text(audit="1s"):
    return "\n".join([
        f"audit: {audit}",
        "role: director",
        "interfaces: [c0, x0]",
        "services:",
        "  - {name: web4, vip: 203.0.113.1, ports: [80/tcp], forward: l3,",
        f"     backends: [{', '.join(BACKENDS4)}]}}",
        "  - name: web6",
        "    vip: 2001:db8:203::1",
        "    ports: [80/tcp]",
        "    forward: l3",
        "    backends:",
        *[f"      - '{address}'" for address in BACKENDS6],
    ]) + "\n"


def batch(netns, lines):
    result = subprocess.run(["ip", "-n", netns, "-batch", "-"], input="\n".join(lines), text=True, capture_output=True,
                            timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]


class Network:
    """The director's d0 leads to the first router, d1 to the second."""

    def __init__(self):
        name = f"q{os.getpid()}n{next(_numbers)}"
        self.director = f"{name}-director"
        self.routers = (f"{name}-r0", f"{name}-r1")

    def up(self):
        for netns in (self.director, *self.routers):
            run(f"ip netns add {netns}")
            ip(netns, "link", "set", "lo", "up")
            for key, value in (("ipv6/conf/all/accept_dad", 0), ("ipv6/conf/default/accept_dad", 0),
                               ("ipv4/conf/all/arp_notify", 1), ("ipv4/conf/default/arp_notify", 1)):
                set_sysctl(netns, f"net/{key}", value)
        set_sysctl(self.director, "net/ipv4/ip_forward", 1)
        set_sysctl(self.director, "net/ipv6/conf/all/forwarding", 1)
        ip(self.director, "link", "add", "c0", "type", "veth", "peer", "name", "c0", "netns", self.routers[0])
        ip(self.director, "link", "set", "c0", "up")
        ip(self.director, "addr", "add", "192.0.2.1/24", "dev", "c0")
        self.lay()

    def down(self):
        for netns in (self.director, *self.routers):
            subprocess.run(["ip", "netns", "del", netns], capture_output=True, check=False)

    def cable(self, number):
        router, dev = self.routers[number], f"d{number}"
        if ip(self.director, "link", "show", dev, check=False).returncode:
            ip(router, "link", "del", "w0", check=False)
            ip(self.director, "link", "add", dev, "type", "veth", "peer", "name", "w0", "netns", router)
        ip(self.director, "link", "set", dev, "up")
        ip(router, "link", "set", "w0", "up")
        for netns, name, addresses in (
                (self.director, dev, (OWN4[number], OWN6[number])),
                (router, "w0", (f"{GATEWAY4[number]}/30", f"{GATEWAY6[number]}/64"))):
            for address in addresses:
                ip(netns, "addr", "replace", address, "dev", name)

    def lay(self):
        """Cables, addresses and routes as they are to be, whatever was there before."""
        for number in (0, 1):
            self.cable(number)
        batch(self.director, ["nexthop flush", *objects(0, GATEWAY4), *objects(10, GATEWAY6),
                              *routes(0, "198.18.{}.0/24", GATEWAY4), *routes(10, "2001:db8:{}::/64", GATEWAY6)])


def objects(base, gateways):
    """Their numbers begin behind `base`."""
    yield f"nexthop replace id {base + 1} via {gateways[0]} dev d0"
    for router in (0, 1):
        yield f"nexthop replace id {base + 2 + router} via {gateways[router]} dev d{router}"
        yield f"nexthop replace id {base + 5 + router} via {gateways[router]} dev d{router}"
    yield f"nexthop replace id {base + 4} group {base + 2},1/{base + 3},3"
    yield f"nexthop replace id {base + 7} group {base + 5}/{base + 6} type resilient buckets 8"


def routes(base, prefix, gateways):
    yield f"route replace {prefix.format(PLAIN)} via {gateways[0]}"
    yield (f"route replace {prefix.format(MULTIPATH)} nexthop via {gateways[0]} weight 1 "
           f"nexthop via {gateways[1]} weight 2")
    yield f"route replace {prefix.format(OBJECT)} nhid {base + 1}"
    yield f"route replace {prefix.format(GROUP)} nhid {base + 4}"
    yield f"route replace {prefix.format(RESILIENT)} nhid {base + 7}"
    yield f"route replace {prefix.format(PLAIN)} table 100 via {gateways[1]}"


class Director:
    """The director's kernel and daemon."""

    def __init__(self, network, daemon):
        self.network, self.daemon, self.netns = network, daemon, network.director

    def ip(self, text):
        ip(self.netns, *text.split())

    def sysctl(self, name, value):
        set_sysctl(self.netns, f"net/{name}", value)

    def backends(self):
        return {backend["address"]: backend for backend in self.daemon.json("show", "backends")}

    def states(self, *addresses):
        backends = self.backends()
        return {backends[address]["state"] for address in addresses}

    def ways(self, address):
        return {path["dev"] for path in self.backends()[address]["paths"]}

    def different(self):
        """What differs, in words; empty where nothing does."""
        result = self.daemon.shunt("verify")
        if result.returncode:
            return result.stdout + result.stderr
        return oracle.faults(self.netns, self.daemon.json("show", "backends"), GUEST)

    def follows(self, what, condition, deadline=10):
        """`condition` comes true, and then everything is as the kernel says."""
        wait_for(what, condition, deadline)
        seen = []

        def same():
            seen[:] = [self.different()]
            return not seen[0]

        try:
            wait_for("nothing differs", same, deadline)
        except AssertionError:
            raise AssertionError(f"{what}: not within {deadline} s as the kernel says: {seen[0]}") from None

    def found(self):
        return self.daemon.status()["audit"]["found"]

    def restore(self):
        self.network.lay()
        self.follows("all are active again", lambda: self.states(*ALL) == {"active"})


def running():
    """For a fixture of a module: a Director at work; at the end its audit must have found nothing."""
    network = Network()
    daemon = None
    try:
        network.up()
        daemon = Daemon(network, file_text())
        daemon.start()
        daemon.wait_active()
        yield Director(network, daemon)
        runs = daemon.status()["audit"]["runs"]
        status = daemon.wait_until("another audit", lambda status: status["audit"]["runs"] > runs)
        assert status["audit"]["found"] == 0
        assert not COMPLAINT.search(daemon.log.read_text(errors="replace"))
    finally:
        if daemon:
            daemon.remove()
        network.down()


def unharmed(director):
    """For a fixture of a test: as it is to be, before and after; and what happened between was no work for the audit."""
    assert director.states(*ALL) == {"active"}
    yield director
    director.restore()
    assert director.found() == 0, director.daemon.log.read_text(errors="replace")[-2000:]
