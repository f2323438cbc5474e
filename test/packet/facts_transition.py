# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Slots in transition: who goes to the backend now, who to the one before, and what is remembered of it."""

from facts import CLIENT4, CLIENT6, VIP4, VIP6, World, case, dispatched, frame, say, tcp, udp

FAMILIES = ((VIP4, CLIENT4, "v4"), (VIP6, CLIENT6, "v6"))

SYN, SYN_ACK, ACK, FIN, RST = "S", "SA", "A", "FA", "R"


def checked(name, *what):
    say("check", name.replace(" ", "_"), *what)


def quic(first=0xC0, version=1, size=1200):
    return (bytes([first]) + version.to_bytes(4, "big")).ljust(size, b"\0")


class Move:
    """A service all of whose slots move from `before` to `now`."""

    def __init__(self, world, vip, port, protocol="tcp", closed=(), mode="l2", owner=1):
        self.vip, self.port, self.world = vip, port, world
        self.now, self.before, self.other = (
            world.backend(f"198.51.100.{i}", mode, world.hop("d1"), owner=owner, left=True) for i in (30, 31, 32)
        )
        self.service = world.service(vip, port, protocol, [self.now] * 4)
        self.slots(self.now, self.before, *closed)

    def slots(self, now, before, *closed):
        self.world.moves(self.service, now, before, *closed)

    def goes(self, name, l4, backend, payload=b"hello"):
        dispatched(name, frame(self.vip, l4, payload), self.service, "redirect", backend)

    def tcp(self, name, flags, backend, sport=40000):
        self.goes(name, tcp(self.port, sport=sport, flags=flags), backend)

    def udp(self, name, backend, sport=40000, payload=b"hello"):
        self.goes(name, udp(self.port, sport=sport), backend, payload)

    def flow(self, client, sport=40000):
        return client, sport, self.port, self.service.index


def connections(world):
    """TCP: a SYN begins a flow, everything else goes on with one."""
    for vip, client, family in FAMILIES:
        move = Move(world, vip, 100)
        move.tcp(f"moving {family}: a SYN goes to the backend now", SYN, move.now)
        checked(f"moving {family}: and is remembered", "fresh", *move.flow(client), move.now.index)
        checked(f"moving {family}: but not yet as alive", "flow", *move.flow(client), 0)
        move.tcp(f"moving {family}: the SYN once more", SYN, move.now)
        checked(f"moving {family}: still not", "flow", *move.flow(client), 0)
        for flags, what in ((ACK, "the handshake's end"), (ACK, "data"), (FIN, "the end"), (RST, "a reset")):
            move.tcp(f"moving {family}: {what} follows the SYN", flags, move.now)
        checked(f"moving {family}: now it is alive", "flow", *move.flow(client), move.now.index)
        for flags in (ACK, SYN_ACK, FIN, RST):
            move.tcp(f"moving {family}: an unknown flow's {flags} goes to the backend before", flags, move.before, 41000)
        checked(f"moving {family}: which needs no memory", "fresh", *move.flow(client, 41000), 0)
        checked(f"moving {family}: nor any other", "flow", *move.flow(client, 41000), 0)


def overlaps(world):
    """Another change before the first is over: the slot goes on naming who was there when it began."""
    for vip, client, family in FAMILIES:
        move = Move(world, vip, 101)
        move.tcp(f"overlap {family}: a flow begins", SYN, move.now, 42000)
        move.tcp(f"overlap {family}: and goes on", ACK, move.now, 42000)
        move.tcp(f"overlap {family}: another only begins", SYN, move.now, 42001)
        move.slots(move.other, move.before)
        move.tcp(f"overlap {family}: the flow stays", ACK, move.now, 42000)
        move.tcp(f"overlap {family}: the other, too", ACK, move.now, 42001)
        move.tcp(f"overlap {family}: a SYN of a known flow, too", SYN, move.now, 42000)
        move.tcp(f"overlap {family}: the oldest flows stay", ACK, move.before, 42002)
        move.tcp(f"overlap {family}: new ones go to the newest", SYN, move.other, 42003)
        move.slots(move.before, move.before)
        move.tcp(f"overlap {family}: back, and the flow stays", ACK, move.now, 42000)
        move.tcp(f"overlap {family}: back, and the oldest stay", ACK, move.before, 42002)
        move.tcp(f"overlap {family}: back, and new ones are there, too", SYN, move.before, 42004)
        move.slots(None, move.before)
        move.tcp(f"overlap {family}: nobody takes new flows, the flow stays", ACK, move.now, 42000)
        move.tcp(f"overlap {family}: nobody takes new flows, the oldest stay", ACK, move.before, 42002)
        refused = frame(vip, tcp(101, sport=42005, flags=SYN))
        case(f"overlap {family}: nobody takes new flows", refused, "drop_no_backend")
        say("slot", move.service.ring, move.other.index)
        steady = world.service(vip, 102, "tcp", [move.other])
        dispatched(f"overlap {family}: a steady slot asks nobody", frame(vip, tcp(102, flags=ACK)), steady, "redirect")
        checked(f"overlap {family}: and keeps nothing", "fresh", client, 40000, 102, steady.index, 0)


def dead(world):
    """Who is gone keeps nothing: its flows go where there is somebody."""
    for vip, client, family in FAMILIES:
        move = Move(world, vip, 103)
        gone = world.backend("198.51.100.90", "none")
        foreign = world.backend("198.51.100.91", "l2", world.hop("d1"), owner=2)
        for backend, why in ((gone, "dead"), (foreign, "another service's")):
            say("flow", client, 43000, 103, move.service.index, backend.index)
            move.tcp(f"dead {family}: a flow remembered for {why}", ACK, move.before, 43000)
            say("fresh", client, 43001, 103, move.service.index, backend.index)
            move.tcp(f"dead {family}: a fresh one for {why}", ACK, move.before, 43001)
            move.tcp(f"dead {family}: which begins anew, for {why}", SYN, move.now, 43001)
        move.slots(move.now, gone)
        move.tcp(f"dead {family}: the backend before is", ACK, move.now, 43002)
        move.tcp(f"dead {family}: new flows do not mind", SYN, move.now, 43003)


def datagrams(world):
    """UDP cannot tell: to the backend before until all that was there has shown itself."""
    for vip, client, family in FAMILIES:
        move = Move(world, vip, 104, "udp")
        move.udp(f"udp {family}: unknown, to the backend before", move.before)
        checked(f"udp {family}: and remembered", "fresh", *move.flow(client), move.before.index)
        move.udp(f"udp {family}: known", move.before)
        checked(f"udp {family}: as alive", "flow", *move.flow(client), move.before.index)
        move.slots(move.now, move.before, "closed")
        move.udp(f"udp {family}: closed, the known one stays", move.before)
        move.udp(f"udp {family}: closed, an unknown one is new", move.now, 44001)
        checked(f"udp {family}: which is remembered, too", "fresh", *move.flow(client, 44001), move.now.index)
        move.slots(move.other, move.before, "closed")
        move.udp(f"udp {family}: closed and moved again, it stays", move.now, 44001)
        tcps = Move(world, vip, 105, closed=("closed",))
        tcps.tcp(f"udp {family}: closed is for datagrams, a connection may have been silent", ACK, tcps.before, 44002)


def initials(world):
    """QUIC says where a flow begins."""
    for vip, client, family in FAMILIES:
        move = Move(world, vip, 443, "udp")
        for i, (first, version) in enumerate(((0xC0, 1), (0xCF, 1), (0xD0, 0x6B3343CF), (0xDF, 0x6B3343CF))):
            sport = 45000 + i
            name = f"quic {family}: an Initial {first:x} of version {version:x}"
            move.udp(name, move.now, sport, quic(first, version))
            checked(f"{name} is remembered", "fresh", *move.flow(client, sport), move.now.index)
            move.udp(f"{name}, what follows", move.now, sport, b"\x40" + bytes(50))
            checked(f"{name} is alive then", "flow", *move.flow(client, sport), move.now.index)
        for i, (what, payload) in enumerate((
            ("Handshake", quic(0xE0)),
            ("0-RTT", quic(0xD0)),
            ("Retry", quic(0xF0)),
            ("short header", quic(0x40)),
            ("Initial of an unknown version", quic(0xC0, 2)),
            ("version 2's Retry", quic(0xC0, 0x6B3343CF)),
            ("Initial that is too short", quic(size=1199)),
            ("first byte alone", b"\xc0"),
            ("nothing", b""),
        )):
            move.udp(f"quic {family}: no Initial: {what}", move.before, 45100 + i, payload)


def seen(world):
    """What is being left is marked as seen, by its packets alone."""
    for vip, client, family in FAMILIES:
        move = Move(world, vip, 106)
        move.tcp(f"seen {family}: new flows", SYN, move.now, 46000)
        move.tcp(f"seen {family}: that go on", ACK, move.now, 46000)
        for backend, which in ((move.now, "now"), (move.before, "before")):
            checked(f"seen {family}: do not count for the backend {which}", "seen", backend.index, 1)
        move.tcp(f"seen {family}: an old flow", ACK, move.before, 46001)
        checked(f"seen {family}: counts", "seen", move.before.index, "renewed")
        say("flow", client, 46002, 106, move.service.index, move.other.index)
        move.tcp(f"seen {family}: a known flow", ACK, move.other, 46002)
        checked(f"seen {family}: counts, too", "seen", move.other.index, "renewed")
        quiet = world.backend("198.51.100.33", "l2", world.hop("d1"))
        move.slots(move.now, quiet)
        move.tcp(f"seen {family}: who is not being left", ACK, quiet, 46003)
        checked(f"seen {family}: is not marked", "seen", quiet.index, 0)
        back = world.backend("198.51.100.34", "l2", world.hop("d1"), left=True)
        move.slots(back, back)
        move.tcp(f"seen {family}: a slot that moved back", ACK, back, 46004)
        checked(f"seen {family}: leaves nobody", "seen", back.index, 1)


def other_records(world):
    """What is remembered is the service's, whichever record its port has: from `100/tcp` to `any/tcp`, and back."""
    for vip, _, family in FAMILIES:
        move = Move(world, vip, 110)
        former = move.service
        move.tcp(f"record {family}: a flow begins", SYN, move.now, 48000)
        move.tcp(f"record {family}: and goes on", ACK, move.now, 48000)
        move.tcp(f"record {family}: another only begins", SYN, move.now, 48001)
        move.service = world.record(vip, 110, "tcp", former)
        move.tcp(f"record {family}: another record, and the flow stays", ACK, move.now, 48000)
        move.tcp(f"record {family}: the other, too", ACK, move.now, 48001)
        move.tcp(f"record {family}: the oldest stay as well", ACK, move.before, 48002)
        world.vip(vip, 110, "tcp", former)
        move.service = former
        move.tcp(f"record {family}: back, and the flow stays", ACK, move.now, 48000)


def one_port_two_protocols(world):
    """A flow of one protocol is none of the other, for all that their ports are the same."""
    for vip, _, family in FAMILIES:
        move = Move(world, vip, 112)
        move.tcp(f"protocols {family}: a connection begins", SYN, move.now)
        move.tcp(f"protocols {family}: and goes on", ACK, move.now)
        move.service = world.record(vip, 112, "udp", move.service)
        move.udp(f"protocols {family}: a datagram is nothing of it", move.before)


def nobody_is_dealt(world):
    """Scheduler random: flows stay where they are also while nobody takes new ones."""
    for vip, _, family in FAMILIES:
        backends = [world.backend(f"198.51.100.{i}", "l2", world.hop("d1")) for i in (38, 39)]
        service = world.service(vip, 113, "tcp", backends[:1], "random")
        dispatched(f"nobody {family}: a flow begins", frame(vip, tcp(113, flags=SYN)), service, "redirect")
        say("slot", service.ring, backends[1].index)
        dispatched(f"nobody {family}: it stays", frame(vip, tcp(113, flags=ACK)), service, "redirect")
        say("slot", service.ring, 0)
        dispatched(f"nobody {family}: it stays where nobody is dealt", frame(vip, tcp(113, flags=ACK)), service, "redirect")
        refused = frame(vip, tcp(113, sport=48100, flags=SYN))
        case(f"nobody {family}: new ones go nowhere", refused, "drop_no_backend")


def storms():
    """Two million SYNs to a slot in transition, and nobody loses its backend."""
    for vip, _, family in FAMILIES:
        world = World("flows", 65536)
        move = Move(world, vip, 107)
        say("egress d1")
        move.tcp(f"storm {family}: a segment", ACK, move.before)
        syns = 2000000 if family == "v4" else 200000
        checked(f"storm {family}: flows before and flows now stay", "storm", 1000, syns)
        backends = [world.backend(f"198.51.100.{i}", "l2", world.hop("d1")) for i in (35, 36, 37)]
        service = world.service(vip, 109, "tcp", backends, "random")
        out = [backend.comes_out(frame(vip, tcp(109, flags=ACK))) for backend in backends]
        case(f"storm {family}: one dealt at random", frame(vip, tcp(109, flags=ACK)), "redirect", out, (service, None))
        checked(f"storm {family}: flows that were dealt stay", "storm", 1000, syns, "random")
        checked(f"storm {family}: the tables keep their size", "flows", 65536)


def routed():
    """The same where the destination is rewritten."""
    world = World("flows", 64)
    say("egress d1")
    l3 = {"v4": "198.51.100.", "v6": "2001:db8:2::"}
    for vip, _, family in FAMILIES:
        now, before = (world.backend(f"{l3[family]}{i}", "l3", world.hop("d1"), owner=7) for i in (40, 41))
        service = world.service(vip, 108, "tcp", [now])
        world.moves(service, now, before)
        dispatched(f"l3 {family}: a new flow", frame(vip, tcp(108, flags=SYN)), service, "redirect", now)
        dispatched(f"l3 {family}: goes on", frame(vip, tcp(108, flags=ACK)), service, "redirect", now)
        old = frame(vip, tcp(108, sport=47000, flags=ACK))
        dispatched(f"l3 {family}: an old flow", old, service, "redirect", before)


def facts():
    for part in (connections, overlaps, dead, datagrams, initials, seen, other_records, one_port_two_protocols,
                 nobody_is_dealt):
        world = World("flows", 4096)
        say("egress d1")
        part(world)
    routed()
    storms()
