# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is not ours passes bit-identical, in both programs, under its reason."""

import struct

from scapy.all import (
    ARP,
    GRE,
    IP,
    TCP,
    UDP,
    Dot1AD,
    Dot1Q,
    Ether,
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    IPOption_NOP,
    IPv6,
    Raw,
)
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import (
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrRouting,
)

from facts import (
    CLIENT4,
    CLIENT6,
    CLIENT_MAC,
    DIRECTOR_MAC,
    VIP4,
    VIP6,
    World,
    both_programs,
    case,
    frame,
    options_of,
    say,
    tcp,
    udp,
)

OWN4, OWN6 = "198.51.100.11", "2001:db8:2::11"
ETHER = Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC)


def not_ip():
    both_programs("ARP request for the VIP", bytes(ETHER / ARP(pdst=VIP4)), "pass_not_ip")
    both_programs("ARP in a VLAN", bytes(ETHER / Dot1Q(vlan=7) / ARP(pdst=VIP4)), "pass_not_ip")
    for size in (14, 16, 17):
        both_programs(f"a tag cut at {size}", bytes(ETHER / Dot1Q(vlan=7) / IP(dst=VIP4))[:size], "pass_not_ip")
    three = Dot1AD(vlan=7) / Dot1Q(vlan=8) / Dot1Q(vlan=9)
    both_programs("three tags", frame(VIP4, tcp(), ether=ETHER / three), "pass_not_ip")
    both_programs("LLDP", bytes.fromhex("0180c200000e") + bytes(6) + b"\x88\xcc" + bytes(46), "pass_not_ip")
    both_programs("802.3 length of 0", bytes(12) + b"\0\0" + bytes(46), "pass_not_ip")
    both_programs("STP, an 802.3 frame", bytes(12) + b"\0\x26" + b"\x42" * 46, "pass_not_ip")
    both_programs("an Ethernet header alone", bytes(12) + b"\x08\x06", "pass_not_ip")


def other_protocols():
    both_programs("ping to the VIP", bytes(ETHER / IP(dst=VIP4) / ICMP()), "pass_protocol")
    both_programs("ping6 to the VIP", bytes(ETHER / IPv6(dst=VIP6) / ICMPv6EchoRequest()), "pass_protocol")
    both_programs("ND for the VIP", bytes(ETHER / IPv6(dst="ff02::1:ff00:10") / ICMPv6ND_NS(tgt=VIP6)), "pass_protocol")
    both_programs("OSPF hello", bytes(ETHER / IP(dst="224.0.0.5", proto=89, ttl=1) / Raw(bytes(44))), "pass_protocol")
    both_programs("OSPF to the VIP", bytes(ETHER / IP(dst=VIP4, proto=89) / Raw(bytes(44))), "pass_protocol")
    both_programs("OSPFv3 to the VIP", bytes(ETHER / IPv6(dst=VIP6, nh=89) / Raw(bytes(36))), "pass_protocol")
    both_programs("GRE to the VIP", bytes(ETHER / IP(dst=VIP4) / GRE() / IP() / TCP()), "pass_protocol")
    both_programs("IPIP to the VIP", bytes(ETHER / IP(dst=VIP4) / IP(dst=VIP4) / tcp()), "pass_protocol")
    both_programs("SCTP to the VIP", bytes(ETHER / IP(dst=VIP4, proto=132) / Raw(bytes(20))), "pass_protocol")
    both_programs("ESP over IPv6", bytes(ETHER / IPv6(dst=VIP6, nh=50) / Raw(bytes(20))), "pass_protocol")
    both_programs("IPv6 without a next header", bytes(ETHER / IPv6(dst=VIP6, nh=59)), "pass_protocol")


def not_a_service():
    for vip, name in ((VIP4, "v4"), (VIP6, "v6")):
        both_programs(f"SSH to the VIP, {name}", frame(vip, tcp(22)), "pass_not_ours")
        both_programs(f"BGP to the VIP, {name}", frame(vip, tcp(179), ttl=1), "pass_not_ours")
        both_programs(f"BGP from a peer, {name}", frame(vip, tcp(50000, sport=179), ttl=255), "pass_not_ours")
        both_programs(f"BFD to the VIP, {name}", frame(vip, udp(3784), ttl=255), "pass_not_ours")
        both_programs(f"the other protocol, {name}", frame(vip, udp(80)), "pass_not_ours")
        both_programs(f"port 0, {name}", frame(vip, tcp(0)), "pass_not_ours")
    both_programs("to the address next to the VIP", frame("203.0.113.11", tcp()), "pass_not_ours")
    both_programs("to the v6 address next to the VIP", frame("2001:db8:f::11", tcp()), "pass_not_ours")
    both_programs("from the VIP", frame("192.0.2.77", tcp(40000, sport=80), client=VIP4), "pass_not_ours")
    group = Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff")
    case("broadcast on the link, to a service", frame(VIP4, tcp(), ether=group), "pass_not_us")
    group = Ether(src=CLIENT_MAC, dst="33:33:00:00:00:10")
    case("multicast on the link, to a service", frame(VIP6, tcp(), ether=group), "pass_not_us")


def fragments():
    """Those of other protocols, and those of which nothing is known."""
    for flags, offset, name in (("MF", 0, "first"), ("MF", 3, "middle"), (0, 3, "last")):
        packet = ETHER / IP(src=CLIENT4, dst=VIP4, flags=flags, frag=offset, proto=89) / Raw(bytes(32))
        both_programs(f"{name} fragment of OSPF to the VIP", bytes(packet), "pass_fragment")
    tiny = ETHER / IP(src=CLIENT4, dst=VIP4, frag=1, proto=6) / Raw(b"\0" * 4)
    both_programs("a fragment without any header", bytes(tiny), "pass_fragment")
    for offset, more, name in ((0, 1, "first"), (9, 0, "last")):
        head = IPv6ExtHdrFragment(offset=offset, m=more, id=7)
        packet = ETHER / IPv6(src=CLIENT6, dst=VIP6) / head / ICMPv6EchoRequest(data=bytes(32))
        both_programs(f"{name} fragment of ICMPv6 to the VIP", bytes(packet), "pass_fragment")


def extension_headers():
    """Those that are not walked over, and more than are."""
    head = IPv6ExtHdrRouting(addresses=[VIP6], segleft=1)
    packet = ETHER / IPv6(src=CLIENT6, dst=VIP6) / head / tcp() / Raw(b"x")
    both_programs("a routing header with a segment left before TCP", bytes(packet), "pass_ipv6_ext")
    for count, size in ((9, 8), (1, 264), (2, 136)):
        packet = ETHER / IPv6(src=CLIENT6, dst=VIP6)
        for _ in range(count):
            packet = packet / options_of(size)
        packet = packet / tcp() / Raw(b"x")
        both_programs(f"{count} headers of {size} bytes before TCP", bytes(packet), "pass_ipv6_ext")
    for number, name in ((51, "AH"), (135, "mobility"), (139, "HIP"), (140, "Shim6")):
        packet = ETHER / IPv6(src=CLIENT6, dst=VIP6, nh=number) / Raw(bytes(24))
        both_programs(f"{name} header", bytes(packet), "pass_ipv6_ext")


def truncated():
    """Every length of a valid frame, from the Ethernet header to one byte less than whole."""
    frames = (
        (frame(VIP4, tcp(options=[("MSS", 1460)]), payload=b""), "TCP"),
        (frame(VIP4, udp(), payload=b"12"), "UDP"),
        (frame(VIP4, tcp(), payload=b"", options=[IPOption_NOP()] * 4), "TCP behind IP options"),
        (frame(VIP6, tcp(), payload=b""), "TCP over IPv6"),
        (frame(VIP6, udp(), payload=b"12"), "UDP over IPv6"),
        (frame(OWN4, tcp(), payload=b""), "TCP to the backend"),
        (frame(OWN6, udp(), payload=b""), "UDP to the backend"),
    )
    for data, name in frames:
        for size in range(14, len(data)):
            both_programs(f"{name} cut at {size} of {len(data)}", data[:size], "pass_malformed")


def short_l4(name, ip, header, sizes):
    """IP's length is honest, but leaves too little room for the L4 header."""
    for size in sizes:
        data = bytes(ETHER / ip / Raw(header[:size]))
        both_programs(f"{name}: {size} bytes of L4", data, "pass_malformed")
        both_programs(f"{name}: {size} bytes of L4, padded", data + bytes(64), "pass_malformed")


def lengths_that_lie():
    tcp_head, udp_head = bytes(tcp()), struct.pack("!HHHH", 40000, 80, 8, 0)
    short_l4("TCP", IP(src=CLIENT4, dst=VIP4, proto=6), tcp_head, range(20))
    short_l4("UDP", IP(src=CLIENT4, dst=VIP4, proto=17), udp_head, range(8))
    short_l4("TCP over IPv6", IPv6(src=CLIENT6, dst=VIP6, nh=6), tcp_head, range(20))
    short_l4("UDP over IPv6", IPv6(src=CLIENT6, dst=VIP6, nh=17), udp_head, range(8))

    good = frame(VIP4, tcp())
    for byte, name in [(0x40 + ihl, f"ihl {ihl}") for ihl in range(5)] + [
        (v << 4 | 5, f"version {v}") for v in (0, 3, 5, 6, 15)
    ]:
        both_programs(f"IPv4 with {name}", good[:14] + bytes([byte]) + good[15:], "pass_malformed")
    both_programs("ihl 15 in a short packet", good[:14] + b"\x4f" + good[15:], "pass_malformed")
    for total in (0, 19, 20, 39, len(good) - 14 + 1, 1500, 65535):
        lie = good[:16] + struct.pack("!H", total) + good[18:]
        both_programs(f"IPv4 total length {total} of {len(good) - 14}", lie, "pass_malformed")
    for doff in (0, 4, 7, 15):
        both_programs(f"TCP data offset {doff}", frame(VIP4, tcp(dataofs=doff)), "pass_malformed")
        both_programs(f"TCP data offset {doff}, v6", frame(VIP6, tcp(dataofs=doff)), "pass_malformed")
    for size in (0, 7, 14, 65535):
        both_programs(f"UDP length {size} of 13", frame(VIP4, udp(len=size)), "pass_malformed")
        both_programs(f"UDP length {size} of 13, v6", frame(VIP6, udp(len=size)), "pass_malformed")

    good = frame(VIP6, tcp())
    for version in (0, 4, 5, 7, 15):
        lie = good[:14] + bytes([version << 4]) + good[15:]
        both_programs(f"IPv6 with version {version}", lie, "pass_malformed")
    for payload in (0, 19, 26, 1460, 65535):
        lie = good[:18] + struct.pack("!H", payload) + good[20:]
        both_programs(f"IPv6 payload length {payload} of 25", lie, "pass_malformed")


def facts():
    """In a world where the VIPs are served and the backend's addresses are restored, at port 80/tcp."""
    world = World()
    hop = world.hop("d0")
    say("knobs", 1, 0)
    world.service(VIP4, 80, "tcp", [world.backend(OWN4, "l2", hop)])
    world.service(VIP6, 80, "tcp", [world.backend(OWN6, "l2", hop)])
    say("restore", OWN4, 80, "tcp", VIP4)
    say("restore", OWN6, 80, "tcp", VIP6)
    not_ip()
    other_protocols()
    not_a_service()
    fragments()
    extension_headers()
    truncated()
    lengths_that_lie()
