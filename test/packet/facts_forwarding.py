# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is ours goes to its backend by the cached path: bytes, TTL, checksums, MTU, legs."""

import socket
import struct

from scapy.all import IP, UDP, Ether, IPOption_NOP

from facts import (
    PATH_ONE,
    VIP4,
    VIP6,
    World,
    bucket_at,
    bucket_of,
    buckets_tried,
    case,
    checksum_valid,
    dispatched,
    flow_hash,
    frame,
    hash_of_flow,
    random_flows,
    say,
    slot_at,
    tcp,
    too_big,
    udp,
    with_destination,
)

FAMILIES = ((VIP4, "v4", "198.51.100.11"), (VIP6, "v6", "2001:db8:2::11"))
L4 = ((tcp, "tcp"), (udp, "udp"))


def bytes_and_verdicts(world):
    """Both modes, families and protocols, out of the same and of another interface."""
    port = 1000
    for vip, family, address in FAMILIES:
        for l4, protocol in L4:
            for mode in ("l2", "l3"):
                for dev, reason in (("d0", "tx"), ("d1", "redirect")):
                    port += 1
                    service = world.service(vip, port, protocol, [world.backend(address, mode, world.hop(dev))])
                    name = f"{mode} {family} {protocol} by {dev}"
                    dispatched(name, frame(vip, l4(port)), service, reason)
                    dispatched(name + ", no payload", frame(vip, l4(port), payload=b""), service, reason)
                    padded = frame(vip, l4(port), payload=b"") + b"\xa5" * 20
                    dispatched(name + ", padded", padded, service, reason, out=padded_out(service, padded))


def padded_out(service, data):
    """Padding behind the packet goes along, untouched."""
    return service.backend.comes_out(data[:-20]) + data[-20:]


def l4_checksum_is_the_vips():
    """What with_destination builds is what is wanted: not valid as it is, valid with the VIP again."""
    for vip, _, address in FAMILIES:
        for l4, _ in L4:
            data = frame(vip, l4())
            out = with_destination(data, address, 1)
            assert checksum_valid(data) and not checksum_valid(out)
            assert checksum_valid(with_destination(out, vip))


def ttl(world):
    for vip, family, address in FAMILIES:
        routed = world.service(vip, 81, "tcp", [world.backend(address, "l3", world.hop("d1"))])
        switched = world.service(vip, 82, "tcp", [world.backend(address, "l2", world.hop("d1"))])
        for value in (2, 3, 64, 127, 128, 254, 255):
            dispatched(f"l3 {family} TTL {value}", frame(vip, tcp(81), ttl=value), routed, "redirect")
        for value in (0, 1):
            case(f"l3 {family} TTL {value} is left to the kernel by who has no address", frame(vip, tcp(81), ttl=value), "pass_ttl")
        for value in (0, 1, 2, 255):
            dispatched(f"l2 {family} leaves TTL {value}", frame(vip, tcp(82), ttl=value), switched, "redirect")


def header_checksum(world):
    """The patched checksum is the computed one, also where sums carry or wrap."""
    service = world.service(VIP4, 83, "udp", [world.backend("198.51.100.12", "l3", world.hop("d1"))])
    edge = world.service(VIP4, 84, "udp", [world.backend("255.255.255.254", "l3", world.hop("d1"))])
    low = world.service(VIP4, 85, "udp", [world.backend("0.0.0.1", "l3", world.hop("d1"))])
    for number in (0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF):
        for port, to in ((83, service), (84, edge), (85, low)):
            data = bytes(Ether(frame(VIP4, udp(port))))
            packet = Ether(data)
            packet[IP].id = number
            del packet[IP].chksum
            dispatched(f"header checksum with id {number} to {to.backend.address}", bytes(packet), to, "redirect")
    for wanted in (0x0000, 0x0001, 0x00FF, 0x0100, 0xFEFF, 0xFF00, 0xFFFE):
        packet = with_header_checksum(frame(VIP4, udp(83)), wanted)
        dispatched(f"header checksum {wanted:#06x}", packet, service, "redirect")


    rare = [value for value in range(0xFFFF) if carries_late(value, VIP4, service.backend.address)]
    assert rare
    for wanted in rare:
        packet = with_header_checksum(frame(VIP4, udp(83)), wanted)
        dispatched(f"header checksum {wanted:#06x}, a late carry", packet, service, "redirect")


def carries_late(check, old, new):
    """Does the patched sum still carry after two folds? Of 65,536 checksums only a few do."""
    old, new = (struct.unpack("=I", socket.inet_aton(address))[0] for address in (old, new))
    total = (socket.htons(check) ^ 0xFFFF) + (old ^ 0xFFFFFFFF) + new + socket.htons(0xFEFF)
    for _ in range(2):
        total = (total & 0xFFFF) + (total >> 16)
    return total > 0xFFFF


def with_header_checksum(data, wanted):
    """The packet with the identification chosen so that its header checksum is `wanted`."""
    packet = Ether(data)
    packet[IP].id = 0
    del packet[IP].chksum
    base = 0xFFFF - Ether(bytes(packet))[IP].chksum
    number = (0xFFFF - wanted - base) % 0xFFFF
    packet[IP].id = number
    out = bytes(packet)
    assert Ether(out)[IP].chksum == wanted, (wanted, Ether(out)[IP].chksum)
    return out


def ip_options(world):
    for mode in ("l2", "l3"):
        port = 86 if mode == "l2" else 87
        service = world.service(VIP4, port, "tcp", [world.backend("198.51.100.13", mode, world.hop("d1"))])
        for words in range(1, 11):
            data = frame(VIP4, tcp(port), options=[IPOption_NOP()] * 4 * words)
            assert data[14] == 0x45 + words
            dispatched(f"{mode} with ihl {5 + words}", data, service, "redirect")


def zero_udp_checksum(world):
    for vip, family, address in FAMILIES:
        for mode in ("l2", "l3"):
            port = 88 if mode == "l2" else 89
            service = world.service(vip, port, "udp", [world.backend(address, mode, world.hop("d1"))])
            data = bytearray(frame(vip, udp(port)))
            at = 14 + (20 if vip == VIP4 else 40) + 6
            data[at : at + 2] = b"\0\0"
            assert Ether(bytes(data))[UDP].chksum == 0
            dispatched(f"{mode} {family} UDP without a checksum", bytes(data), service, "redirect")


def sized(vip, port, l3_bytes):
    empty = len(frame(vip, udp(port), payload=b"")) - 14
    return frame(vip, udp(port), payload=b"x" * (l3_bytes - empty))


def mtu(world):
    for vip, family, address in FAMILIES:
        for mode in ("l2", "l3"):
            port = 90 if mode == "l2" else 91
            name = f"{mode} {family}"
            service = world.service(vip, port, "udp", [world.backend(address, mode, world.hop("d1", 1000))])
            dispatched(f"{name} exactly the MTU", sized(vip, port, 1000), service, "redirect")
            too_big(f"{name} one byte over the MTU", sized(vip, port, 1001), 1000)
            padded = sized(vip, port, 1000) + b"\0"
            out = service.backend.comes_out(padded[:-1]) + b"\0"
            dispatched(f"{name} padding is not the packet", padded, service, "redirect", out=out)
            service = world.service(vip, port + 10, "udp", [world.backend(address, mode, world.hop("d1", 0))])
            dispatched(f"{name} MTU unknown", sized(vip, port + 10, 1500), service, "redirect")


def other_family(world):
    """l2 needs MACs only; l3 cannot put an address of the other family into the packet."""
    for vip, family, other in ((VIP4, "v4", "2001:db8:2::14"), (VIP6, "v6", "198.51.100.14")):
        switched = world.service(vip, 102, "tcp", [world.backend(other, "l2", world.hop("d1"))])
        world.service(vip, 103, "tcp", [world.backend(other, "l3", world.hop("d1"))])
        dispatched(f"l2 {family} to a backend of the other family", frame(vip, tcp(102)), switched, "redirect")
        case(f"l3 {family} to a backend of the other family", frame(vip, tcp(103)), "drop_no_route")


def local(world):
    for vip, family, address in FAMILIES:
        service = world.service(vip, 104, "tcp", [world.backend(address, "local")])
        data = frame(vip, tcp(104), ttl=1)
        dispatched(f"the backend is this node, {family}", data, service, "local", out=data)


def without_backend(world):
    for vip, family, address in FAMILIES:
        idle = world.backend(address, "none", world.hop("d1"))
        world.service(vip, 105, "tcp", [])
        world.service(vip, 106, "tcp", [None])
        world.service(vip, 107, "tcp", [idle])
        say("vip", vip, 108, "tcp", 250)
        say("vip", vip, 109, "tcp", 100000)
        for port, name in (
            (105, "a ring without slots"),
            (106, "an empty slot"),
            (107, "a backend that is not active"),
            (108, "a service never written"),
            (109, "a service beyond the table"),
        ):
            case(f"{name}, {family}", frame(vip, tcp(port)), "drop_no_backend")


def tables_that_point_beyond(world):
    """Indexes that no table has end in a reason, never in another record."""
    say("service", 240, 250, 40)
    say("vip", VIP4, 110, "tcp", 240)
    for i, data in enumerate(random_flows(12, VIP4, lambda sport: tcp(110, sport=sport), 5)):
        case(f"a ring beyond the slots, flow {i}", data, "drop_no_backend")
    say("slot", 249, 100000)
    say("service", 241, 249, 1)
    say("vip", VIP4, 111, "tcp", 241)
    case("a slot beyond the backends", frame(VIP4, tcp(111)), "drop_no_backend")
    service = world.service(VIP4, 112, "tcp", [world.backend("198.51.100.1", "l2")])
    say("backend", service.backend.index, "192.0.2.99", "l2", 100000, 1)
    case("a path beyond the table asks the kernel", frame(VIP4, tcp(112)), "drop_no_neighbour")
    say("path", 200, *[9999] * 127)
    say("backend", service.backend.index, "192.0.2.99", "l2", 200, 1)
    case("a next hop beyond the table asks the kernel", frame(VIP4, tcp(112)), "drop_no_neighbour")
    say("path", 201)
    say("backend", service.backend.index, "192.0.2.99", "l2", 201, 1)
    case("a path without buckets asks the kernel", frame(VIP4, tcp(112)), "drop_no_neighbour")
    say("backend", service.backend.index, "192.0.2.99", "l2", PATH_ONE | 9999, 1)
    case("the one next hop beyond the table asks the kernel", frame(VIP4, tcp(112)), "drop_no_neighbour")


def any_port(world):
    for vip, family, address in FAMILIES:
        exact = world.service(vip, 443, "tcp", [world.backend(address, "l2", world.hop("d0"))])
        every = world.service(vip, 0, "tcp", [world.backend(address, "l2", world.hop("d1"))])
        say("knobs", 0, 0)
        dispatched(f"any port off: its own port, {family}", frame(vip, tcp(443)), exact, "tx")
        case(f"any port off: another port, {family}", frame(vip, tcp(5555)), "pass_not_ours")
        say("knobs", 1, 0)
        dispatched(f"any port on: the exact one first, {family}", frame(vip, tcp(443)), exact, "tx")
        dispatched(f"any port on: another port, {family}", frame(vip, tcp(5555)), every, "redirect")
        dispatched(f"any port on: port 65535, {family}", frame(vip, tcp(65535)), every, "redirect")
        case(f"any port on: the other protocol, {family}", frame(vip, udp(5555)), "pass_not_ours")
        say("knobs", 0, 0)


def egress_gone(world):
    """d2 is no target of a redirect: the cached path leads nowhere."""
    for vip, family, address in FAMILIES:
        for mode in ("l2", "l3"):
            port = 113 if mode == "l2" else 114
            world.service(vip, port, "tcp", [world.backend(address, mode, world.hop("d2"))])
            case(f"{mode} {family} the egress is not in the devmap", frame(vip, tcp(port)), "drop_egress")


def rings(world):
    """The flow selects the slot, the same on every director; a slot's backend gets it whole."""
    for vip, family, address in FAMILIES:
        for l4, protocol in L4:
            hop = world.hop("d1")
            backends = [world.backend(address, "l2", hop, world.hop("d1")) for _ in range(7)]
            service = world.service(vip, 115, protocol, backends)
            flows = random_flows(24, vip, lambda sport, l4=l4: l4(115, sport=sport), 1)
            for i, data in enumerate(flows):
                backend = service.backend_of(data)
                hop = backend.hops[bucket_of(data, 2)]
                dispatched(f"ring {family} {protocol} flow {i}", data, service, "redirect", backend, hop)


def legs(world):
    """Buckets of a path are flow-consistent, all of them are used, and each leg may leave elsewhere."""
    for vip, family, address in FAMILIES:
        for count in (2, 3, 31):
            hops = [world.hop("d0" if i % 2 else "d1") for i in range(count)]
            service = world.service(vip, 200 + count, "tcp", [world.backend(address, "l3", *hops)])
            seen = set()
            flows = random_flows(12, vip, lambda sport, port=200 + count: tcp(port, sport=sport), 2)
            for i, data in enumerate(flows):
                bucket = bucket_of(data, count)
                seen.add(bucket)
                for again in ("", ", again", ", another TTL"):
                    if again == ", another TTL":
                        data = with_destination(data, vip, 1)
                    reason = "tx" if hops[bucket].dev == "d0" else "redirect"
                    name = f"{count} legs {family} flow {i}{again}"
                    dispatched(name, data, service, reason, hop=hops[bucket])
            assert len(seen) > min(count, 12) // 2


def dead_legs():
    """The flows of dead legs, and no others, go on to what their steps meet first; with none left the kernel is asked."""
    for vip, family, address in FAMILIES:
        world = World()
        say("egress d1")
        for count, dead in ((2, {0}), (3, {0, 2}), (31, set(range(0, 31, 2))), (127, set(range(126)))):
            port = 400 + count
            hops = [world.hop("d1", 1500, *(["invalid"] if i in dead else [])) for i in range(count)]
            service = world.service(vip, port, "tcp", [world.backend(address, "l3", *hops)])
            moved = set()
            for i, data in enumerate(random_flows(12, vip, lambda sport, port=port: tcp(port, sport=sport), 3)):
                tried = buckets_tried(flow_hash(data), count)
                assert sorted(tried) == list(range(count)) and tried[0] == bucket_of(data, count)
                live = next(bucket for bucket in tried if bucket not in dead)
                moved |= {live} - {tried[0]}
                dispatched(f"{len(dead)} of {count} legs dead {family} flow {i}", data, service, "redirect", hop=hops[live])
            assert len(moved) > 1 or count - len(dead) <= 2  # they spread
        hops = [world.hop("d1", 1500, "invalid") for _ in range(3)]
        service = world.service(vip, 400, "tcp", [world.backend(address, "l2", *hops)])
        case(f"all legs dead asks the kernel {family}", frame(vip, tcp(400)), "drop_no_neighbour")


def hash_quality():
    """Slots and buckets are evenly filled and independent, with ports or addresses that just count up."""
    for base, size in ((0xC0000200, 4), (0x20010DB8 << 96, 16)):
        for by_port in (True, False):
            cells = [0] * 64
            for i in range(6400):
                client = base + (7 if by_port else i)
                sport = 20000 + (i if by_port else 0)
                cell = hash_of_flow(client.to_bytes(size, "big"), sport, 80, 6)
                cells[slot_at(cell, 8) * 8 + bucket_at(cell, 8)] += 1
            chi2 = sum((n - 100) ** 2 / 100 for n in cells)
            assert chi2 < 120, (size, by_port, chi2)  # 63 degrees of freedom: 1 in 10^5 lies above


def facts():
    l4_checksum_is_the_vips()
    hash_quality()
    world = World()
    say("egress d1")
    for part in (bytes_and_verdicts, ttl, header_checksum, ip_options, zero_udp_checksum, mtu, other_family):
        part(world)
    world = World()
    say("egress d1")
    for part in (local, without_backend, any_port, egress_gone, rings, legs):
        part(world)
    tables_that_point_beyond(world)
    dead_legs()
