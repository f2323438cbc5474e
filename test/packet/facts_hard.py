# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Fragments, extension headers, tags on ingress, whose MAC, and loops.

What comes out of a mode is what comes out for a plain packet (facts.py, facts_tunnels.py). Fragments are cut here
from a whole datagram with the right checksum, so that what goes to a backend can be put together again.
"""

import itertools
import struct

from scapy.all import ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest, IPOption_NOP, IPv6, Raw
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting

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
    checksum_valid,
    dispatched,
    frame,
    options_of,
    say,
    tcp,
    told,
    too_big,
    udp,
    with_destination,
    with_macs,
)
from facts_egress import tagged
from facts_fallback import host
from facts_tunnels import BACKEND4, BACKEND6, goes, marked, sources, wrapped

VIPS = ((VIP4, "v4", BACKEND4), (VIP6, "v6", BACKEND6))
L4 = ((tcp, "tcp", TCP, 6), (udp, "udp", UDP, 17))
ETHER = Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC)
PAYLOAD = bytes(range(200))
_ids = itertools.count(0x100)


def cut(data, number=None, sizes=(40, 64)):
    """The frame's datagram in fragments: of `sizes` bytes, and the rest."""
    packet = Ether(data)
    number = number or next(_ids)
    ip = packet[IPv6] if IPv6 in packet else packet[IP]
    body, at, pieces = bytes(ip.payload), 0, []
    for size in (*sizes, len(body) - sum(sizes)):
        more = at + size < len(body)
        head = ip.copy()
        head.remove_payload()
        if IPv6 in packet:
            extension = IPv6ExtHdrFragment(nh=head.nh, offset=at // 8, m=more, id=number)
            head.plen, head.nh = None, 44
            head = head / extension
        else:
            head.len = head.chksum = None
            head.frag, head.flags, head.id = at // 8, more, number & 0xFFFF
        pieces.append(data[:14] + bytes(head / Raw(body[at : at + size])))
        at += size
    return pieces


class Mode:
    """How packets reach backends: what comes out, of any packet of a flow."""

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.mode = name.split()[0]

    def backends(self, world, hop, count=2):
        stem, last = self.address[:-2], int(self.address[-2:])
        return [world.backend(f"{stem}{last + i}", self.mode, hop) for i in range(count)]

    def out(self, data, backend, flow, ttl_down=1):
        """The packet as it leaves. `flow`: another one of its flow, which has the ports."""
        data = with_macs(data, backend.hops[0])
        if self.mode == "l2":
            return data
        if self.mode == "l3":
            return with_destination(data, backend.address, ttl_down)
        return wrapped(data, self.mode, backend.address, flow=flow)


def modes(vip):
    own, other = (BACKEND6, BACKEND4) if vip == VIP6 else (BACKEND4, BACKEND6)
    yield Mode("l2", own)
    yield Mode("l3", own)
    for name in ("ipip", "gue"):
        yield Mode(f"{name} over the same family", own)
        yield Mode(f"{name} over the other family", other)


def services(world, port):
    """One service for each family, mode and protocol, at a port of its own, with two backends."""
    for vip, family, _ in VIPS:
        for mode in modes(vip):
            for l4, protocol, layer, number in L4:
                port += 1
                service = world.service(vip, port, protocol, mode.backends(world, world.hop("d1")))
                yield f"{mode.name}, {family} {protocol}", vip, mode, l4(port), service, number


# ---- fragments ---------------------------------------------------------------------------------


def in_order(world):
    """All go where the whole datagram would go."""
    for name, vip, mode, l4, service, _ in services(world, 1000):
        for sport in (40000, 40001):
            l4.sport = sport
            data = frame(vip, l4, payload=PAYLOAD)
            backend = service.backend_of(data)
            for i, piece in enumerate(cut(data)):
                dispatched(f"fragment {i} of {name} from {sport}", piece, service, "redirect", backend,
                           out=mode.out(piece, backend, data))


def out_of_order(world):
    """The last first: all go where that was sent, the first fragment, too. Another datagram of the flow is not bound."""
    for name, vip, mode, l4, service, protocol in services(world, 1100):
        data = frame(vip, l4, payload=PAYLOAD)
        say("stray", vip, {6: "tcp", 17: "udp"}[protocol], service.index)
        without_ports = frame(vip, type(l4)(sport=0, dport=0))
        backend = service.backend_of(without_ports)
        pieces = cut(data)
        for turn, i in enumerate((2, 0, 1, 0)):
            dispatched(f"fragment {i} out of order of {name}, the {turn}th", pieces[i], service, "redirect", backend,
                       out=mode.out(pieces[i], backend, without_ports))
        piece = cut(data)[0]
        dispatched(f"the next datagram of {name}", piece, service, "redirect", service.backend_of(data),
                   out=mode.out(piece, service.backend_of(data), data))


def unknown(world):
    """Without a service that speaks for the VIP, a later fragment that comes first passes; then it is as in order."""
    for vip, family in (("203.0.113.30", "v4"), ("2001:db8:f::30", "v6")):
        address = BACKEND6 if ":" in vip else BACKEND4
        service = world.service(vip, 80, "udp", [world.backend(address, "l2", world.hop("d1"))])
        pieces = cut(frame(vip, udp(80), payload=PAYLOAD))
        case(f"a later fragment of what is not known, {family}", pieces[1], "pass_fragment")
        dispatched(f"its first, {family}", pieces[0], service, "redirect")
        dispatched(f"it again, {family}", pieces[1], service, "redirect")
        other = cut(frame(vip, udp(80), payload=PAYLOAD))
        case(f"a later one with another identification, {family}", other[1], "pass_fragment")
        number = 0x0BAD
        pieces = cut(frame(vip, udp(80), payload=PAYLOAD), number)
        dispatched(f"a first to be mistaken, {family}", pieces[0], service, "redirect")
        client = "192.0.2.201" if family == "v4" else "2001:db8:c::201"
        far = cut(frame(vip, udp(80), payload=PAYLOAD, client=client), number)
        case(f"a later one of another client, {family}", far[1], "pass_fragment")


def not_served(world):
    """A datagram to a port without a service passes as a whole, though others of the VIP are served."""
    for vip, family, address in VIPS:
        service = world.service(vip, 1300, "udp", [world.backend(address, "l2", world.hop("d1"))])
        say("stray", vip, "udp", service.index)
        for i, piece in enumerate(cut(frame(vip, udp(1301), payload=PAYLOAD))):
            case(f"fragment {i} to another port, {family}", piece, "pass_not_ours" if i == 0 else "pass_fragment")
        pieces = cut(frame(vip, tcp(1300), payload=PAYLOAD))
        case(f"a later fragment of another protocol, {family}", pieces[0], "pass_not_ours")


def headers_cut_off(world):
    """A first fragment must hold the whole L4 header (RFC 1858)."""
    for vip, family, address in VIPS:
        for l4, protocol, _, number in L4:
            world.service(vip, 1400, protocol, [world.backend(address, "l2", world.hop("d1"))])
            header = bytes(l4(1400))
            for size in range(0, len(header), 4):
                if vip == VIP4:
                    packet = IP(src=CLIENT4, dst=vip, flags="MF", proto=number, id=next(_ids))
                else:
                    packet = IPv6(src=CLIENT6, dst=vip) / IPv6ExtHdrFragment(nh=number, m=1, id=next(_ids))
                data = bytes(ETHER / packet / Raw(header[:size]))
                both_programs(f"{size} bytes of {protocol} in the first fragment, {family}", data, "pass_malformed")


def every_path(world):
    """TTL 1, no backend, a path too small: as for any packet."""
    for vip, family, address in VIPS:
        world.service(vip, 1500, "udp", [world.backend(address, "l3", world.hop("d1"))])
        for i, piece in enumerate(cut(frame(vip, udp(1500), payload=PAYLOAD, ttl=1))):
            case(f"TTL 1, fragment {i}, {family}", piece, "pass_ttl")
        service = world.service(vip, 1501, "udp", [None])
        for i, piece in enumerate(cut(frame(vip, udp(1501), payload=PAYLOAD))):
            case(f"no backend, fragment {i}, {family}", piece, "drop_no_backend")
        world.service(vip, 1502, "udp", [world.backend(address, "l3", world.hop("d1", 1300))])
        pieces = cut(frame(vip, udp(1502), payload=bytes(3000)), sizes=(1400, 1400))
        too_big(f"too big a first fragment, {family}", pieces[0], 1300)
        # Of IPv4 an error must not be about a later one (RFC 1122, 3.2.2).
        too_big(f"too big a later fragment, {family}", pieces[1], 1300)
        to = host(1, int(vip == VIP6), 21)
        service = world.service(vip, 1503, "udp", [world.backend(to, "l3")])
        for i, piece in enumerate(cut(frame(vip, udp(1503), payload=PAYLOAD))):
            dispatched(f"no neighbour, fragment {i}, {family}", piece, service, "kernel",
                       out=with_destination(piece, to))


def in_transition(world):
    """A first fragment goes by the rules of its flow, a later one that comes first to the backend before."""
    for vip, family, address in VIPS:
        hop = world.hop("d1")
        now, before = world.backend(address, "l2", hop), world.backend(address, "l2", world.hop("d1"))
        service = world.service(vip, 1600, "udp", [now])
        world.moves(service, now, before)
        say("stray", vip, "udp", service.index)
        for order in ((0, 1), (1, 0)):
            pieces = cut(frame(vip, udp(1600, sport=41000 + order[0]), payload=PAYLOAD))
            for i in order:
                dispatched(f"in transition, fragment {i} of {order}, {family}", pieces[i], service, "redirect", before)
        world.moves(service, now, before, "closed")
        for order in ((0, 1), (1, 0)):
            pieces = cut(frame(vip, udp(1600, sport=42000 + order[0]), payload=PAYLOAD))
            for i in order:
                dispatched(f"closed, fragment {i} of {order}, {family}", pieces[i], service, "redirect", now)


def gone(world):
    """What is bound to a backend whose record became another service's goes nowhere."""
    service = world.service(VIP4, 1700, "udp", [world.backend(BACKEND4, "l2", world.hop("d1"))])
    pieces = cut(frame(VIP4, udp(1700), payload=PAYLOAD))
    dispatched("bound to who will be gone", pieces[0], service, "redirect")
    index = service.backend.index
    say("backend", index, BACKEND4, "l2", (1 << 31) | service.backend.hops[0].index, 2)
    case("its record is another's now", pieces[1], "drop_no_backend")


def marks(world):
    """The mark is on each, and the one checksum follows the destination."""
    for vip, family, own in VIPS:
        for l4, protocol, _, _ in L4:
            service = world.service(vip, 1800, protocol, [world.backend(own, "l3", world.hop("d1"), dscp=10)])
            data = frame(vip, l4(1800), payload=PAYLOAD)
            number = next(_ids)
            outs = cut(marked(data, own, 10), number)
            for i, piece in enumerate(cut(data, number)):
                dispatched(f"DSCP, fragment {i}, {family} {protocol}", piece, service, "redirect",
                           out=with_macs(outs[i], service.backend.hops[0]))


def events(world):
    """A later fragment's event has no ports."""
    service = world.service(VIP4, 1900, "udp", [world.backend(BACKEND4, "l2", world.hop("d1"))])
    pieces = cut(frame(VIP4, udp(1900), payload=PAYLOAD))
    say("knobs", 1, 1000)
    for piece, ports in ((pieces[0], (40000, 1900)), (pieces[1], (0, 0))):
        text = (f"redirect service {service.index} backend {service.backend.index} udp {CLIENT4} {ports[0]} > "
                f"{VIP4} {ports[1]} missed 0")
        dispatched(f"event of a fragment, port {ports[1]}", piece, service, "redirect", events=[text])
    say("knobs", 1, 0)


# ---- extension headers and options -----------------------------------------------------------------


def chains():
    """Extension headers that are walked over."""
    yield "hop-by-hop options", IPv6ExtHdrHopByHop()
    yield "destination options", IPv6ExtHdrDestOpt()
    yield "a routing header without a segment left", IPv6ExtHdrRouting(addresses=[VIP6], segleft=0)
    yield "an atomic fragment", IPv6ExtHdrFragment(id=7)
    yield "256 bytes of options", options_of(256)
    eight = IPv6ExtHdrHopByHop()
    for _ in range(7):
        eight = eight / IPv6ExtHdrDestOpt()
    yield "eight headers", eight
    yield "all kinds", (IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(addresses=[VIP6], segleft=0) /
                        IPv6ExtHdrFragment(id=8) / IPv6ExtHdrDestOpt())


def extended(vip, chain, l4, payload=b"hello", **more):
    return bytes(ETHER / IPv6(src=CLIENT6, dst=vip, **more) / chain / l4 / Raw(payload))


def extensions(world):
    port = 2000
    for mode in modes(VIP6):
        for l4, protocol, _, _ in L4:
            port += 1
            service = world.service(VIP6, port, protocol, mode.backends(world, world.hop("d1")))
            for words, chain in chains():
                data = extended(VIP6, chain, l4(port))
                backend = service.backend_of(data)
                dispatched(f"{words} before {protocol}, {mode.name}", data, service, "redirect", backend,
                           out=mode.out(data, backend, data))


def extended_fragments(world):
    """Options before the fragment header are on each fragment, those behind it in the first."""
    for mode in modes(VIP6):
        service = world.service(VIP6, 2100, "udp", mode.backends(world, world.hop("d1")))
        data = frame(VIP6, udp(2100), payload=PAYLOAD)
        backend = service.backend_of(data)
        for words, unfragmentable, body in (
            ("before", IPv6ExtHdrDestOpt(nh=44), data[54:]),
            ("behind", None, bytes(IPv6ExtHdrDestOpt(nh=17)) + data[54:]),
        ):
            number = next(_ids)
            for i, (at, size) in enumerate(((0, 64), (64, 64), (128, 512))):
                part = body[at : at + size]
                last = 60 if unfragmentable is None else 17
                head = IPv6ExtHdrFragment(nh=last, offset=at // 8, m=at + size < len(body), id=number)
                ip = IPv6(src=CLIENT6, dst=VIP6)
                ip = ip / unfragmentable / head if unfragmentable else ip / head
                piece = bytes(ETHER / ip / Raw(part))
                dispatched(f"options {words} the fragment header, fragment {i}, {mode.name}", piece, service, "redirect",
                           backend, out=mode.out(piece, backend, data))


def extensions_cut_off(world):
    """Every length of a valid frame, and lengths that lie."""
    world.service(VIP6, 2200, "tcp", [world.backend(BACKEND6, "l2", world.hop("d1"))])
    for words, chain in list(chains())[:4]:
        data = extended(VIP6, chain, tcp(2200), payload=b"")
        for size in range(14, len(data)):
            both_programs(f"{words} cut at {size} of {len(data)}", data[:size], "pass_malformed")
        for payload in range(0, len(data) - 54):
            lie = data[:18] + struct.pack("!H", payload) + data[20:]
            both_programs(f"{words}, payload length {payload}", lie, "pass_malformed")
    long = bytearray(extended(VIP6, IPv6ExtHdrDestOpt(), tcp(2200), payload=bytes(300)))
    long[55] = 31  # 256 bytes: TCP lies within the payload
    both_programs("options that swallow the L4 header", bytes(long), "pass_malformed")


def malformed_is_the_same(world):
    """A fragment's lengths are looked at as those of any packet."""
    world.service(VIP4, 2300, "udp", [world.backend(BACKEND4, "l2", world.hop("d1"))])
    data = cut(frame(VIP4, udp(2300), payload=PAYLOAD))[0]
    for size in range(14, len(data), 3):
        both_programs(f"a fragment cut at {size} of {len(data)}", data[:size], "pass_malformed")


# ---- tags on ingress -------------------------------------------------------------------------------

TAGS = (
    ("one tag", ((0x8100, 7),)),
    ("one tag of 802.1ad", ((0x88A8, 4094),)),
    ("a priority tag", ((0x8100, 5 << 13),)),
    ("two tags", ((0x88A8, 7), (0x8100, 3 << 13 | 8))),
    ("two tags of 802.1Q", ((0x8100, 9), (0x8100, 10))),
)


def within(data, tags):
    for protocol, word in reversed(tags):
        data = tagged(data, protocol, word)
    return data


def tags_off(world):
    """What is forwarded leaves without them, and counts with them."""
    for name, vip, mode, l4, service, _ in services(world, 3000):
        data = frame(vip, l4)
        backend = service.backend_of(data)
        for words, tags in TAGS:
            dispatched(f"{words}, {name}", within(data, tags), service, "redirect", backend,
                       out=mode.out(data, backend, data))


def tags_changed(world):
    """The next hop's own tag goes on."""
    for vip, family, address in VIPS:
        for mode in ("l2", "l3"):
            service = world.service(vip, 3100, "tcp", [world.backend(address, mode, world.hop("d1", 1500, 100))])
            data = frame(vip, tcp(3100))
            for words, tags in TAGS:
                dispatched(f"{words}, into another VLAN by {mode}, {family}", within(data, tags), service, "redirect",
                           out=tagged(service.backend.comes_out(data), 0x8100, 100))
            hop = world.hop("d0", 1500, 7)
            service = world.service(vip, 3101, "tcp", [world.backend(address, mode, hop)])
            data = frame(vip, tcp(3101))
            dispatched(f"back into the VLAN by {mode}, {family}", within(data, TAGS[0][1]), service, "tx",
                       out=tagged(service.backend.comes_out(data), 0x8100, 7))


def tags_stay(world):
    """What passes is bit-identical, tags and all; what the kernel is to forward has them."""
    for vip, family, address in VIPS:
        world.service(vip, 3200, "tcp", [world.backend(address, "l3", world.hop("d1"))])
        unresolved = host(1, int(vip == VIP6), 21)
        kernel = world.service(vip, 3201, "tcp", [world.backend(unresolved, "l3")])
        local = world.service(vip, 3202, "tcp", [world.backend(address, "local")])
        icmp = ICMP(type=13) if vip == VIP4 else ICMPv6EchoRequest(type=130)
        ip = IP(src=CLIENT4, dst=vip) if vip == VIP4 else IPv6(src=CLIENT6, dst=vip)
        for words, tags in TAGS:
            for what, data, reason in (
                ("another port", frame(vip, tcp(3299)), "pass_not_ours"),
                ("TTL 1", frame(vip, tcp(3200), ttl=1), "pass_ttl"),
                ("another MAC", frame(vip, tcp(3200), ether=Ether(src=CLIENT_MAC, dst="02:00:00:00:99:99")), "pass_not_us"),
                ("SSH", frame(vip, tcp(22)), "pass_not_ours"),
                ("OSPF", bytes(ETHER / ip / Raw(bytes(24))), "pass_protocol"),
                ("ICMP", bytes(ETHER / ip / icmp), "pass_protocol"),
                ("a later fragment", cut(frame("192.0.2.99" if vip == VIP4 else "2001:db8::99", udp(80),
                                               payload=PAYLOAD))[1], "pass_fragment"),
            ):
                if what == "OSPF":
                    data = bytearray(data)
                    data[23 if vip == VIP4 else 20] = 89
                    data = bytes(data)
                    if vip == VIP4:
                        packet = Ether(data)
                        packet[IP].chksum = None
                        data = bytes(packet)
                case(f"{words} stay on {what}, {family}", within(data, tags), reason)
            data = frame(vip, tcp(3201))
            dispatched(f"{words} stay on what the kernel forwards, {family}", within(data, tags), kernel, "kernel",
                       out=within(with_destination(data, unresolved), tags))
            data = frame(vip, tcp(3202))
            dispatched(f"{words} stay on what is for this node, {family}", within(data, tags), local, "local",
                       out=within(data, tags))


def tags_truncated(world):
    world.service(VIP4, 3300, "tcp", [world.backend(BACKEND4, "l2", world.hop("d1"))])
    data = frame(VIP4, tcp(3300), payload=b"")
    for words, tags in TAGS[:1] + TAGS[3:4]:
        whole = within(data, tags)
        for size in range(14 + 4 * len(tags), len(whole)):
            both_programs(f"{words}, cut at {size} of {len(whole)}", whole[:size], "pass_malformed")


def tagged_answers(world):
    """An answer goes back into the VLAN that the question came from."""
    world.service(VIP4, 3400, "udp", [world.backend(BACKEND4, "l3", world.hop("d1", 1300))])
    plain = frame(VIP4, udp(3400), payload=bytes(1400), flags="DF")
    for words, tags in TAGS:
        case(f"{words} on what tells of a small path", within(plain, tags), "told_too_big",
             within(told(plain, 1300), tags))


def hard_in_tags(world):
    """Fragments and extension headers behind tags."""
    for name, vip, mode, l4, service, _ in services(world, 3500):
        data = frame(vip, l4, payload=PAYLOAD)
        backend = service.backend_of(data)
        for words, tags in TAGS[:1] + TAGS[3:4]:
            for i, piece in enumerate(cut(data)):
                dispatched(f"{words}, fragment {i}, {name}", within(piece, tags), service, "redirect", backend,
                           out=mode.out(piece, backend, data))


# ---- MACs ------------------------------------------------------------------------------------------


def macs(world):
    """Frames to others' MACs pass; to any of ours, a virtual router's, too, they do not."""
    far = ("02:00:00:00:00:d1", "02:00:00:00:01:d0", "03:00:00:00:00:d0", "00:00:5e:00:01:07", "00:00:00:00:00:00",
           "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01")
    for vip, family, address in VIPS:
        service = world.service(vip, 4000, "udp", [world.backend(address, "l2", world.hop("d1"))])
        for mac in far:
            ether = Ether(src=CLIENT_MAC, dst=mac)
            case(f"to {mac}, {family}", frame(vip, udp(4000), ether=ether), "pass_not_us")
            for i, piece in enumerate(cut(frame(vip, udp(4000), payload=PAYLOAD, ether=ether))):
                case(f"fragment {i} to {mac}, {family}", piece, "pass_not_us")
            case(f"in a VLAN to {mac}, {family}", within(frame(vip, udp(4000), ether=ether), TAGS[0][1]), "pass_not_us")
        ether = Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC)
        dispatched(f"to this node, {family}", frame(vip, udp(4000), ether=ether), service, "redirect")


def flooded(world):
    """Of a datagram that a switch flooded on its way to another nothing is chosen, nor remembered."""
    far = Ether(src=CLIENT_MAC, dst="02:00:00:00:99:99")
    for vip, family, address in VIPS:
        client = CLIENT6 if vip == VIP6 else CLIENT4
        one = world.service(vip, 4050, "tcp", [world.backend(address, "l2", world.hop("d1"))])
        whole, elsewhere = (frame(vip, tcp(4050), payload=PAYLOAD, ether=ether) for ether in (None, far))
        number = next(_ids)
        case(f"a flooded first fragment, {family}", cut(elsewhere, number)[0], "pass_not_us")
        case(f"binds no later one, {family}", cut(whole, number)[1], "pass_fragment")
        dealt = world.service(vip, 4051, "tcp", [one.backend], "random")
        piece = cut(frame(vip, tcp(4051), payload=PAYLOAD, ether=far))[0]
        case(f"a flooded one that is to be dealt at random, {family}", piece, "pass_not_us")
        say("check", f"a_flooded_flow_is_not_remembered,_{family}", "fresh", client, 40000, 4051, dealt.index, 0)

        spread = world.service(vip, 4052, "tcp", [world.backend(address, "l2", world.hop("d1")) for _ in range(8)])
        say("stray", vip, "tcp", spread.index)
        early = spread.backend_of(frame(vip, tcp(0, sport=0)))
        for sport in range(40000, 40100):
            whole, elsewhere = (frame(vip, tcp(4052, sport=sport), payload=PAYLOAD, ether=ether) for ether in (None, far))
            if spread.backend_of(whole) != early:
                break
        number = next(_ids)
        case(f"a flooded later fragment, {family}", cut(elsewhere, number)[1], "pass_not_us")
        dispatched(f"binds no first one, {family}", cut(whole, number)[0], spread, "redirect", spread.backend_of(whole))
        number = next(_ids)
        elsewhere = frame(vip, tcp(4053), payload=PAYLOAD, ether=far)
        case(f"a flooded first fragment to another port, {family}", cut(elsewhere, number)[0], "pass_not_ours")
        dispatched(f"binds no later one, either, {family}", cut(whole, number)[1], spread, "redirect", early)


def no_record(world):
    """A service that has no record yet drops, as plain packets are."""
    for vip, family, _ in VIPS:
        say("vip", vip, 4060, "tcp", 99999)
        for i, piece in enumerate(cut(frame(vip, tcp(4060), payload=PAYLOAD))):
            case(f"a service beyond the table, fragment {i}, {family}", piece, "drop_no_backend")
        case(f"a service beyond the table, in a VLAN, {family}", within(frame(vip, tcp(4060)), TAGS[0][1]),
             "drop_no_backend")


def virtual_macs(world):
    say("mac", "00:00:5e:00:01:07")
    say("mac", "00:00:5e:00:02:07")
    for vip, family, address in VIPS:
        service = world.service(vip, 4100, "udp", [world.backend(address, "l2", world.hop("d1"))])
        for mac in ("00:00:5e:00:01:07", "00:00:5e:00:02:07"):
            data = frame(vip, udp(4100), ether=Ether(src=CLIENT_MAC, dst=mac))
            dispatched(f"to the virtual router {mac}, {family}", data, service, "redirect")


def crowded(world):
    """More of ours than a place holds: none of them is refused, and others that end in the same byte aren't either."""
    macs_here = [f"02:00:00:00:{i:02x}:aa" for i in range(1, 11)]
    for mac in macs_here:
        say("mac", mac)
    service = world.service(VIP4, 4200, "udp", [world.backend(BACKEND4, "l2", world.hop("d1"))])
    for mac in (*macs_here, "02:00:00:00:99:aa"):
        data = frame(VIP4, udp(4200), ether=Ether(src=CLIENT_MAC, dst=mac))
        dispatched(f"to {mac} among many", data, service, "redirect")
    case("to a MAC of another place", frame(VIP4, udp(4200), ether=Ether(src=CLIENT_MAC, dst="02:00:00:00:01:ab")),
         "pass_not_us")


# ---- loops -----------------------------------------------------------------------------------------


def loops(world):
    """l2 back to the node that it came from is a loop without end; where a TTL goes down it is none."""
    for vip, family, address in VIPS:
        for dev, reason in (("d0", "tx"), ("d1", "redirect")):
            hop = world.hop(dev)
            service = world.service(vip, 5000, "tcp", [world.backend(address, "l2", hop)])
            ether = Ether(src=hop.dst, dst=DIRECTOR_MAC)
            data = frame(vip, tcp(5000), ether=ether)
            case(f"l2 to where it came from, by {dev}, {family}", data, "drop_loop")
            case(f"l2 to where it came from, in a VLAN, by {dev}, {family}", within(data, TAGS[0][1]), "drop_loop")
            for i, piece in enumerate(cut(frame(vip, tcp(5000), ether=ether, payload=PAYLOAD))):
                case(f"l2 to where it came from, fragment {i} by {dev}, {family}", piece, "drop_loop")
            for mac in (f"02:00:00:ff{hop.dst[11:]}", f"{hop.dst[:-2]}ff", f"03{hop.dst[2:]}"):
                data = frame(vip, tcp(5000), ether=Ether(src=mac, dst=DIRECTOR_MAC))
                dispatched(f"l2 by {dev} from {mac} to {hop.dst}, {family}", data, service, reason)
            service = world.service(vip, 5001, "tcp", [world.backend(address, "l3", hop)])
            dispatched(f"l3 to where it came from, by {dev}, {family}", frame(vip, tcp(5001), ether=ether), service, reason)
        # The neighbour of cases.py, found by the FIB.
        version = int(vip == VIP6)
        world.service(vip, 5002, "tcp", [world.backend(host(0, version, 20), "l2")])
        ether = Ether(src=f"02:00:00:00:00:0{'46'[version]}", dst=DIRECTOR_MAC)
        case(f"l2 to where it came from, by the FIB, {family}", frame(vip, tcp(5002), ether=ether), "drop_loop")


# ---- the backend's side --------------------------------------------------------------------------------

OWN4, OWN6 = "198.51.100.11", "2001:db8:2::11"


def mended(program, tag):
    """Fragments that came by l3 get their VIP back, and together have a right checksum."""
    for vip, own, family in ((VIP4, OWN4, "v4"), (VIP6, OWN6, "v6")):
        for l4, protocol, _, _ in L4:
            name = f"{family} {protocol}{tag}"
            data = with_destination(frame(vip, l4(80), payload=PAYLOAD), own, 1)
            number = next(_ids)
            outs = cut(with_destination(data, vip), number)
            pieces = cut(data, number)
            case(f"a later fragment that comes first, {name}", pieces[2], "pass_fragment", program=program)
            for i in (0, 2, 1, 0, 1):
                case(f"fragment {i} restored, {name}, {next(_ids)}", pieces[i], "restored", outs[i], program=program)
            for i, piece in enumerate(cut(frame(own, l4(81), payload=PAYLOAD))):
                case(f"fragment {i} to the backend itself, {name}", piece, "pass_not_ours" if i == 0 else "pass_fragment",
                     program=program)
            for words, tags in TAGS:
                number = next(_ids)
                outs = cut(with_destination(data, vip), number)
                for i, piece in enumerate(cut(data, number)):
                    case(f"{words}, fragment {i} restored, {name}", within(piece, tags), "restored",
                         within(outs[i], tags), program=program)
                case(f"{words} stay on what is restored, {name}", within(data, tags), "restored",
                     within(with_destination(data, vip), tags), program=program)


def mended_by_mark(program, tag):
    """A mark says of each fragment where it belongs, in any order."""
    for vip, own, family in ((VIP4, OWN4, "v4"), (VIP6, OWN6, "v6")):
        for l4, protocol, _, _ in L4:
            whole = frame(vip, l4(80), payload=PAYLOAD)
            data = marked(whole, own, 10)
            number = next(_ids)
            out, pieces = marked(data, vip, 10, 0), cut(data, number)
            assert checksum_valid(out)
            for i in (2, 1, 0):
                case(f"marked fragment {i}, {family} {protocol}{tag}", pieces[i], "restored", cut(out, number)[i],
                     program=program)


def mended_extensions(program, tag):
    for words, chain in chains():
        for l4, protocol, _, _ in L4:
            data = with_destination(extended(VIP6, chain, l4(80)), OWN6, 1)
            case(f"{words} before {protocol} restored{tag}", data, "restored", with_destination(data, VIP6),
                 program=program)


def unwrapped(program, tag):
    """A tagged tunnel's packet comes out tagged."""
    for vip, family, to in VIPS:
        for mode in ("ipip", "gue"):
            data = frame(vip, tcp(80))
            inner = Ether(data)
            (inner[IPv6] if vip == VIP6 else inner[IP]).setfieldval("hlim" if vip == VIP6 else "ttl", 63)
            if vip == VIP4:
                inner[IP].chksum = None
            for words, tags in TAGS:
                case(f"{words} on {mode} {family}{tag}", within(wrapped(data, mode, to), tags), "decapsulated",
                     within(bytes(inner), tags), program=program)
            for i, piece in enumerate(cut(data, sizes=(24,))):
                inner = Ether(piece)
                (inner[IPv6] if vip == VIP6 else inner[IP]).setfieldval("hlim" if vip == VIP6 else "ttl", 63)
                if vip == VIP4:
                    inner[IP].chksum = None
                case(f"fragment {i} out of {mode} {family}{tag}", wrapped(piece, mode, to, flow=data), "decapsulated",
                     bytes(inner), program=program)


def backends():
    for options_, program, tag in (((), "backend", ""), (("restore",), "director", " (both)")):
        world = World(*options_)
        for vip, own, _ in ((VIP4, OWN4, ""), (VIP6, OWN6, "")):
            say("restore", own, 80, "tcp", vip)
            say("restore", own, 80, "udp", vip)
            say("dscp", own, 10, vip)
            say("served", vip)
        for address in (BACKEND4, BACKEND6):
            say("served", address, 6080)
        mended(program, tag)
        mended_by_mark(program, tag)
        mended_extensions(program, tag)
        unwrapped(program, tag)
        # A node of both roles still directs what it does not restore.
        if options_:
            say("egress d1")
            service = world.service(VIP4, 6000, "udp", [world.backend(BACKEND4, "l3", world.hop("d1"))])
            for i, piece in enumerate(cut(frame(VIP4, udp(6000), payload=PAYLOAD))):
                dispatched(f"fragment {i} directed (both)", piece, service, "redirect",
                           out=with_destination(with_macs(piece, service.backend.hops[0]), BACKEND4, 1))


def facts():
    world = World()
    say("egress d1")
    say("knobs", 1, 0)
    sources()
    parts = (in_order, not_served, unknown, headers_cut_off, every_path, gone, flooded, no_record, marks, events,
             extensions, extended_fragments, extensions_cut_off, malformed_is_the_same)
    for part in parts:
        part(world)
    for part in (tags_off, tags_changed, tags_stay, tags_truncated, tagged_answers):
        part(world)
    world = World()
    say("egress d1")
    sources()
    for part in (out_of_order, in_transition, hard_in_tags, macs, virtual_macs, crowded, loops):
        part(world)
    backends()
