# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ipip and gue, in and out: packets of either family in packets of either family; l3 with a DSCP.

What the programs wrap is built here by scapy from the packet that went in, and taken out again by the backend's
program gives that packet with its TTL one lower.
"""

import sys

from scapy.all import IP, TCP, UDP, Ether, IPOption_NOP, IPv6, Raw

from facts import (
    CLIENT4,
    VIP4,
    VIP6,
    World,
    case,
    checksum_valid,
    dispatched,
    flow_hash,
    frame,
    random_flows,
    say,
    tcp,
    too_big,
    udp,
    with_destination,
    with_macs,
)
from facts_fallback import BLACKHOLE, BY_SILENT_GATEWAY, NOWHERE, host, neighbour_macs

SOURCE4, SOURCE6 = "198.51.100.1", "2001:db8:2::1"
BACKEND4, BACKEND6 = "198.51.100.31", "2001:db8:2::31"
GUE_PORT = 6080
MODES = ("ipip", "gue")
INNER = ((VIP4, "v4"), (VIP6, "v6"))
OUTER = ((BACKEND4, "v4"), (BACKEND6, "v6"))
COMBINATIONS = tuple((mode, *inner, *outer) for mode in MODES for inner in INNER for outer in OUTER)

# ---- what must come out ------------------------------------------------------------------------


def _filled(source, bits, value):
    """`source` with its last bits from the flow's hash, as it lies in this machine's memory."""
    packed = bytearray(bytes(IPv6(dst=source))[24:40] if ":" in source else bytes(IP(dst=source))[16:20])
    mask = ((1 << bits) - 1).to_bytes(4, "big")
    for i, byte in enumerate(value.to_bytes(4, sys.byteorder)):
        packed[i - 4] |= byte & mask[i]
    return bytes(packed)


def _address(packed):
    return ".".join(map(str, packed)) if len(packed) == 4 else ":".join(packed[i : i + 2].hex() for i in range(0, 16, 2))


def inner_of(data, ttl_down=1):
    """The IP packet in a frame, its TTL lower."""
    packet = Ether(data)
    size = packet[IP].len if IP in packet else packet[IPv6].plen + 40
    if IPv6 in packet:
        packet[IPv6].hlim -= ttl_down
        return bytes(packet)[14 : 14 + size], packet[IPv6].tc, 41
    packet[IP].ttl -= ttl_down
    del packet[IP].chksum
    return bytes(packet)[14 : 14 + size], packet[IP].tos, 4


def wrapped(data, mode, to, source=None, bits=0, ether=None, flow=None, **more):
    """The frame as it leaves in a tunnel, MACs as it came, padding gone along. `flow`: what it is spread by."""
    inner, tos, protocol = inner_of(data)
    share = flow_hash(flow or data) & 0xFFFFFFFF
    udp_sized = 8 if mode == "gue" else 0
    source = source or (SOURCE6 if ":" in to else SOURCE4)
    source = _address(_filled(source, bits, share))
    if ":" in to:
        outer = IPv6(src=source, dst=to, tc=tos, hlim=64, fl=share & 0xFFFFF, nh=17 if udp_sized else protocol)
    else:
        outer = IP(src=source, dst=to, tos=tos, ttl=64, flags="DF", id=0, proto=17 if udp_sized else protocol)
    for name, value in more.items():
        setattr(outer, name, value)
    if udp_sized:
        outer = outer / UDP(sport=0xC000 | share & 0x3FFF, dport=GUE_PORT, **({} if ":" in to else {"chksum": 0}))
    macs = ether or Ether(data[:12] + b"\0\0")
    return bytes(Ether(dst=macs.dst, src=macs.src) / outer / Raw(inner)) + data[14 + len(inner) :]


def goes(name, data, service, reason, mode, to, hop=None, **more):
    """`data` is wrapped, and leaves with the MACs of `hop`."""
    out = wrapped(with_macs(data, hop or service.backend.hops[0]), mode, to, **more)
    dispatched(name, data, service, reason, out=out)


def sources(bits4=0, bits6=0, four=SOURCE4, six=SOURCE6):
    say("tunnel", four, bits4, six, bits6, GUE_PORT)


# ---- the director ------------------------------------------------------------------------------


def combinations(world):
    """Any family in any family, both modes and protocols, out of the same and of another interface."""
    port = 3000
    for mode, vip, inside, to, outside in COMBINATIONS:
        for l4, protocol in ((tcp, "tcp"), (udp, "udp")):
            for dev, reason in (("d0", "tx"), ("d1", "redirect")):
                port += 1
                service = world.service(vip, port, protocol, [world.backend(to, mode, world.hop(dev))])
                name = f"{mode} {inside} in {outside} {protocol} by {dev}"
                goes(name, frame(vip, l4(port)), service, reason, mode, to)
                goes(name + ", no payload", frame(vip, l4(port), payload=b""), service, reason, mode, to)


def services(world, port, protocol="tcp", mtu=1500, **more):
    for mode, vip, inside, to, outside in COMBINATIONS:
        port += 1
        hop = world.hop("d1", mtu, *more.get("state", ()))
        service = world.service(vip, port, protocol, [world.backend(to, mode, hop, mtu=more.get("route", 0))])
        yield f"{mode} {inside} in {outside}", mode, vip, to, port, service


def ttl(world):
    for name, mode, vip, to, port, service in services(world, 3100):
        for value in (2, 3, 255):
            goes(f"{name} TTL {value}", frame(vip, tcp(port), ttl=value), service, "redirect", mode, to)
        case(f"{name} TTL 1 is left to the kernel by who has no address", frame(vip, tcp(port), ttl=1), "pass_ttl")


def classes(world):
    """DSCP and ECN go along."""
    for name, mode, vip, to, port, service in services(world, 3200):
        for value in (0x01, 0x02, 0x03, 0xB8, 0xFF):
            more = {"tc": value} if vip == VIP6 else {"tos": value}
            goes(f"{name} class {value:#04x}", frame(vip, tcp(port), **more), service, "redirect", mode, to)


def fragmenting(world):
    """DF is set outside, whatever it is inside; the inner packet keeps its identification."""
    for name, mode, vip, to, port, service in services(world, 3300):
        for flags in ("", "DF") if vip == VIP4 else ():
            data = frame(vip, tcp(port), flags=flags, id=0x1234)
            goes(f"{name} flags '{flags}'", data, service, "redirect", mode, to)
        if vip == VIP4:
            data = frame(vip, tcp(port), options=[IPOption_NOP()] * 40)
            goes(f"{name} with options", data, service, "redirect", mode, to)


def sized(vip, port, l3_bytes):
    empty = len(frame(vip, udp(port), payload=b"")) - 14
    return frame(vip, udp(port), payload=(bytes(range(1, 252)) * 8)[: l3_bytes - empty])


def more_bytes(mode, to):
    return (40 if ":" in to else 20) + (8 if mode == "gue" else 0)


def mtu(world):
    """The outer packet has to fit."""
    for name, mode, vip, to, port, service in services(world, 3400, "udp", 1000):
        limit = 1000 - more_bytes(mode, to)
        goes(f"{name} exactly the MTU", sized(vip, port, limit), service, "redirect", mode, to)
        too_big(f"{name} one byte over the MTU", sized(vip, port, limit + 1), limit)
    for name, mode, vip, to, port, service in services(world, 3450, "udp", route=900):
        limit = 900 - more_bytes(mode, to)
        goes(f"{name} exactly the route's MTU", sized(vip, port, limit), service, "redirect", mode, to)
        too_big(f"{name} one byte over the route's MTU", sized(vip, port, limit + 1), limit)


def checksums(world):
    """Right outside also where the inner packet has none, or more behind it than its own covers."""
    for name, mode, vip, to, port, service in services(world, 3500, "udp"):
        at = 14 + (20 if vip == VIP4 else 40)
        for size in (0, 1, 2, 3, 35, 36, 37, 63, 64, 65, 100, 127, 128, 129, 1000, 1399):
            data = bytearray(frame(vip, udp(port), payload=bytes(i * 7 & 0xFF for i in range(size))))
            data[at + 6 : at + 8] = b"\0\0"
            goes(f"{name} no inner checksum, {size} bytes", bytes(data), service, "redirect", mode, to)
        data = bytearray(frame(vip, udp(port, len=12), payload=b"hello, surplus"))
        goes(f"{name} more than UDP's length", bytes(data), service, "redirect", mode, to)
        data = frame(vip, udp(port), payload=b"") + b"\xa5" * 20
        goes(f"{name} padded", data, service, "redirect", mode, to)


def spread(world):
    """Bits of the source from the flow's hash."""
    for bits4, bits6 in ((8, 16), (16, 32), (1, 0)):
        four, six = {8: "198.18.7.0", 16: "198.18.0.0", 1: SOURCE4.replace(".1", ".2")}[bits4], "2001:db8:aaaa::"
        sources(bits4, bits6, four, six)
        for name, mode, vip, to, port, service in services(world, 3600 + bits4 * 20):
            flows = random_flows(6, vip, lambda sport, port=port: tcp(port, sport=sport), bits4)
            bits, source = (bits6, six) if ":" in to else (bits4, four)
            for i, data in enumerate(flows):
                goes(f"{name} spread {bits} flow {i}", data, service, "redirect", mode, to, source=source, bits=bits)
    sources()


def no_source(world):
    sources(four="0.0.0.0", six="::")
    for name, _, vip, _, port, _ in services(world, 4000):
        case(f"{name} no address to send from", frame(vip, tcp(port)), "drop_no_source")
    sources()


def tags(world):
    """The VLAN tag goes outside."""
    for name, mode, vip, to, port, service in services(world, 4100, state=(7,)):
        data = frame(vip, tcp(port))
        out = wrapped(with_macs(data, service.backend.hops[0]), mode, to)
        out = out[:12] + b"\x81\x00\x00\x07" + out[12:]
        dispatched(f"{name} into a VLAN", data, service, "redirect", out=out)


def events(world):
    say("knobs", 0, 100)
    for name, mode, vip, to, port, service in services(world, 4200):
        data = frame(vip, tcp(port))
        client = Ether(data)[IPv6 if vip == VIP6 else IP].src
        out = wrapped(with_macs(data, service.backend.hops[0]), mode, to)
        event = (f"redirect service {service.index} backend {service.backend.index} tcp "
                 f"{client} 40000 > {vip} {port} missed 0")
        dispatched(f"{name} event", data, service, "redirect", out=out, events=[event])
    say("knobs", 0, 0)


def by_the_fib(world):
    """No path: the FIB is asked about the outer packet, and the kernel gets it wrapped where it must resolve."""
    port = 4300
    for mode, vip, inside, _, outside in COMBINATIONS:
        family = 0 if outside == "v4" else 1
        for to, what in ((host(1, family, 20), "known"), (host(1, family, 21), "unknown"),
                         (BY_SILENT_GATEWAY[family], "silent"), (BLACKHOLE[family], "drop_no_route"),
                         (NOWHERE[family], "drop_no_route"), (host(2, family, 20), "unusable")):
            port += 1
            name = f"fib {mode} {inside} in {outside} to {to}"
            service = world.service(vip, port, "tcp", [world.backend(to, mode)])
            data = frame(vip, tcp(port))
            forged = family == 0 and inside == "v4"
            if what == "known":
                goes(name, data, service, "fib_redirect", mode, to, hop=neighbour_macs(1, family))
            elif what.startswith("drop"):
                case(name, data, what)
            elif family == 0 and inside == "v6":
                case(name, data, "drop_egress" if what == "unusable" else "drop_no_neighbour")
            else:
                out = wrapped(data, mode, to, source=CLIENT4 if forged else None)
                dispatched(name, data, service, "kernel", out=out)
        world.service(vip, port + 300, "udp", [world.backend(host(2, family, 20), mode)])
        limit = 1400 - more_bytes(mode, host(2, family, 20))
        too_big(f"fib {mode} {inside} in {outside} over the MTU", sized(vip, port + 300, limit + 1), limit)


def director():
    world = World()
    say("egress d1")
    sources()
    for part in (combinations, ttl, classes, fragmenting, mtu):
        part(world)
    world = World()
    say("egress d1")
    sources()
    for part in (checksums, spread, no_source, tags, events, by_the_fib):
        part(world)


# ---- the backend -------------------------------------------------------------------------------

SERVED = ((VIP4, VIP6), (BACKEND4, BACKEND6))
OTHER4, OTHER6 = "203.0.113.99", "2001:db8:f::99"


def ends():
    for vip in SERVED[0]:
        say("served", vip)
    for own in SERVED[1]:
        say("served", own, GUE_PORT)


def unwrapped(data, **more):
    """The frame as it goes up the stack: MACs as it came, TTL one lower than it went in."""
    inner, _, protocol = inner_of(data)
    packet = Ether(dst=Ether(data).dst, src=Ether(data).src, type=0x0800 if protocol == 4 else 0x86DD) / Raw(inner)
    if not more:
        return bytes(packet)
    packet = Ether(bytes(packet))
    ip = packet[IP] if IP in packet else packet[IPv6]
    for name, value in more.items():
        setattr(ip, name, value)
    if IP in packet:
        del ip.chksum
    return bytes(packet)


def taken_out(program, tag):
    for mode, vip, inside, to, outside in COMBINATIONS:
        name = f"out of {mode} {inside} in {outside}"
        for l4, protocol in ((tcp, "tcp"), (udp, "udp")):
            data = frame(vip, l4(80))
            case(f"{name} {protocol}{tag}", wrapped(data, mode, to), "decapsulated", unwrapped(data), program=program)
        data = frame(vip, udp(80), payload=b"")
        padded = wrapped(data, mode, to) + b"\xa5" * 9
        case(f"{name} padded{tag}", padded, "decapsulated", unwrapped(data) + b"\xa5" * 9, program=program)
        other = frame(OTHER6 if vip == VIP6 else OTHER4, tcp(80))
        case(f"{name} not a VIP of ours{tag}", wrapped(other, mode, to), "pass_tunnel", program=program)
        own = frame(BACKEND6 if vip == VIP6 else BACKEND4, tcp(80))
        case(f"{name} for our own address{tag}", wrapped(own, mode, to), "pass_tunnel", program=program)


# RFC 6040, figure 4: {inner: {outer: what comes out}}; None: dropped.
ECN = {0: (0, 0, 0, None), 1: (1, 1, 1, 3), 2: (2, 1, 2, 3), 3: (3, 3, 3, 3)}


def congestion(program, tag):
    for mode, vip, inside, to, outside in COMBINATIONS:
        for inner, row in ECN.items():
            for outer, becomes in enumerate(row):
                field, over = ("tc" if vip == VIP6 else "tos"), ("tc" if ":" in to else "tos")
                data = frame(vip, tcp(80), **{field: 0xB8 | inner})
                name = f"out of {mode} {inside} in {outside}: ECN {inner} in {outer}{tag}"
                sent = wrapped(data, mode, to, **{over: 0x48 | outer})
                if becomes is None:
                    case(name, sent, "drop_ecn", program=program)
                else:
                    case(name, sent, "decapsulated", unwrapped(data, **{field: 0xB8 | becomes}), program=program)


def edited(data, at, value):
    return data[:at] + value + data[at + len(value) :]


def not_taken_out():
    """What is not wholly right stays as it came."""
    for mode, vip, inside, to, outside in COMBINATIONS:
        name = f"not out of {mode} {inside} in {outside}"
        data = wrapped(frame(vip, tcp(80)), mode, to)
        plain = "pass_not_ours" if mode == "gue" else "pass_protocol"
        elsewhere = wrapped(frame(vip, tcp(80)), mode, "2001:db8:2::32" if ":" in to else "198.51.100.32")
        case(f"{name}: to another address", elsewhere, plain, program="backend")
        to_vip = wrapped(frame(vip, tcp(80)), mode, VIP6 if ":" in to else VIP4)
        case(f"{name}: to a VIP", to_vip, plain, program="backend")
        ip = 14 + (40 if ":" in to else 20)
        inner = ip + (8 if mode == "gue" else 0)
        if ":" not in to:
            case(f"{name}: a wrong header checksum", edited(data, 24, b"\x12\x34"), plain, program="backend")
            fragment = Ether(data)
            fragment[IP].flags, fragment[IP].chksum = "MF", None
            case(f"{name}: a fragment", bytes(fragment), plain.replace("protocol", "fragment"), program="backend")
        if mode == "gue":
            case(f"{name}: another port", edited(data, ip + 2, b"\x17\xc1"), plain, program="backend")
            case(f"{name}: GUE variant 0", edited(data, inner, b"\x00"), plain, program="backend")
            case(f"{name}: a length beyond the packet", edited(data, ip + 4, b"\x40\x00"), "pass_malformed",
                 program="backend")
        else:
            case(f"{name}: another version inside", edited(data, inner, b"\x50"), "pass_malformed", program="backend")
        length = inner + (4 if vip == VIP6 else 2)
        case(f"{name}: inner length beyond the packet", edited(data, length, b"\x40\x00"), "pass_malformed",
             program="backend")
        if vip == VIP4:
            case(f"{name}: inner header too short", edited(data, inner, b"\x44"), "pass_malformed", program="backend")
        for cut in (inner, inner + 19):
            lengths = fixed_lengths(data, cut, to, mode, ip)
            reason = plain if mode == "gue" and cut == inner else "pass_malformed"
            case(f"{name}: {cut - inner} bytes inside", lengths, reason, program="backend")


def fixed_lengths(data, cut, to, mode, ip):
    """The frame cut there, with outer lengths that say so."""
    data = bytearray(data[:cut])
    if ":" in to:
        data[18:20] = (cut - ip).to_bytes(2, "big")
    else:
        data[16:18] = (cut - 14).to_bytes(2, "big")
        data[24:26] = b"\0\0"
        data[24:26] = (0xFFFF - _sum(data[14:34])).to_bytes(2, "big")
    if mode == "gue":
        data[ip + 4 : ip + 6] = (cut - ip).to_bytes(2, "big")
    return bytes(data)


def _sum(data):
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def backend():
    World()
    ends()
    taken_out("backend", "")
    congestion("backend", "")
    not_taken_out()
    World("restore")
    ends()
    taken_out("director", " (both)")
    congestion("director", " (both)")
    World()
    ends()
    case("a director alone takes nothing out", wrapped(frame(VIP4, tcp(80)), "ipip", BACKEND4), "pass_protocol")


# ---- l3 with a DSCP ----------------------------------------------------------------------------


def marked(data, address, dscp, ttl_down=1):
    """L3DSR: the address and the mark are in the packet, and every checksum is right for them."""
    packet = Ether(with_destination(data, address, ttl_down))
    l4 = TCP if TCP in packet else UDP
    ip = packet[IPv6] if IPv6 in packet else packet[IP]
    if IPv6 in packet:
        ip.tc = dscp << 2 | ip.tc & 3
    else:
        ip.tos = dscp << 2 | ip.tos & 3
        del ip.chksum
    if not (l4 is UDP and packet[UDP].chksum == 0):
        del packet[l4].chksum
    return bytes(packet)


def marks(world):
    port = 5000
    for vip, inside, own in ((VIP4, "v4", BACKEND4), (VIP6, "v6", BACKEND6)):
        field = "tc" if vip == VIP6 else "tos"
        for l4, protocol in ((tcp, "tcp"), (udp, "udp")):
            for dscp in (1, 10, 46, 63):
                port += 1
                service = world.service(vip, port, protocol, [world.backend(own, "l3", world.hop("d1"), dscp=dscp)])
                for value in (0, 3, 0xFE):
                    data = frame(vip, l4(port), **{field: value})
                    out = with_macs(marked(data, own, dscp), service.backend.hops[0])
                    assert checksum_valid(out)
                    name = f"DSCP {dscp} {inside} {protocol} over {value:#04x}"
                    dispatched(name, data, service, "redirect", out=out)


def marks_by_the_fib(world):
    """The kernel gets the packet with its mark; one without a UDP checksum keeps none."""
    for family, (vip, inside) in enumerate(INNER):
        to = host(1, family, 21)
        service = world.service(vip, 5100, "udp", [world.backend(to, "l3", dscp=10)])
        data = frame(vip, udp(5100))
        dispatched(f"fib DSCP {inside}", data, service, "kernel", out=marked(data, to, 10, 0))
        at = 14 + (20 if family == 0 else 40) + 6
        data = edited(data, at, b"\0\0")
        dispatched(f"fib DSCP {inside} without checksum", data, service, "kernel", out=marked(data, to, 10, 0))


def every_checksum(world):
    """Patched is computed, also where sums carry: the payload makes each value come up."""
    service = world.service(VIP4, 5200, "udp", [world.backend(BACKEND4, "l3", world.hop("d1"), dscp=63)])
    again = world.service(VIP6, 5200, "udp", [world.backend(BACKEND6, "l3", world.hop("d1"), dscp=1)])
    for to, vip, own, dscp in ((service, VIP4, BACKEND4, 63), (again, VIP6, BACKEND6, 1)):
        base = frame(vip, udp(5200), payload=b"\0\0")
        start = Ether(base)[UDP].chksum
        target = Ether(marked(base, own, dscp))[UDP].chksum
        for value in {0, 1, start, start - 1, target, target - 1, target + 1, 0xFFFE, 0xFFFF}:
            data = frame(vip, udp(5200), payload=(value & 0xFFFF).to_bytes(2, "big"))
            out = with_macs(marked(data, own, dscp), to.backend.hops[0])
            dispatched(f"DSCP checksum {vip} payload {value:#06x}", data, to, "redirect", out=out)


def restored_by_mark(program, tag):
    for vip, inside, own in ((VIP4, "v4", BACKEND4), (VIP6, "v6", BACKEND6)):
        second = OTHER6 if vip == VIP6 else OTHER4
        for l4, protocol in ((tcp, "tcp"), (udp, "udp")):
            name = f"mark {inside} {protocol}{tag}"
            for address, dscp in ((vip, 10), (second, 63)):
                data = marked(frame(address, l4(80)), own, dscp)
                out = Ether(marked(data, address, dscp, 0))
                case(f"{name} DSCP {dscp}", data, "restored", bytes(out), program=program)
            direct = frame(own, l4(80))
            case(f"{name}: none, so it is for the backend itself", direct, "pass_not_ours", program=program)
            case(f"{name}: one that stands for nothing", marked(direct, own, 11, 0), "pass_not_ours", program=program)
            data = marked(frame(second, l4(443)), own, 63)
            out = marked(data, second, 63, 0)
            case(f"{name}: any port", data, "restored", out, program=program)


def dscp():
    world = World()
    say("egress d1")
    sources()
    marks(world)
    marks_by_the_fib(world)
    every_checksum(world)
    for kind, program, tag in (((), "backend", ""), (("restore",), "director", " (both)")):
        World(*kind)
        for own, address, other in ((BACKEND4, VIP4, OTHER4), (BACKEND6, VIP6, OTHER6)):
            say("dscp", own, 10, address)
            say("dscp", own, 63, other)
        restored_by_mark(program, tag)


def facts():
    director()
    backend()
    dscp()
