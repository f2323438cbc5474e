# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A TTL or hop limit that ends at the director: its sender is told, where the director routes."""

from scapy.all import ICMP, IP, TCP, Ether, ICMPv6EchoRequest, IPOption_NOP, IPv6, PadN, Raw
from scapy.layers.inet6 import IPv6ExtHdrFragment, IPv6ExtHdrHopByHop

from facts import (
    CLIENT4,
    CLIENT6,
    CLIENT_MAC,
    DIRECTOR_MAC,
    VIP4,
    VIP6,
    World,
    case,
    dispatched,
    frame,
    options_of,
    say,
    tcp,
    told,
    told_ttl,
    udp,
)
from facts_fallback import BLACKHOLE, host
from facts_hard import TAGS, cut, within
from facts_icmp import answer, echo, error, errors, headers, reply, sized
from facts_tunnels import BACKEND4, BACKEND6, COMBINATIONS, sources

FAMILIES = ((VIP4, "v4", BACKEND4), (VIP6, "v6", BACKEND6))
L4 = ((tcp, "tcp"), (udp, "udp"))
OWN = {"d0": {VIP4: "192.0.2.1", VIP6: "2001:db8:1::1"}, "d1": {VIP4: "198.51.100.1", VIP6: "2001:db8:2::1"}}
ROUTED = [("l3", vip, family, own, family) for vip, family, own in FAMILIES]
ROUTED += [(mode, vip, inside, to, outside) for mode, vip, inside, to, outside in COMBINATIONS]
EXTENSIONS = (
    ("destination options", options_of(16)),
    ("hop-by-hop options", IPv6ExtHdrHopByHop(options=PadN(optdata=bytes(4)))),
    ("an atomic fragment header", IPv6ExtHdrFragment(id=7)),
    ("all of them", IPv6ExtHdrHopByHop() / options_of(64) / IPv6ExtHdrFragment(id=8)),
)


def ends(name, data, own=None, dev="d0", outer=lambda frame: frame):
    """The TTL of `data` ends here, and its sender is told."""
    vip = VIP6 if IPv6 in Ether(data) else VIP4
    case(name, outer(data), "told_ttl", outer(told_ttl(data, own or OWN[dev][vip])), dev=dev)


def speakers():
    for dev, own in OWN.items():
        say("own", dev, own[VIP4], own[VIP6])


def routed(world):
    """Every mode that routes, whatever the packet is in and goes into; by the address of where it came in."""
    port = 100
    for mode, vip, inside, to, outside in ROUTED:
        for l4, protocol in L4:
            port += 1
            world.service(vip, port, protocol, [world.backend(to, mode, world.hop("d1"))])
            for dev in OWN:
                for ttl in (0, 1):
                    name = f"TTL {ttl} ends, {mode} {inside} in {outside} {protocol}, from {dev}"
                    ends(name, frame(vip, l4(port), ttl=ttl), dev=dev)


def quotes(world):
    """As much of the packet as an error has room for, as it came."""
    say("telling", 200)
    for vip, family, own in FAMILIES:
        world.service(vip, 200, "udp", [world.backend(own, "l3", world.hop("d1"), dscp=46)])
        empty = len(frame(vip, udp(200), payload=b"")) - 14
        limit = 1232 if vip == VIP6 else 548
        for size in (empty, empty + 1, empty + 2, 100, 101, limit - 1, limit, limit + 1, 1500):
            ends(f"TTL ends, {size} bytes {family}", sized(vip, 200, size, ttl=1))
        ends(f"TTL ends, padded {family}", sized(vip, 200, 100, ttl=1) + b"\xa5" * 9)
        more = {"tc": 0xB9, "fl": 0x12345} if vip == VIP6 else {"tos": 0xB9, "id": 0x1234}
        ends(f"TTL ends, whatever its class, {family}", frame(vip, udp(200), ttl=1, **more))
    ends("TTL ends, DF v4", frame(VIP4, udp(200), ttl=1, flags="DF"))
    ends("TTL ends, options v4", frame(VIP4, udp(200), ttl=1, options=[IPOption_NOP()] * 40))
    for words, extensions in EXTENSIONS:
        ip = IPv6(src=CLIENT6, dst=VIP6, hlim=1) / extensions
        data = bytes(Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC) / ip / udp(200) / Raw(b"hello"))
        ends(f"TTL ends behind {words}", data)


def first_of_all(world):
    """It ends before anything is asked about the way, but not before there is a backend."""
    say("telling", 200)
    for family, (vip, name, own) in enumerate(FAMILIES):
        world.service(vip, 300, "tcp", [world.backend(host(1, family, 20), "l3")])
        ends(f"TTL ends, no path {name}", frame(vip, tcp(300), ttl=1))
        world.service(vip, 301, "tcp", [world.backend(host(1, family, 21), "ipip")])
        ends(f"TTL ends, no neighbour {name}", frame(vip, tcp(301), ttl=1))
        world.service(vip, 302, "tcp", [world.backend(BLACKHOLE[family], "l3")])
        ends(f"TTL ends, no route {name}", frame(vip, tcp(302), ttl=1))
        world.service(vip, 303, "udp", [world.backend(own, "gue", world.hop("d1", 1280))])
        ends(f"TTL ends, too big {name}", sized(vip, 303, 1400, ttl=1))
        world.service(vip, 304, "tcp", [world.backend(own, "l3", world.hop("d1", 1500, "invalid"))])
        ends(f"TTL ends, invalid next hop {name}", frame(vip, tcp(304), ttl=1))
        world.service(vip, 305, "tcp", [None])
        case(f"TTL 1, no backend {name}", frame(vip, tcp(305), ttl=1), "drop_no_backend")
        some = [world.backend(own, "l3", world.hop("d1")) for _ in range(3)]
        world.service(vip, 306, "tcp", some, "random")
        ends(f"TTL ends, random {name}", frame(vip, tcp(306), ttl=1))


def not_routed(world):
    """What l2 switches and what is for this node keeps its TTL; what is not a service's is not looked at."""
    for vip, name, own in FAMILIES:
        service = world.service(vip, 400, "tcp", [world.backend(own, "l2", world.hop("d1"))])
        dispatched(f"TTL 1 does not end by l2 {name}", frame(vip, tcp(400), ttl=1), service, "redirect")
        service = world.service(vip, 401, "tcp", [world.backend(own, "local")])
        data = frame(vip, tcp(401), ttl=1)
        dispatched(f"TTL 1 does not end at the backend itself {name}", data, service, "local", out=data)
        world.service(vip, 402, "tcp", [world.backend(own, "l3", world.hop("d1"))])
        case(f"TTL 1 to no service {name}", frame(vip, tcp(499), ttl=1), "pass_not_ours")
        other = Ether(src=CLIENT_MAC, dst="02:00:00:00:99:99")
        case(f"TTL 1 to another's MAC {name}", frame(vip, tcp(402), ttl=1, ether=other), "pass_not_us")


def pieces(world):
    """Once of each datagram: of its first fragment."""
    for mode, vip, inside, to, outside in ROUTED:
        service = world.service(vip, 500, "udp", [world.backend(to, mode, world.hop("d1"))])
        say("stray", vip, "udp", service.index)
        name = f"{mode} {inside} in {outside}"
        first, *later = cut(frame(vip, udp(500), payload=bytes(range(200)), ttl=1))
        ends(f"TTL ends, first fragment, {name}", first)
        for i, piece in enumerate(later):
            case(f"TTL 1, later fragment {i}, {name}", piece, "pass_ttl")
        _, *later = cut(frame(vip, udp(500), payload=bytes(range(200)), ttl=1))
        case(f"TTL 1, later fragment before the first, {name}", later[0], "pass_ttl")


def in_vlans(world):
    """The answer goes back into the VLAN that the packet came from; what passes keeps its tags."""
    say("telling", 200)
    for vip, family, own in FAMILIES:
        world.service(vip, 600, "udp", [world.backend(own, "l3", world.hop("d1"))])
        plain = frame(vip, udp(600), ttl=1)
        for words, tags in TAGS:
            ends(f"{words} on what tells of an ended TTL, {family}", plain, outer=lambda data, tags=tags: within(data, tags))
        first, later, *_ = cut(frame(vip, udp(600), payload=bytes(range(200)), ttl=1))
        words, tags = TAGS[0]
        ends(f"{words} on what tells of a fragment's TTL, {family}", first, outer=lambda data, tags=tags: within(data, tags))
        case(f"{words} stay on a later fragment of TTL 1, {family}", within(later, tags), "pass_ttl")


def icmp(world):
    """Nobody is told about an error, and echo requests end here anyway."""
    for vip, family, own in FAMILIES:
        service = world.service(vip, 700, "tcp", [world.backend(own, "l3", world.hop("d1"))])
        ttl = {"hlim": 1} if vip == VIP6 else {"ttl": 1}
        for what, kind in errors(vip):
            data = error(vip, kind, headers(reply(vip, TCP, 700)), **ttl)
            case(f"TTL 1 on an ICMP error, {what} {family}", data, "pass_ttl")
        say("address", vip, service.index, "answers")
        data = echo(vip, **ttl)
        case(f"TTL 1 on an echo request {family}", data, "echoed", answer(data))
        kind = ICMPv6EchoRequest(type=130) if vip == VIP6 else ICMP(type=13)
        ip = IPv6(src=CLIENT6, dst=vip, hlim=1) if vip == VIP6 else IP(src=CLIENT4, dst=vip, ttl=1)
        data = bytes(Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC) / ip / kind)
        case(f"TTL 1 on other ICMP {family}", data, "pass_protocol")


def nobodies(world):
    """Groups, and senders that are no host, are not told."""
    group = "01:00:5e:00:00:07"
    for i in range(8):  # so many that end alike are not told apart: any such MAC is this node's
        say("mac", f"02:00:00:00:{i:02x}:07")
    for vip, family, own in FAMILIES:
        world.service(vip, 800, "udp", [world.backend(own, "l3", world.hop("d1", 1300))])
        clients = ("::", "ff02::5") if vip == VIP6 else ("0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255")
        for client in clients:
            case(f"TTL 1 from {client}", frame(vip, udp(800), ttl=1, client=client), "pass_ttl")
        to_all = Ether(src=CLIENT_MAC, dst=group)
        case(f"TTL 1 to a group's MAC {family}", frame(vip, udp(800), ttl=1, ether=to_all), "pass_ttl")
        data = sized(vip, 800, 1400, ether=to_all, **({} if vip == VIP6 else {"flags": "DF"}))
        case(f"too big to a group's MAC {family}", data, "drop_too_big")


def without_address():
    """Who has no address of the family there says nothing."""
    world = World()
    say("egress d1")
    sources()
    say("own", "d1", OWN["d1"][VIP4], "::")
    say("own", "d2", "0.0.0.0", "2001:db8:3::1")
    for mode, vip, inside, to, outside in ROUTED:
        world.service(vip, 900, "udp", [world.backend(to, mode, world.hop("d1"))])
        name = f"{mode} {inside} in {outside}"
        data = frame(vip, udp(900), ttl=1)
        case(f"TTL 1, no address there, {name}", data, "pass_ttl")
        if vip == VIP4:
            ends(f"TTL ends where only IPv4 is, {name}", data, dev="d1")
            case(f"TTL 1 where only IPv6 is, {name}", data, "pass_ttl", dev="d2")
        else:
            case(f"TTL 1 where only IPv4 is, {name}", data, "pass_ttl", dev="d1")
            ends(f"TTL ends where only IPv6 is, {name}", data, "2001:db8:3::1", dev="d2")


def limited():
    """So many, and no more; packets that are too big have an account of their own."""
    world = World()
    say("egress d1")
    speakers()
    for vip, _, own in FAMILIES:
        world.service(vip, 1000, "udp", [world.backend(own, "l3", world.hop("d1", 1400))])
    say("telling", 2)
    for vip, family, _ in FAMILIES:
        ends(f"TTL ends: the credit allows {family}", frame(vip, udp(1000), ttl=1))
    for vip, family, _ in FAMILIES:
        case(f"TTL 1: no more is told {family}", frame(vip, udp(1000), ttl=1), "drop_ttl_limit")
    for vip, family, _ in FAMILIES:
        data = sized(vip, 1000, 1500, **({} if vip == VIP6 else {"flags": "DF"}))
        case(f"too big: is told all the same {family}", data, "told_too_big", told(data, 1400))
    for vip, family, _ in FAMILIES:
        later = cut(frame(vip, udp(1000), payload=bytes(200), ttl=1))[1]
        case(f"TTL 1: a later fragment is no matter of credit {family}", later, "pass_fragment")


def facts():
    world = World("flows", 4096)
    say("egress d1")
    sources()
    speakers()
    for part in (routed, quotes, first_of_all, not_routed, pieces, in_vlans, icmp, nobodies):
        part(world)
    without_address()
    limited()
