# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Hard packets end to end: datagrams that come in fragments, and frames that are tagged or for others."""
import struct

import pytest
from scapy.all import IP, UDP, Ether, Raw

from lab import wait_for
from test_tunnels import BACKENDS, VIP4, VIP6, count, serving, service
from wire import arrival, ports

VIPS = pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["ipv4", "ipv6"])
SIZE, DATAGRAMS = 4000, 40

# One datagram from each of many ports: who answered, and whether all of it came back.
CLIENT = """
import socket, sys
vip, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for i in range(count):
    with socket.socket(socket.AF_INET6 if ":" in vip else socket.AF_INET, socket.SOCK_DGRAM) as end:
        data = bytes([i]) * size
        for _ in range(3):
            end.settimeout(5)
            end.sendto(data, (vip, 7))
            name, _, back = end.recv(65535).partition(b" ")
            print(name.decode(), back == data)
"""


def assert_whole(lab, vip):
    """Every datagram is answered whole, those of one port by one backend."""
    lines = lab.run("client", "/usr/bin/python3", "-c", CLIENT, vip, str(SIZE), str(DATAGRAMS)).splitlines()
    assert len(lines) == 3 * DATAGRAMS and all(line.endswith(" True") for line in lines), lines
    names = [line.split()[0] for line in lines]
    assert set(names) == BACKENDS
    assert [names[i] for i in range(0, len(names), 3)] == [names[i] for i in range(2, len(names), 3)]


@VIPS
def test_large_datagrams_by_l2(l2, vip):
    assert_whole(l2, vip)


@VIPS
def test_large_datagrams_by_l3(l3, vip):
    before = sum(count(l3, node, "restored") for node in BACKENDS)
    assert_whole(l3, vip)
    restored = sum(count(l3, node, "restored") for node in BACKENDS) - before
    assert restored >= 3 * 3 * DATAGRAMS  # in three fragments each


@pytest.mark.parametrize("mode", ["ipip", "gue"])
def test_large_datagrams_in_tunnels(l3, mode):
    """The client's route leaves room for the tunnel: fragments have no DF, so nobody is told of a smaller MTU."""
    def routes(mtu=""):
        l3.run("client", f"ip route replace default via 198.18.0.1 {mtu}")
        l3.run("client", f"ip -6 route replace default via 2001:db8:18::1 {mtu}")

    with serving(l3, service("web", VIP4, mode, 4), service("web6", VIP6, mode, 6)):
        try:
            routes("mtu 1400")
            for vip in (VIP4, VIP6):
                assert_whole(l3, vip)
        finally:
            routes()


def udp_to_the_vip(l2, dst, port):
    src = l2.link("router", "lan")["address"]
    return bytes(Ether(dst=dst, src=src) / IP(src="198.18.0.10", dst=VIP4, ttl=63) / UDP(sport=port, dport=7) /
                 Raw(b"tagged"))


def tagged(frame, vlan):
    return frame[:12] + struct.pack("!HH", 0x8100, vlan) + frame[12:]


def test_tagged_frames_and_those_of_others(l2):
    """In a VLAN to the director's MAC: taken, and the tag comes off. To another's MAC: left alone."""
    director = l2.link("director", "eth0")["address"]
    names = ("b1", "eth0"), ("b2", "eth0")
    with ports(l2, *names, ("router", "lan")) as ends:
        wire = ends.pop(("router", "lan"))
        wire.send(tagged(udp_to_the_vip(l2, director, 41000), 7))
        _, frame = arrival(ends, lambda frame: frame[34:36] == struct.pack("!H", 41000))
        assert frame[12:14] == b"\x08\x00" and frame[42:48] == b"tagged"
        assert frame[6:12] == bytes.fromhex(director.replace(":", ""))
        before = count(l2, "director", "pass_not_us")
        # A MAC that nobody has is flooded by the switch, to the director, too.
        wire.send(udp_to_the_vip(l2, "02:00:00:00:99:99", 41001))
        wait_for("the director left it alone", lambda: count(l2, "director", "pass_not_us") == before + 1)


def test_a_virtual_mac_is_taken_while_its_device_is_up(l2):
    """As keepalived has it: a macvlan with the virtual router's MAC."""
    mac = "00:00:5e:00:01:07"
    with ports(l2, ("b1", "eth0"), ("b2", "eth0"), ("router", "lan")) as ends:
        wire = ends.pop(("router", "lan"))
        try:
            l2.run("director", f"ip link add link eth0 name vrrp.7 address {mac} type macvlan mode private")
            l2.run("director", "ip link set vrrp.7 up")
            l2.assert_verified()
            wire.send(udp_to_the_vip(l2, mac, 41002))
            arrival(ends, lambda frame: frame[34:36] == struct.pack("!H", 41002))
        finally:
            l2.run("director", "ip link del vrrp.7", check=False)
        before = count(l2, "director", "pass_not_us")
        l2.assert_verified()
        wire.send(udp_to_the_vip(l2, mac, 41003))
        wait_for("no longer", lambda: count(l2, "director", "pass_not_us") == before + 1)


def test_fragments_while_no_daemon_runs(l2):
    """The array of further programs is held by its pin."""
    l2.kill("director")
    assert_whole(l2, VIP4)
    l2.start("director")
    l2.assert_verified()
    assert_whole(l2, VIP6)
