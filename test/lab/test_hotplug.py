# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Interfaces that come, change their names, leave for another namespace and go: the program follows, nothing leaks."""
import collections
import json
import os
import pathlib
import subprocess

import pytest

from lab import SANITIZED, wait_for
from scale import Daemon, run

ROUNDS = 200
WARM_UP = 40
FILE = """
role: director
interfaces:
  - {match: c0}
  - {match: "h*"}
services:
  - {name: web, vip: 203.0.113.1, ports: [80/tcp], forward: l3, backends: [192.0.2.2]}
"""


class Network:
    """The director with an uplink c0, and two namespaces where devices end up."""

    def __init__(self):
        self.director, self.peers, self.away = (f"h{os.getpid()}-{name}" for name in ("director", "peers", "away"))

    def up(self):
        for netns in (self.director, self.peers, self.away):
            run(f"ip netns add {netns}")
            run(f"ip -n {netns} link set lo up")
        run(f"ip -n {self.director} link add c0 type veth peer name c0 netns {self.peers}")
        run(f"ip -n {self.director} addr add 192.0.2.1/24 dev c0")
        run(f"ip -n {self.peers} addr add 192.0.2.2/24 dev c0")
        for netns in (self.director, self.peers):
            run(f"ip -n {netns} link set c0 up")

    def down(self):
        for netns in (self.director, self.peers, self.away):
            subprocess.run(["ip", "netns", "del", netns], capture_output=True, check=False)

    # ---- devices

    def add(self, name, kind, index=None):
        """A device, up; returns its ifindex."""
        if kind == "tap":
            run(f"ip -n {self.director} tuntap add dev {name} mode tap")
        else:
            place = f" index {index}" if index else ""
            run(f"ip -n {self.director} link add {name}{place} type veth peer name {name} netns {self.peers}")
        run(f"ip -n {self.director} link set {name} up")
        return self.link(self.director, name)["ifindex"]

    def ip(self, words):
        run(f"ip -n {self.director} {words}")

    @staticmethod
    def link(netns, name):
        """None where there is no such device."""
        result = subprocess.run(["ip", "-n", netns, "-j", "-d", "link", "show", "dev", name], text=True,
                                capture_output=True, check=False)
        return json.loads(result.stdout)[0] if result.returncode == 0 else None


@pytest.fixture(name="network")
def fixture_network():
    network = Network()
    try:
        network.up()
        yield network
    finally:
        network.down()


@pytest.fixture(name="daemon")
def fixture_daemon(network):
    daemon = Daemon(network, FILE)
    try:
        daemon.start()
        daemon.wait_active()
        yield daemon
        # An error that shuntd logged: nothing here is one.
        assert not [line for line in daemon.log.read_text().splitlines() if line[:3] in ("<0>", "<1>", "<2>", "<3>")]
    finally:
        daemon.remove()


def rows(daemon):
    """{(name, ifindex)} of the interfaces that carry the program."""
    return {(row["name"], row["ifindex"]) for row in daemon.json("show", "interfaces") if row["state"] == "attached"}


def carries(daemon, name, ifindex):
    wait_for(f"{name}, number {ifindex}, carries the program", lambda: (name, ifindex) in rows(daemon))


def lost(daemon, ifindex):
    wait_for(f"number {ifindex} is gone", lambda: ifindex not in {row[1] for row in rows(daemon)})


# ---- the rounds: each begins and ends without a device but c0


def comes_and_goes(network, daemon, kind="veth"):
    ifindex = network.add("h0", kind)
    carries(daemon, "h0", ifindex)
    network.ip("link del h0")
    lost(daemon, ifindex)


def tap(network, daemon):
    comes_and_goes(network, daemon, "tap")


def renamed_while_up(network, daemon):
    """Among names that match it keeps its program; under one that does not it has none."""
    ifindex = network.add("h0", "veth")
    carries(daemon, "h0", ifindex)
    network.ip("link set h0 name h7")
    carries(daemon, "h7", ifindex)
    network.ip("link set h7 name other")
    lost(daemon, ifindex)
    assert "xdp" not in network.link(network.director, "other")
    network.ip("link del other")


def pin_of(daemon, ifindex):
    """The pinned bpf_link of that interface, as the daemon names it."""
    return next(path for path in daemon.pin_dir.rglob(f"{ifindex}-*") if path.is_file() and path.parent.name == "links")


def moves_away(network, daemon):
    """Its program does not go with it, also where somebody else holds the link: closing ours would not do then."""
    ifindex = network.add("h0", "veth")
    carries(daemon, "h0", ifindex)
    other = daemon.pin_dir.with_name(daemon.pin_dir.name + "-held")
    run(f"bpftool link pin pinned {pin_of(daemon, ifindex)} {other}")
    try:
        network.ip(f"link set h0 netns {network.away}")
        lost(daemon, ifindex)
        assert "xdp" not in network.link(network.away, "h0")
    finally:
        other.unlink()
    run(f"ip -n {network.away} link del h0")


def comes_back(network, daemon):
    """Away and back again, with the number that it had."""
    ifindex = network.add("h0", "veth")
    carries(daemon, "h0", ifindex)
    network.ip(f"link set h0 netns {network.away}")
    run(f"ip -n {network.away} link set h0 netns {network.director}")
    network.ip("link set h0 up")
    carries(daemon, "h0", network.link(network.director, "h0")["ifindex"])
    wait_for("the program is there", lambda: "xdp" in network.link(network.director, "h0"))
    network.ip("link del h0")
    lost(daemon, ifindex)


def another_of_that_name(network, daemon):
    """Deleted and made again at once, under another number and under the same."""
    first = network.add("h0", "veth")
    carries(daemon, "h0", first)
    network.ip("link del h0")
    second = network.add("h0", "veth")
    assert second != first
    carries(daemon, "h0", second)
    network.ip("link del h0")
    assert network.add("h0", "veth", second) == second
    wait_for("the program is there", lambda: "xdp" in network.link(network.director, "h0"))
    carries(daemon, "h0", second)
    network.ip("link del h0")
    lost(daemon, second)


def too_short(network, daemon):
    """Gone before anybody looked."""
    network.ip(f"link add h0 type veth peer name h0 netns {network.peers}")
    network.ip("link del h0")
    daemon.status()


KINDS = (comes_and_goes, tap, renamed_while_up, moves_away, comes_back, another_of_that_name, too_short)

# ---- what may leak


def descriptors(daemon):
    """How many there are of each kind."""
    count = collections.Counter()
    for path in pathlib.Path(f"/proc/{daemon.process.pid}/fd").iterdir():
        try:
            count[os.readlink(path).split(":[")[0]] += 1
        except FileNotFoundError:
            pass
    return count


def of_ours(kind, key, wanted):
    """The ids of the kernel's BPF links or maps that belong to us."""
    result = subprocess.run(["bpftool", "-j", kind, "show"], text=True, capture_output=True, check=False)
    return {entry["id"] for entry in json.loads(result.stdout) if entry.get(key) in wanted}


def held(network, daemon):
    """Once only c0 is left."""
    wait_for("c0 alone carries the program", lambda: {row[0] for row in rows(daemon)} == {"c0"})
    program = network.link(network.director, "c0")["xdp"]["prog"]["id"]
    maps = subprocess.run(["bpftool", "-j", "prog", "show", "id", str(program)], text=True, capture_output=True,
                          check=True)
    return {
        "descriptors": descriptors(daemon),
        "pins": sorted(str(path.relative_to(daemon.pin_dir)) for path in daemon.pin_dir.rglob("*")),
        "links": len(of_ours("link", "prog_id", {program})),
        "maps": len(json.loads(maps.stdout)["map_ids"]),
        "backends": [(row["state"], row["reason"]) for row in daemon.json("show", "backends")],
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_once(network, daemon, kind):
    before = held(network, daemon)
    kind(network, daemon)
    assert held(network, daemon) == before


def test_200_times_without_a_leak(network, daemon):
    for number in range(WARM_UP):
        KINDS[number % len(KINDS)](network, daemon)
    before, memory = held(network, daemon), daemon.memory("VmRSS")
    for number in range(ROUNDS):
        KINDS[number % len(KINDS)](network, daemon)
    assert held(network, daemon) == before
    # A sanitizer keeps what was freed: its memory is not the daemon's.
    assert SANITIZED or daemon.memory("VmRSS") - memory <= 1 << 20
    assert daemon.verified()


def test_the_only_card_leaves_and_comes_back(network):
    """Without `role:` the node has nothing to do meanwhile. It forgets neither its flows nor what it counted."""
    text = FILE.replace("role: director\n", "").replace("  - {match: c0}\n", "")
    daemon = Daemon(network, text)

    def status():
        return daemon.json("status")

    try:
        ifindex = network.add("h0", "veth")
        daemon.start()
        wait_for("shuntd answers", lambda: daemon.shunt("status").returncode == 0)
        carries(daemon, "h0", ifindex)
        before = status()
        assert before["role"] == "director" and before["services"] == 1
        network.ip("link set h0 name other")
        wait_for("nothing to do", lambda: status()["role"] == "auto")
        assert rows(daemon) == set()
        assert status()["services"] == 1
        network.ip("link set other name h0")
        wait_for("director again", lambda: status()["role"] == "director")
        carries(daemon, "h0", ifindex)
        assert status()["generation"] == before["generation"]
    finally:
        daemon.remove()
