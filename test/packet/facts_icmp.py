# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ICMP and ICMPv6: echo to a VIP, errors about flows, and what senders of too much are told."""

from scapy.all import (
    ICMP,
    IP,
    TCP,
    UDP,
    Ether,
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPOption_NOP,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    Raw,
)

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
    random_flows,
    say,
    tcp,
    told,
    too_big,
    udp,
    with_destination,
    with_macs,
)
from facts_fallback import BLACKHOLE, host, neighbour_macs
from facts_tunnels import (
    BACKEND4,
    BACKEND6,
    COMBINATIONS,
    OTHER4,
    OTHER6,
    edited,
    ends,
    marked,
    sources,
    unwrapped,
    wrapped,
)

FAMILIES = ((VIP4, CLIENT4, "v4", BACKEND4), (VIP6, CLIENT6, "v6", BACKEND6))
ROUTER4, ROUTER6 = "192.0.2.77", "2001:db8:77::1"
ETHER = Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC)
THIRD = {VIP4: "203.0.113.98", VIP6: "2001:db8:f::98"}  # no VIP of anybody
L4 = ((tcp, TCP, "tcp"), (udp, UDP, "udp"))

# ---- frames ------------------------------------------------------------------------------------

ERRORS4 = (
    ("host unreachable", ICMP(type=3, code=1)),
    ("port unreachable", ICMP(type=3, code=3)),
    ("frag needed", ICMP(type=3, code=4, nexthopmtu=1400)),
    ("time exceeded", ICMP(type=11, code=0)),
    ("parameter problem", ICMP(type=12, ptr=20)),
)
ERRORS6 = (
    ("no route", ICMPv6DestUnreach(code=0)),
    ("port unreachable", ICMPv6DestUnreach(code=4)),
    ("packet too big", ICMPv6PacketTooBig(mtu=1400)),
    ("time exceeded", ICMPv6TimeExceeded(code=0)),
    ("parameter problem", ICMPv6ParamProblem(code=1, ptr=6)),
)


def errors(vip):
    return ERRORS6 if vip == VIP6 else ERRORS4


def reply(vip, l4, port, sport=40000, client=None, payload=b"", **more):
    """A packet of the backend's to the client, as it is quoted: from the VIP's port, with its TTL used up."""
    ip = IPv6(src=vip, dst=client or CLIENT6, hlim=1) if ":" in vip else IP(src=vip, dst=client or CLIENT4, ttl=1)
    for name, value in more.items():
        setattr(ip, name, value)
    return bytes(ip / l4(sport=port, dport=sport) / Raw(payload or b"some text that the client asked for"))


def headers(quoted):
    """The IP header and 8 bytes: what every error must quote."""
    return quoted[: 48 if quoted[0] >> 4 == 6 else (quoted[0] & 15) * 4 + 8]


def error(vip, icmp, quoted, to=None, ether=ETHER, **more):
    """The error about `quoted`, from a router on the way to the client."""
    ip = IPv6(src=ROUTER6, dst=to or vip) if ":" in vip else IP(src=ROUTER4, dst=to or vip)
    for name, value in more.items():
        setattr(ip, name, value)
    return bytes(ether / ip / icmp / Raw(quoted))


def an_error(vip, port, l4=TCP, **more):
    return error(vip, errors(vip)[3][1], headers(reply(vip, l4, port)), **more)


# ---- errors, through the director --------------------------------------------------------------


def kinds(world):
    """Every kind, long quotes and short ones, in l2 and l3, out of the same and of another interface."""
    port = 100
    for vip, _, family, own in FAMILIES:
        for mode in ("l2", "l3"):
            for l4, layer, protocol in L4:
                for dev, reason in (("d0", "tx"), ("d1", "redirect")):
                    port += 1
                    service = world.service(vip, port, protocol, [world.backend(own, mode, world.hop(dev))])
                    name = f"{mode} {family} {protocol} by {dev}"
                    for what, icmp in errors(vip):
                        quoted = reply(vip, layer, port)
                        dispatched(f"error: {what}, {name}", error(vip, icmp, quoted), service, reason)
                        data = error(vip, icmp, headers(quoted))
                        dispatched(f"error: {what}, 8 bytes, {name}", data, service, reason)


def right_backend(world):
    """The one that has the flow, among many."""
    for vip, client, family, own in FAMILIES:
        many = [world.backend(f"{own[:-1]}{i}", "l3", world.hop("d1")) for i in range(8)]
        service = world.service(vip, 200, "tcp", many)
        for i, data in enumerate(random_flows(16, vip, lambda sport: tcp(200, sport=sport), 7)):
            ip = Ether(data)[IPv6 if vip == VIP6 else IP]
            quoted = headers(reply(vip, TCP, 200, ip.sport, ip.src))
            backend = service.backend_of(data)
            dispatched(f"error {family}: the flow itself, {i}", data, service, "redirect", backend)
            sent = error(vip, errors(vip)[3][1], quoted)
            dispatched(f"error {family}: about it goes the same way, {i}", sent, service, "redirect", backend)
        several = [world.hop("d1"), world.hop("d0"), world.hop("d1")]
        service = world.service(vip, 201, "tcp", [world.backend(own, "l3", *several)])
        case(f"error {family}: any port of a service", an_error(vip, 999), "pass_icmp")


def lookups(world):
    """An any-port service is found as for its packets."""
    say("knobs", 1, 0)
    for vip, _, family, own in FAMILIES:
        service = world.service(vip, 0, "udp", [world.backend(own, "l2", world.hop("d1"))])
        dispatched(f"error {family}: of an any-port service", an_error(vip, 777, UDP), service, "redirect")
    say("knobs", 0, 0)


def transitions(world):
    """A slot in transition: known flows stay, others are the backend's before; nothing is remembered."""
    for vip, client, family, own in FAMILIES:
        now, before, other = (world.backend(own, "l2", world.hop("d1"), left=True) for _ in range(3))
        for l4, layer, protocol in L4:
            service = world.service(vip, 300, protocol, [now] * 4)
            world.moves(service, now, before)
            name = f"error {family} {protocol} in a moving slot"
            sent = an_error(vip, 300, layer)
            flow = (client, 40000, 300, service.index)
            dispatched(f"{name}: of an unknown flow", sent, service, "redirect", before)
            for table in ("fresh", "flow"):
                say("check", f"{name}: leaves no trace in {table}".replace(" ", "_"), table, *flow, 0)
            say("check", f"{name}: does not count for the backend before".replace(" ", "_"), "seen", before.index, 1)
            say("fresh", *flow, now.index)
            dispatched(f"{name}: of a new flow", sent, service, "redirect", now)
            say("check", f"{name}: makes it no older".replace(" ", "_"), "flow", *flow, 0)
            say("flow", *flow, other.index)
            dispatched(f"{name}: of a known flow", sent, service, "redirect", other)
            quoted = headers(reply(vip, layer, 300, 40001))
            sent = error(vip, errors(vip)[3][1], quoted)
            world.moves(service, now, before, "closed")
            last = now if protocol == "udp" else before
            dispatched(f"{name}: of an unknown flow, closed", sent, service, "redirect", last)
            world.moves(service, None, before)
            dispatched(f"{name}: nobody takes new flows", sent, service, "redirect", before)
            gone = world.backend(own, "none")
            world.moves(service, now, gone)
            dispatched(f"{name}: who was before is gone", sent, service, "redirect", now)


def randoms(world):
    """With `random` only the table knows."""
    for vip, client, family, own in FAMILIES:
        some = [world.backend(own, "l2", world.hop("d1")) for _ in range(3)]
        service = world.service(vip, 400, "tcp", some, "random")
        case(f"error {family} random: of an unknown flow", an_error(vip, 400), "pass_icmp")
        flow = (client, 40000, 400, service.index)
        say("check", f"error {family} random: is not dealt".replace(" ", "_"), "fresh", *flow, 0)
        say("flow", *flow, some[2].index)
        dispatched(f"error {family} random: of a known flow", an_error(vip, 400), service, "redirect", some[2])
        for i in range(len(some)):
            say("slot", service.ring + i, 0)
        dispatched(f"error {family} random: nobody takes new flows", an_error(vip, 400), service, "redirect", some[2])
        world.service(vip, 401, "tcp", [None, None], "random")
        case(f"error {family} random: of no backend", an_error(vip, 401), "pass_icmp")


def not_forwarded(world):
    """Errors about no flow, and what only looks like one, pass as they came."""
    for vip, client, family, own in FAMILIES:
        world.service(vip, 500, "tcp", [world.backend(own, "l3", world.hop("d1"))])
        world.service(vip, 501, "tcp", [None])
        world.service(vip, 502, "tcp", [])
        other = OTHER6 if vip == VIP6 else OTHER4
        quoted = headers(reply(vip, TCP, 500))
        icmp = errors(vip)[0][1]
        name = f"error {family} passes:"
        case(f"{name} another port", an_error(vip, 499), "pass_icmp")
        case(f"{name} another protocol", an_error(vip, 500, UDP), "pass_icmp")
        case(f"{name} no backend", an_error(vip, 501), "pass_icmp")
        case(f"{name} no slots", an_error(vip, 502), "pass_icmp")
        case(f"{name} quotes another source", an_error(vip, 500, to=other), "pass_icmp")
        turned = headers(bytes((IPv6 if vip == VIP6 else IP)(src=client, dst=vip) / TCP(sport=40000, dport=500)))
        case(f"{name} quotes the client's packet", error(vip, icmp, turned), "pass_icmp")
        group = Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff")
        case(f"{name} to all on the link", error(vip, icmp, quoted, ether=group), "pass_icmp")
        for size in (0, 1, 19, len(quoted) - 8, len(quoted) - 7, len(quoted) - 1):
            case(f"{name} {size} bytes quoted", error(vip, icmp, quoted[:size]), "pass_icmp")
        data = error(vip, icmp, quoted[:-1]) + b"\0\0"
        case(f"{name} padding is no quote", data, "pass_icmp")
        version = bytes([quoted[0] ^ 0x30]) + quoted[1:]
        case(f"{name} another version quoted", error(vip, icmp, version), "pass_icmp")
        data = error(vip, icmp, quoted, ttl=1) if vip == VIP4 else error(vip, icmp, quoted, hlim=1)
        case(f"{name} its TTL is used up", data, "pass_ttl")
    not_forwarded4(world)
    not_forwarded6(world)


def not_forwarded4(world):
    icmp = ICMP(type=3, code=1)
    quoted = headers(reply(VIP4, TCP, 500))
    for ihl in (0, 4, 15):
        data = error(VIP4, icmp, bytes([0x40 | ihl]) + quoted[1:])
        case(f"error v4 passes: quoted header of {ihl} words", data, "pass_icmp")
    later = headers(reply(VIP4, TCP, 500, frag=10))
    case("error v4 passes: a later fragment quoted", error(VIP4, icmp, later), "pass_icmp")
    service = world.service(VIP4, 510, "tcp", [world.backend(BACKEND4, "l2", world.hop("d1"))])
    first = headers(reply(VIP4, TCP, 510, flags="MF"))
    dispatched("error v4: the first fragment quoted", error(VIP4, icmp, first), service, "redirect")
    options = headers(reply(VIP4, TCP, 510, options=[IPOption_NOP()] * 40))
    dispatched("error v4: a quoted header with options", error(VIP4, icmp, options), service, "redirect")
    data = error(VIP4, icmp, headers(reply(VIP4, TCP, 510)), options=[IPOption_NOP()] * 40)
    dispatched("error v4: with options itself", data, service, "redirect")
    case("error v4 passes: a fragment itself", error(VIP4, icmp, quoted, flags="MF"), "pass_fragment")
    for number, what in ((4, "source quench"), (5, "redirect"), (0, "echo reply"), (13, "timestamp"), (200, "unknown")):
        case(f"ICMP type {number}, {what}", error(VIP4, ICMP(type=number), quoted), "pass_protocol")
    for cut in (34, 41):
        data = bytearray(error(VIP4, icmp, quoted)[:cut])
        case(f"ICMP cut at {cut}, as its length does not say", bytes(data), "pass_malformed")
        data[16:18] = (cut - 14).to_bytes(2, "big")
        case(f"ICMP cut at {cut}", bytes(data), "pass_malformed")


def not_forwarded6(world):
    icmp = ICMPv6DestUnreach()
    quoted = reply(VIP6, TCP, 500)
    for number, what in ((0, "reserved"), (5, "unknown error"), (129, "echo reply"), (133, "router solicitation")):
        data = bytearray(error(VIP6, icmp, quoted))
        data[54] = number
        case(f"ICMPv6 type {number}, {what}", bytes(data), "pass_protocol")
    inner = IPv6(quoted)
    with_options = bytes(IPv6(src=VIP6, dst=CLIENT6) / IPv6ExtHdrDestOpt() / inner[TCP])
    case("error v6 passes: an extension header quoted", error(VIP6, icmp, with_options), "pass_icmp")
    fragment = bytes(IPv6(src=VIP6, dst=CLIENT6) / IPv6ExtHdrFragment(m=1) / inner[TCP])
    case("error v6 passes: a fragment quoted", error(VIP6, icmp, fragment), "pass_icmp")
    for cut in (54, 61):
        data = bytearray(error(VIP6, icmp, headers(quoted))[:cut])
        case(f"ICMPv6 cut at {cut}, as its length does not say", bytes(data), "pass_malformed")
        data[18:20] = (cut - 54).to_bytes(2, "big")
        case(f"ICMPv6 cut at {cut}", bytes(data), "pass_malformed")
    case("ND for the VIP's own link", bytes(ETHER / IPv6(dst=VIP6, hlim=255) / ICMPv6ND_NS(tgt=VIP6)), "pass_protocol")


def in_tunnels(world):
    """Whole, spread by the flow's hash; in IPv6 with a right UDP checksum."""
    port = 600
    for mode, vip, inside, to, outside in COMBINATIONS:
        for l4, layer, protocol in L4:
            port += 1
            service = world.service(vip, port, protocol, [world.backend(to, mode, world.hop("d1"))])
            for what, quoted in (("short", headers(reply(vip, layer, port))), ("long", reply(vip, layer, port))):
                for kind, icmp in errors(vip):
                    data = error(vip, icmp, quoted)
                    out = with_macs(data, service.backend.hops[0])
                    out = wrapped(out, mode, to, flow=frame(vip, l4(port)))
                    name = f"error in {mode}: {kind}, {inside} in {outside} {protocol}, {what}"
                    dispatched(name, data, service, "redirect", out=out)
        small = world.service(vip, port + 100, "tcp", [world.backend(to, mode, world.hop("d1", 70))])
        case(f"error in {mode}, {inside} in {outside}, too big is told nobody", an_error(vip, port + 100),
             "drop_too_big")
        assert small


def into_vlans(world):
    for vip, _, family, own in FAMILIES:
        service = world.service(vip, 900, "tcp", [world.backend(own, "l3", world.hop("d1", 1500, 7))])
        data = an_error(vip, 900)
        out = service.backend.comes_out(data)
        dispatched(f"error {family} into a VLAN", data, service, "redirect", out=out[:12] + b"\x81\x00\x00\x07" + out[12:])


def events(world):
    """The flow's addresses and ports, and whom its error went to."""
    say("knobs", 0, 100)
    for vip, client, family, own in FAMILIES:
        service = world.service(vip, 905, "tcp", [world.backend(own, "l3", world.hop("d1"))])
        event = (f"redirect service {service.index} backend {service.backend.index} tcp "
                 f"{client} 40000 > {vip} 905 missed 0")
        dispatched(f"error {family} event", an_error(vip, 905), service, "redirect", events=[event])
    say("knobs", 0, 0)


def locals_(world):
    for vip, _, family, own in FAMILIES:
        service = world.service(vip, 910, "tcp", [world.backend(own, "local")])
        data = an_error(vip, 910)
        dispatched(f"error {family} for this node", data, service, "local", out=data)


def marks(world):
    """l3 with a DSCP: the mark goes on, and ICMPv6's checksum follows the destination."""
    for vip, _, family, own in FAMILIES:
        service = world.service(vip, 920, "tcp", [world.backend(own, "l3", world.hop("d1"), dscp=46)])
        data = an_error(vip, 920)
        dispatched(f"error {family} with a DSCP", data, service, "redirect",
                   out=with_macs(marked_error(data, own, 46), service.backend.hops[0]))


def marked_error(data, address, dscp, ttl_down=1):
    packet = Ether(with_destination(data, address, ttl_down))
    if IPv6 in packet:
        packet[IPv6].tc = dscp << 2
        del packet[IPv6].payload.cksum
        return bytes(packet)
    packet[IP].tos = dscp << 2
    del packet[IP].chksum
    return bytes(packet)


def by_the_fib(world):
    """No path: as for the flow's packets."""
    for family, (vip, _, name, _) in enumerate(FAMILIES):
        for mode in ("l2", "l3"):
            for number, dev, reason in ((20, 1, "fib_redirect"), (20, 0, "fib_tx")):
                to = host(dev, family, number)
                port = 930 + dev + (10 if mode == "l3" else 0)
                service = world.service(vip, port, "tcp", [world.backend(to, mode)])
                data = an_error(vip, port)
                out = with_macs(data, neighbour_macs(dev, family))
                out = with_destination(out, to, 1) if mode == "l3" else out
                dispatched(f"error {name} {mode} by the FIB of d{dev}", data, service, reason, out=out)
        to = host(1, family, 21)
        service = world.service(vip, 950, "tcp", [world.backend(to, "l3")])
        data = an_error(vip, 950)
        dispatched(f"error {name} to the kernel", data, service, "kernel", out=with_destination(data, to))
        service = world.service(vip, 951, "tcp", [world.backend(to, "l3", dscp=10)])
        data = an_error(vip, 951)
        dispatched(f"error {name} with a DSCP to the kernel", data, service, "kernel", out=marked_error(data, to, 10, 0))
        world.service(vip, 952, "tcp", [world.backend(BLACKHOLE[family], "l3")])
        case(f"error {name} to nowhere", an_error(vip, 952), "drop_no_route")


# ---- errors, at the backend --------------------------------------------------------------------


def restored(program, tag):
    for vip, _, family, own in FAMILIES:
        for l4, layer, protocol in L4:
            for what, icmp in errors(vip):
                for size, quoted in (("long", reply(vip, layer, 80)), ("short", headers(reply(vip, layer, 80)))):
                    data = error(vip, icmp, quoted)
                    sent = with_destination(data, own, 1)
                    out = with_destination(sent, vip)
                    case(f"error restored: {what}, {family} {protocol} {size}{tag}", sent, "restored", out,
                         program=program)
            name = f"error not restored, {family} {protocol}{tag}:"
            passing = [("another port", an_error(vip, 81, layer, to=own)), ("to the VIP", an_error(vip, 81, layer))]
            passing += [("another VIP quoted", error(vip, icmp, headers(reply(THIRD[vip], layer, 80)), to=own))]
            passing += [("own address quoted", error(vip, icmp, headers(reply(own, layer, 80)), to=own))]
            passing += [("to another address", an_error(vip, 80, layer, to=THIRD[vip]))]
            passing += [("cut short", error(vip, icmp, headers(reply(vip, layer, 80))[:-1], to=own))]
            for what, data in passing:
                case(f"{name} {what}", data, "pass_icmp", program=program)
        wild = OTHER6 if vip == VIP6 else OTHER4
        sent = error(vip, errors(vip)[0][1], headers(reply(wild, TCP, 777)), to=own)
        out = Ether(error(vip, errors(vip)[0][1], headers(reply(wild, TCP, 777)), to=wild))
        case(f"error restored: any port, {family}{tag}", keep_sum(sent, bytes(out)), "restored", bytes(out), program=program)


def keep_sum(sent, whole):
    """The ICMPv6 checksum of `whole` in the frame `sent`: as a director leaves it."""
    return edited(sent, 56, whole[56:58]) if sent[12:14] == b"\x86\xdd" else sent


def restored_by_mark(program, tag):
    for vip, _, family, own in FAMILIES:
        other = OTHER6 if vip == VIP6 else OTHER4
        for address, dscp in ((vip, 10), (other, 63)):
            plain = error(vip, errors(vip)[3][1], headers(reply(address, TCP, 80)), to=address)
            sent = marked_error(plain, own, dscp)
            out = marked_error(plain, address, dscp)
            case(f"error restored by DSCP {dscp}, {family}{tag}", sent, "restored", out, program=program)
        plain = error(vip, errors(vip)[3][1], headers(reply(THIRD[vip], TCP, 80)), to=own)
        case(f"error with a DSCP for another VIP, {family}{tag}", marked_error(plain, own, 10), "pass_icmp",
             program=program)


def backend():
    for options, program, tag in (((), "backend", ""), (("restore",), "director", " (both)")):
        World(*options)
        for vip, _, _, own in FAMILIES:
            other = OTHER6 if vip == VIP6 else OTHER4
            for protocol in ("tcp", "udp"):
                say("restore", own, 80, protocol, vip)
            say("restore", own, 0, "tcp", other)
            say("dscp", own, 10, vip)
            say("dscp", own, 63, other)
        ends()
        restored(program, tag)
        restored_by_mark(program, tag)
        for mode, vip, inside, to, outside in COMBINATIONS:
            data = an_error(vip, 80)
            sent = wrapped(data, mode, to, flow=frame(vip, tcp(80)))
            case(f"error out of {mode} {inside} in {outside}{tag}", sent, "decapsulated", unwrapped(data), program=program)
        for vip, _, family, _ in FAMILIES:
            case(f"echo at a backend, {family}{tag}", echo(vip), "pass_protocol", program=program)


# ---- echo --------------------------------------------------------------------------------------


def echo(vip, payload=b"ping, and some more", ether=ETHER, client=None, **more):
    if ":" in vip:
        icmp = ICMPv6EchoRequest(id=7, seq=9, data=payload)
        return bytes(ether / IPv6(src=client or CLIENT6, dst=vip, **more) / icmp)
    return bytes(ether / IP(src=client or CLIENT4, dst=vip, **more) / ICMP(type=8, id=7, seq=9) / Raw(payload))


def answer(data):
    """What a host would make of an echo request, header checksums computed anew."""
    packet = Ether(data)
    packet.src, packet.dst = packet.dst, packet.src
    ip = packet[IPv6] if IPv6 in packet else packet[IP]
    ip.src, ip.dst = ip.dst, ip.src
    if IPv6 in packet:
        ip.hlim = 64
        request = packet[ICMPv6EchoRequest]
        ip.payload = ICMPv6EchoReply(id=request.id, seq=request.seq, data=request.data)
        return bytes(packet)
    ip.ttl = 64
    packet[ICMP].type = 0
    del ip.chksum
    del packet[ICMP].chksum
    return bytes(packet)


def echoes(world):
    for vip, client, family, own in FAMILIES:
        service = world.service(vip, 80, "tcp", [world.backend(own, "l2", world.hop("d1"))])
        name = f"echo {family}"
        case(f"{name} to what is no VIP yet", echo(vip), "pass_protocol")
        say("address", vip, service.index)
        case(f"{name} while nothing is active", echo(vip), "drop_echo")
        say("address", vip, service.index, "answers")
        for size in (0, 1, 2, 55, 56, 1400):
            data = echo(vip, bytes(i * 31 & 0xFF for i in range(size)))
            case(f"{name} of {size} bytes", data, "echoed", answer(data))
        for ttl in (1, 2, 63, 64, 255):
            data = echo(vip, **({"hlim": ttl} if vip == VIP6 else {"ttl": ttl}))
            case(f"{name} TTL {ttl}", data, "echoed", answer(data))
        data = echo(vip, **({"tc": 0xB9, "fl": 0x12345} if vip == VIP6 else {"tos": 0xB9, "id": 0x1234, "flags": "DF"}))
        case(f"{name} keeps class and identification", data, "echoed", answer(data))
        data = echo(vip)
        at = 56 if vip == VIP6 else 36
        case(f"{name} padded", data + b"\xa5" * 9, "echoed", answer(data) + b"\xa5" * 9)
        for value in (0, 1, 0x07FF, 0x0800, 0xF7FF, 0xFFFF):
            payload = value.to_bytes(2, "big")
            case(f"{name} with data {value:#06x}", echo(vip, payload), "echoed", answer(echo(vip, payload)))
        right = int.from_bytes(answer(data)[at : at + 2], "big")
        before = int.from_bytes(data[at : at + 2], "big")
        wrong = edited(data, at, (before ^ 0x0101).to_bytes(2, "big"))
        case(f"{name} with a wrong checksum stays wrong", wrong, "echoed",
             edited(answer(data), at, patched(right, before, before ^ 0x0101)))
        other = OTHER6 if vip == VIP6 else OTHER4
        case(f"{name} to another address", echo(other), "pass_protocol")
        group = Ether(src=CLIENT_MAC, dst="ff:ff:ff:ff:ff:ff")
        case(f"{name} to all on the link", echo(vip, ether=group), "pass_protocol")
        nobodies = ("::", "ff02::1") if vip == VIP6 else ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255")
        for nobody in nobodies:
            case(f"{name} from {nobody}", echo(vip, client=nobody), "pass_protocol")
    case("echo v4 with options", echo(VIP4, options=[IPOption_NOP()] * 4), "pass_protocol")
    case("echo v4 fragment", echo(VIP4, flags="MF"), "pass_fragment")
    case("echo v4 cut short", echo(VIP4, b"")[:-1], "pass_malformed")
    case("echo v6 cut short", echo(VIP6, b"")[:-1], "pass_malformed")


def patched(right, before, after):
    """The checksum `right` of what had `before` in it, with `after` there: both are one's complement sums."""
    total = (right + after - before) % 0xFFFF
    return total.to_bytes(2, "big")


# ---- too big -----------------------------------------------------------------------------------


def sized(vip, port, l3_bytes, l4=udp, **more):
    empty = len(frame(vip, l4(port), payload=b"")) - 14
    return frame(vip, l4(port), payload=(bytes(range(251)) * 8)[: l3_bytes - empty], **more)


def df(vip, **more):
    return more if vip == VIP6 else {"flags": "DF", **more}


def tellings(world):
    port = 1000
    for vip, _, family, own in FAMILIES:
        for mode in ("l2", "l3"):
            for mtu in (1281, 1300, 1400, 1499) + ((300, 500, 548, 576, 577) if vip == VIP4 else ()):
                port += 1
                world.service(vip, port, "udp", [world.backend(own, mode, world.hop("d1", mtu))])
                for size in (mtu + 1, 1500):
                    if size != 1500 or mtu != 1499:
                        data = sized(vip, port, size, **df(vip))
                        too_big(f"told {mode} {family}: {size} over {mtu}", data, mtu)
                too_big(f"told {mode} {family}: padded, over {mtu}", sized(vip, port, mtu + 1, **df(vip)) + b"\0\0\0", mtu)
        backend_ = world.backend(own, "l3", world.hop("d1", 1400), mtu=1350)
        world.service(vip, 1100, "tcp", [backend_])
        too_big(f"told {family}: the route's MTU", sized(vip, 1100, 1500, tcp, **df(vip)), 1350)
        if vip == VIP4:
            data = sized(vip, 1100, 1500, tcp, options=[IPOption_NOP()] * 40, flags="DF", tos=0xFF)
            too_big("told v4: with options", data, 1350)


def tunnels(world):
    """What the tunnel adds is not told: it is the sender's own packet that has to shrink."""
    port = 1200
    for mode, vip, inside, to, outside in COMBINATIONS:
        port += 1
        world.service(vip, port, "udp", [world.backend(to, mode, world.hop("d1", 1500))])
        fits = 1500 - (40 if ":" in to else 20) - (8 if mode == "gue" else 0)
        for size in (fits + 1, 1500):
            too_big(f"told {mode} {inside} in {outside}: {size} bytes", sized(vip, port, size, **df(vip)), fits)


def smallest(world):
    """IPv6 may count on 1280 bytes."""
    for mtu, fits in ((1280, True), (1279, False), (1000, False)):
        world.service(VIP6, 1300 + mtu, "udp", [world.backend(BACKEND6, "l2", world.hop("d1", mtu))])
        data = sized(VIP6, 1300 + mtu, 1400)
        case(f"IPv6 over {mtu} bytes", data, "told_too_big" if fits else "drop_small_mtu", told(data, mtu) if fits else None)


def untold(world):
    world.service(VIP4, 1400, "udp", [world.backend(BACKEND4, "l2", world.hop("d1", 1400))])
    world.service(VIP6, 1400, "udp", [world.backend(BACKEND6, "l2", world.hop("d1", 1400))])
    case("too big without DF", sized(VIP4, 1400, 1500), "drop_too_big")
    for client in ("0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255"):
        data = sized(VIP4, 1400, 1500, flags="DF", client=client)
        case(f"too big, from {client}", data, "drop_too_big")
    for client in ("::", "ff02::5"):
        case(f"too big, from {client}", sized(VIP6, 1400, 1500, client=client), "drop_too_big")


def limited():
    """So many, and no more."""
    world = World()
    say("egress d1")
    for vip, _, family, own in FAMILIES:
        world.service(vip, 1500, "udp", [world.backend(own, "l2", world.hop("d1", 1400))])
    say("telling", 2)
    for i, (vip, family) in enumerate(((VIP4, "v4"), (VIP6, "v6"))):
        too_big(f"telling: the credit allows {family}", sized(vip, 1500, 1500, **df(vip)), 1400)
    for vip, family in ((VIP4, "v4"), (VIP6, "v6")):
        case(f"telling: and no more {family}", sized(vip, 1500, 1500, **df(vip)), "drop_too_big_limit")
    case("telling: what is not told costs nothing", sized(VIP4, 1500, 1500), "drop_too_big")


def facts():
    world = World("flows", 4096)
    say("egress d1")
    sources()
    for part in (kinds, right_backend, lookups, randoms, not_forwarded, into_vlans, events, locals_, marks, by_the_fib,
                 transitions, in_tunnels, echoes, smallest, untold, tellings, tunnels):
        part(world)
    limited()
    backend()
