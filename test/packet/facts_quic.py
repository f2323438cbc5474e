# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""QUIC packets go to the backend that their connection ID names, from whatever address they come (xdp/named.h)."""

from facts import CLIENT4, CLIENT6, VIP4, VIP6, World, case, dispatched, frame, say, slot_of, udp

FAMILIES = ((VIP4, CLIENT4, "v4"), (VIP6, CLIENT6, "v6"))

VERSION_1, VERSION_2 = 1, 0x6B3343CF
INITIAL, ZERO_RTT, HANDSHAKE, RETRY = range(4)
OWNER = 77


def short(cid, first=0x40, rest=24):
    """A packet with a short header: the connection ID, then `rest` bytes."""
    return bytes([first]) + cid + bytes(rest)


def long(kind, cid, version=VERSION_1, first=0xC0, size=0):
    """A packet with a long header. Version 2 numbers its types one higher (RFC 9369, 3.2)."""
    kind = (kind + (version == VERSION_2)) % 4
    head = bytes([first | kind << 4]) + version.to_bytes(4, "big") + bytes([len(cid)]) + cid + bytes([0])
    return head.ljust(max(size, len(head) + 24), b"\0")


class Named:
    """A service with four backends of ids, one slot for each, and a connection ID's layout."""

    def __init__(self, world, vip, port, offset=1, size=2, ids=(1, 2, 0xABCD, 0), flags=(), marked=(), owner=OWNER):
        self.world, self.vip, self.port, self.offset, self.size = world, vip, port, offset, size
        self.ids = [number & (1 << 8 * size) - 1 for number in ids]
        net = "2001:db8:2::" if ":" in vip else "198.51.100."
        self.backends = [
            world.backend(f"{net}{50 + i}", "l2", world.hop("d1"), owner=owner, left=True,
                          words=("id", number, *(["named"] if i in marked else [])))
            for i, number in enumerate(self.ids)
        ]
        self.service = world.service(vip, port, "udp", self.backends, *flags, "quic-id", offset, size, owner)
        for number, backend in zip(self.ids, self.backends):
            say("quic-id", owner, number, backend.index)

    def cid(self, number, length=8, first=0x07):
        """A connection ID that a server chose."""
        return (bytes([first]) * self.offset + number.to_bytes(self.size, "big")).ljust(max(length, self.offset + self.size), b"\xee")

    def frame(self, payload, sport=40000):
        return frame(self.vip, udp(self.port, sport=sport), payload)

    def goes(self, name, payload, backend, sport=40000):
        dispatched(name, self.frame(payload, sport), self.service, "redirect", backend)

    def by_ring(self, name, payload, sport=40000):
        data = self.frame(payload, sport)
        dispatched(name, data, self.service, "redirect", self.service.backend_of(data))

    def port_to(self, backend, payload=b""):
        """A client's port from which the ring leads to `backend`."""
        return next(port for port in range(40000, 41000) if self.backends[slot_of(self.frame(payload, port), 4)] is backend)


def other(named, backend):
    return next(each for each in named.backends if each is not backend)


def steady(world):
    """In midstream by the ID, from any address; what begins, and what names nobody, by the ring."""
    for vip, _, family in FAMILIES:
        named = Named(world, vip, 443)
        for number, backend in zip(named.ids, named.backends):
            away = named.port_to(other(named, backend))
            who = f"quic id {family}: {number:x}"
            named.goes(f"{who}, short header", short(named.cid(number)), backend, away)
            named.goes(f"{who}, fixed bit cleared", short(named.cid(number), 0x1F), backend, away)
            named.goes(f"{who}, an ID of 20 bytes", short(named.cid(number, 20)), backend, away)
            named.goes(f"{who}, an ID that is the id alone", short(named.cid(number, 0)), backend, away)
            for version in (VERSION_1, VERSION_2):
                handshake = long(HANDSHAKE, named.cid(number), version)
                named.goes(f"{who}, Handshake of version {version:x}", handshake, backend, away)
                greased = long(HANDSHAKE, named.cid(number), version, 0x80)
                named.goes(f"{who}, Handshake of version {version:x}, fixed bit cleared", greased, backend, away)
                for kind, what in ((INITIAL, "Initial"), (ZERO_RTT, "0-RTT"), (RETRY, "Retry")):
                    payload = long(kind, named.cid(number), version, size=1200)
                    named.by_ring(f"{who}, {what} of version {version:x}", payload, away)
            unknown = long(HANDSHAKE, named.cid(number), 0x1A2A3A4A)
            named.by_ring(f"{who}, a version that is not known", unknown, away)


def nobody(world):
    """What names nobody goes by the ring, whatever its bytes are."""
    for vip, _, family in FAMILIES:
        named = Named(world, vip, 444)
        away = named.port_to(named.backends[0])
        for what, payload in (
            ("an unknown id", short(named.cid(0x5555))),
            ("an unknown id, Handshake", long(HANDSHAKE, named.cid(0x5555))),
            ("nothing", b""),
            ("one byte", b"\x40"),
            ("an id and nothing else", b"\x40" + named.cid(2, 0)),
            ("a Handshake whose ID ends before the id does", long(HANDSHAKE, b"\x07\x00")),
            ("a Handshake without an ID", long(HANDSHAKE, b"")),
            ("a long header cut short", long(HANDSHAKE, named.cid(2))[:5]),
            ("a Handshake cut within its ID", long(HANDSHAKE, named.cid(2))[:8]),
        ):
            for sport in (away, named.port_to(named.backends[2])):
                named.by_ring(f"quic nobody {family}: {what}, from {sport}", payload, sport)
        padded = named.frame(b"\x40" + named.cid(2, 0), away) + bytes(24)
        dispatched(f"quic nobody {family}: an id that the datagram does not hold whole", padded, named.service, "redirect",
                   named.backends[0])


def layouts(world):
    """Wherever the id lies, and however long it is."""
    for vip, _, family in FAMILIES:
        layouts_of(world, vip, family)


def layouts_of(world, vip, family):
    for port, (offset, size) in enumerate(((0, 1), (1, 1), (0, 8), (12, 8), (19, 1), (3, 4), (1, 3)), 450):
        ids = tuple(0x1122334455667788 >> 8 * i for i in range(4))
        named = Named(world, vip, port, offset, size, ids, owner=OWNER + port)
        for number, backend in zip(named.ids, named.backends):
            away = named.port_to(other(named, backend))
            who = f"quic layout {family}: {size} bytes at {offset}, {number:x}"
            named.goes(who, short(named.cid(number)), backend, away)
            named.goes(f"{who}, Handshake", long(HANDSHAKE, named.cid(number)), backend, away)
            named.by_ring(f"{who}, one more", short(named.cid((number + 0x0F) % (1 << 8 * size))), away)


def lives(world):
    """Only who lives, of the same service, and still has that id."""
    for vip, _, family in FAMILIES:
        named = Named(world, vip, 470, owner=OWNER + 1)
        hop = world.hop("d1")
        dead = world.backend("198.51.100.90", "none", owner=OWNER + 1, words=("id", 20))
        foreign = world.backend("198.51.100.91", "l2", hop, owner=OWNER + 2, words=("id", 21))
        renamed = world.backend("198.51.100.92", "l2", hop, owner=OWNER + 1, words=("id", 23))
        for number, backend, what in ((20, dead, "is dead"), (21, foreign, "is another service's"), (22, renamed, "has another id now")):
            say("quic-id", OWNER + 1, number, backend.index)
            named.by_ring(f"quic lives {family}: who {what}", short(named.cid(number)))
        say("quic-id", OWNER + 1, 24, 250)
        named.by_ring(f"quic lives {family}: an empty record", short(named.cid(24)))
        say("quic-id", OWNER + 1, 25, 99999)
        named.by_ring(f"quic lives {family}: no record at all", short(named.cid(25)))
        # The same ids mean others' backends elsewhere.
        twin = Named(world, vip, 471, owner=OWNER + 3)
        away = twin.port_to(twin.backends[0])
        twin.goes(f"quic lives {family}: another service's own", short(twin.cid(2)), twin.backends[1], away)
        plain = world.service(vip, 472, "udp", twin.backends)
        data = frame(vip, udp(472), short(twin.cid(2)))
        dispatched(f"quic lives {family}: a service without ids", data, plain, "redirect", plain.backend_of(data))


def checked(name, *what):
    say("check", name.replace(" ", "_"), *what)


def moving(world):
    """In a transition: handshakes stay where they began, and named packets ask no slot."""
    for vip, client, family in FAMILIES:
        named = Named(world, vip, 480, owner=OWNER + 4)
        now, before, third, _ = named.backends
        world.moves(named.service, now, before)
        ids = dict(zip((now, before, third), named.ids))

        def flow(sport, service=named.service):
            return client, sport, 480, service.index

        for version in (VERSION_1, VERSION_2):
            who = f"quic moving {family}: version {version:x}"
            first = long(INITIAL, b"\x99" * 8, version, size=1200)
            sport = 42000 + version % 10
            named.goes(f"{who}, an Initial", first, now, sport)
            checked(f"{who}, is remembered", "fresh", *flow(sport), now.index)
            named.goes(f"{who}, the same again", first, now, sport)
            named.goes(f"{who}, the next, by the server's ID", long(INITIAL, named.cid(ids[now]), version, size=1200), now, sport)
            named.goes(f"{who}, 0-RTT with it", long(ZERO_RTT, b"\x99" * 8, version), now, sport)
            named.goes(f"{who}, Handshake", long(HANDSHAKE, named.cid(ids[now]), version), now, sport)
            old = long(INITIAL, named.cid(ids[before]), version, size=1200)
            named.goes(f"{who}, an Initial that names the backend before", old, before, sport + 100)
            checked(f"{who}, needs no memory", "fresh", *flow(sport + 100), 0)
            named.goes(f"{who}, which it keeps to", long(HANDSHAKE, named.cid(ids[before]), version), before, sport + 100)
            by_chance = long(INITIAL, named.cid(ids[third]), version, size=1200)
            named.goes(f"{who}, an Initial that names another begins", by_chance, now, sport + 200)
        named.goes(f"quic moving {family}: a short header that names the one now", short(named.cid(ids[now])), now, 43000)
        named.goes(f"quic moving {family}: a short header that names the one before", short(named.cid(ids[before])), before, 43001)
        named.goes(f"quic moving {family}: a short header that names a third", short(named.cid(ids[third])), third, 43002)
        for sport in (43000, 43001, 43002):
            checked(f"quic moving {family}: from {sport} nothing is remembered", "fresh", *flow(sport), 0)
            checked(f"quic moving {family}: from {sport} nothing at all", "flow", *flow(sport), 0)
        named.goes(f"quic moving {family}: an unknown id, as any datagram", short(named.cid(0x5555)), before, 43003)
        world.moves(named.service, None, before)
        named.goes(f"quic moving {family}: nobody takes new ones, the others go on", short(named.cid(ids[now])), now, 43004)
        refused = named.frame(long(INITIAL, b"\x99" * 8, size=1200), 43005)
        case(f"quic moving {family}: nobody takes new ones", refused, "drop_no_backend")


def seen(world):
    """Who is marked since it is gone from the file is kept by what names it. No slot is kept in transition by that."""
    for vip, _, family in FAMILIES:
        named = Named(world, vip, 490, marked=(1,), owner=OWNER + 5)
        for backend, number in zip(named.backends, named.ids):
            named.by_ring(f"quic seen {family}: {number:x} by chance", long(INITIAL, b"\x99" * 8, size=1200), named.port_to(backend))
            checked(f"quic seen {family}: {number:x} is as before", "named", backend.index, int(number == 2))
            named.goes(f"quic seen {family}: {number:x}", short(named.cid(number)), backend)
            checked(f"quic seen {family}: {number:x} is named", "named", backend.index, "renewed" if number == 2 else 0)
            checked(f"quic seen {family}: {number:x} is not marked as left", "seen", backend.index, 1)


def dealt(world):
    """With the scheduler random, too: named before remembered."""
    for vip, client, family in FAMILIES:
        named = Named(world, vip, 495, flags=("random",), owner=OWNER + 6)
        for number, backend in zip(named.ids, named.backends):
            who = f"quic random {family}: {number:x}"
            named.goes(who, short(named.cid(number)), backend)
            checked(f"{who} needs no memory", "fresh", client, 40000, 495, named.service.index, 0)


def empty(world):
    """A ring without slots: nobody takes new flows, and the others go on."""
    for vip, _, family in FAMILIES:
        named = Named(world, vip, 498, owner=OWNER + 7)
        say("service", named.service.index, named.service.ring, 0, "quic-id", 1, 2, OWNER + 7)
        named.goes(f"quic empty {family}: who is named", short(named.cid(2)), named.backends[1])
        case(f"quic empty {family}: nobody is", named.frame(short(named.cid(0x5555))), "drop_no_backend")


def modes(world):
    """The ID says who, the mode how: pick is before forward."""
    for vip, _, family in FAMILIES:
        net = "2001:db8:2::" if ":" in vip else "198.51.100."
        hops = [world.hop("d1") for _ in range(2)]
        backends = [world.backend(f"{net}{70 + i}", "l3", hop, owner=OWNER + 8, words=("id", i + 1)) for i, hop in enumerate(hops)]
        service = world.service(vip, 499, "udp", backends, "quic-id", 1, 1, OWNER + 8)
        for i, backend in enumerate(backends):
            say("quic-id", OWNER + 8, i + 1, backend.index)
            for sport in range(40000, 40004):
                data = frame(vip, udp(499, sport=sport), short(bytes([7, i + 1]).ljust(8, b"\0")))
                dispatched(f"quic l3 {family}: {i + 1} from {sport}", data, service, "redirect", backend)


def facts():
    # One for all, as programs are loaded for each: other services, and ids that are theirs alone meanwhile.
    world = World("flows", 4096)
    say("egress d1")
    for part in (steady, nobody, layouts, lives, moving, seen, dealt, empty, modes):
        part(world)
