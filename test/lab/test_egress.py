# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Backends behind a bridge, a macvlan, a veth: frames leave by the device below, or it is said why not.

One director, in generic mode, and one backend on the device under test. That a frame left by the right port is
seen at the far end of each cable: counters, and the answers of a server behind it. VLANs, bonds and VRFs need another kernel
than this one may be: test/vm/guest/.
"""
import os
import subprocess

import pytest

from lab import wait_for
from scale import Daemon, run, set_sysctl

VIP, BACKEND = "203.0.113.1", "198.51.100.2"
FILE = f"""
interfaces:
  - {{match: in, mode: MODE}}
services:
  - {{name: web, vip: {VIP}, ports: [9/udp], forward: l3, backends: [{BACKEND}]}}
"""


class Network:
    """client --- in, director; `far` holds what the director's cables o0, o1 lead to."""

    def __init__(self):
        self.client, self.director, self.far = (f"e{os.getpid()}-{name}" for name in ("client", "director", "far"))

    def up(self):
        for netns in (self.client, self.director, self.far):
            run(f"ip netns add {netns}")
            run(f"ip -n {netns} link set lo up")
        for netns in (self.director, self.far):
            set_sysctl(netns, "net/ipv4/ip_forward", 1)
            set_sysctl(netns, "net/ipv4/conf/all/rp_filter", 0)
        # What an address is not on does not answer for it.
        set_sysctl(self.far, "net/ipv4/conf/all/arp_ignore", 1)
        self.cable("in", "eth0", self.client)
        run(f"ip -n {self.director} addr add 192.0.2.254/24 dev in")
        run(f"ip -n {self.client} addr add 192.0.2.1/24 dev eth0")
        run(f"ip -n {self.client} route add {VIP} via 192.0.2.254")
        for number in (0, 1):
            self.cable(f"o{number}", f"o{number}", self.far)

    def cable(self, dev, far_dev, far):
        run(f"ip -n {self.director} link add {dev} type veth peer name {far_dev} netns {far}")
        run(f"ip -n {self.director} link set {dev} up")
        run(f"ip -n {far} link set {far_dev} up")

    def down(self):
        for netns in (self.client, self.director, self.far):
            subprocess.run(["ip", "netns", "del", netns], capture_output=True, check=False)

    def ip(self, words):
        run(f"ip -n {self.director} {words}")

    def backend_on(self, dev, netns=None):
        """The backend's address, on that device of the far end."""
        run(f"ip -n {netns or self.far} addr replace {BACKEND}/24 dev {dev}")

    def send(self, count=5):
        """Datagrams to the VIP, each from a port of its own."""
        run("nsenter", f"--net=/run/netns/{self.client}", "bash", "-c",
            f"for i in $(seq {count}); do echo x >/dev/udp/{VIP}/9; done")


@pytest.fixture(name="network")
def fixture_network():
    network = Network()
    try:
        network.up()
        yield network
    finally:
        network.down()


@pytest.fixture(name="start")
def fixture_start(network):
    daemons = []

    def start(mode="generic"):
        daemon = Daemon(network, FILE.replace("MODE", mode))
        daemons.append(daemon)
        daemon.start()
        return daemon

    yield start
    for daemon in daemons:
        daemon.remove()


def shown(daemon):
    (backend,) = daemon.json("show", "backends")
    return backend


def active_by(daemon, egress, reason=""):
    def fits():
        backend = daemon.status() and shown(daemon)
        if backend and backend["state"] == "active" and backend["paths"][0]["egress"] == egress:
            return reason in backend["reason"] and (reason or not backend["reason"])
        return False
    wait_for(f"active by {egress}, {reason or 'no reason'}", fits)
    return shown(daemon)["paths"][0]


def counted(daemon, reason):
    (row,) = [row for row in daemon.status()["reasons"] if row["name"] == reason]
    return row["packets"]


def goes_by(network, daemon, reason, count=5):
    """What the client sends is counted so, all of it."""
    before = counted(daemon, reason)
    network.send(count)
    wait_for(f"{count} packets are counted as {reason}", lambda: counted(daemon, reason) == before + count)


def bridge(network):
    network.ip("link add br0 type bridge")
    for number in (0, 1):
        network.ip(f"link set o{number} master br0")
    network.ip("link set br0 up")
    network.ip("addr add 198.51.100.1/24 dev br0")


def sent_by(network, dev):
    return int(run(f"nsenter --net=/run/netns/{network.director} cat /proc/net/dev").split(f"{dev}:")[1].split()[9])


def test_a_bridge_sends_by_the_port_that_it_has_learnt(network, start):
    """And by another when the backend moves there."""
    bridge(network)
    network.backend_on("o0")
    daemon = start()
    path = active_by(daemon, "o0")
    assert path["dev"] == "br0" and path["vlan"] is None
    other = sent_by(network, "o1")
    goes_by(network, daemon, "redirect", 20)
    assert sent_by(network, "o1") - other < 20

    mac = path["dst_mac"]
    run(f"ip -n {network.far} addr flush dev o0")
    run(f"ip -n {network.far} link set o0 address 02:00:00:00:00:77")
    run(f"ip -n {network.far} link set o1 address {mac}")
    network.backend_on("o1")
    # The backend says something at its new place, and the bridge learns.
    run(f"nsenter --net=/run/netns/{network.far} ping -c 1 -W 5 198.51.100.1")
    active_by(daemon, "o1")
    goes_by(network, daemon, "redirect", 20)
    assert daemon.verified()


def test_a_bridge_that_has_forgotten_lets_the_kernel_forward(network, start):
    bridge(network)
    network.backend_on("o0")
    daemon = start()
    mac = active_by(daemon, "o0")["dst_mac"]
    # A permanent neighbour is not probed, so that nothing makes the bridge learn again.
    network.ip(f"neigh replace {BACKEND} lladdr {mac} dev br0 nud permanent")
    run(f"ip -n {network.far} link set o0 down")
    active_by(daemon, "br0", "bridge br0 has not learnt the MAC of the next hop: the kernel forwards")
    goes_by(network, daemon, "kernel")
    assert daemon.verified()


def test_a_bridge_that_filters_by_vlan_lets_the_kernel_forward(network, start):
    bridge(network)
    network.backend_on("o0")
    filters = subprocess.run(["ip", "-n", network.director, "link", "set", "br0", "type", "bridge", "vlan_filtering", "1"],
                             capture_output=True, check=False)
    if filters.returncode:
        pytest.skip("this kernel's bridges do not filter by VLAN")
    daemon = start()
    active_by(daemon, "br0", "bridge br0 filters by VLAN: the kernel forwards")
    goes_by(network, daemon, "kernel")


@pytest.mark.parametrize("mode", ["vepa", "private", "bridge"])
def test_a_macvlan_sends_by_its_lower_device(network, start, mode):
    """Unless a neighbour may be on this very host."""
    network.ip(f"link add mv0 link o0 type macvlan mode {mode}")
    network.ip("link set mv0 up")
    network.ip("addr add 198.51.100.1/24 dev mv0")
    network.backend_on("o0")
    daemon = start()
    if mode == "bridge":
        active_by(daemon, "mv0", "macvlan mv0 is in mode bridge")
        goes_by(network, daemon, "kernel")
        return
    path = active_by(daemon, "o0")
    macs = {dev: run(f"ip -n {network.director} -br link show dev {dev}").split()[2] for dev in ("mv0", "o0")}
    assert path["dev"] == "mv0" and path["src_mac"] == macs["mv0"] != macs["o0"]
    goes_by(network, daemon, "redirect")


def test_a_veth_that_may_lose_native_frames_is_not_redirected_to(network, start):
    network.ip("addr add 198.51.100.1/24 dev o0")
    network.backend_on("o0")
    daemon = start("native")
    active_by(daemon, "o0", "link o0 cannot be seen to take what native XDP redirects to it: the kernel forwards")
    goes_by(network, daemon, "kernel")
    assert daemon.verified()


def test_nothing_is_redirected_to_a_device_that_takes_nothing(network, start):
    """Known from the start: no event comes that would make anybody look again."""
    network.ip("addr add 198.51.100.1/24 dev o0")
    network.ip(f"neigh add {BACKEND} lladdr 02:00:00:00:00:99 dev o0 nud permanent")
    daemon = start("native")
    active_by(daemon, "o0", "link o0 cannot be seen to take what native XDP redirects to it")
    assert daemon.verified()


def test_the_smaller_mtu_counts(network, start):
    """A route's own, or its link's; it follows both."""
    network.ip("addr add 198.51.100.1/24 dev o0")
    network.ip(f"route add {BACKEND} dev o0 mtu 1400")
    network.backend_on("o0")
    daemon = start()
    assert active_by(daemon, "o0")["mtu"] == 1400
    network.ip("link set o0 mtu 1300")
    wait_for("the link's", lambda: shown(daemon)["paths"][0]["mtu"] == 1300)
    network.ip("link set o0 mtu 1500")
    network.ip(f"route replace {BACKEND} dev o0 mtu 1450")
    wait_for("the new route's", lambda: shown(daemon)["paths"][0]["mtu"] == 1450)
    network.ip(f"route del {BACKEND} dev o0")
    wait_for("none of the route", lambda: shown(daemon)["paths"][0]["mtu"] == 1500)
    assert daemon.verified()
