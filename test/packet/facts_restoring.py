# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The backend's side: {own address, port, protocol} -> VIP, alone and on a node of both roles."""

from scapy.all import IP, UDP, Ether, IPOption_NOP

from facts import VIP4, VIP6, World, case, checksum_valid, dispatched, frame, say, tcp, udp, with_destination

OWN4, OWN6 = "198.51.100.11", "2001:db8:2::11"
PAIRS = ((VIP4, OWN4, "v4"), (VIP6, OWN6, "v6"))
L4 = ((tcp, "tcp"), (udp, "udp"))


def sent_by_a_director(vip, own, l4, **more):
    """A packet to the VIP after its way through a director: L4 checksum still the VIP's."""
    return with_destination(frame(vip, l4, **more), own, 1)


def restored(name, vip, own, l4, program, **more):
    """What goes up the stack is for the VIP, with a valid header and L4 checksum, TTL untouched."""
    data = sent_by_a_director(vip, own, l4, **more)
    out = with_destination(data, vip)
    assert checksum_valid(out) and not checksum_valid(data)
    case(name, data, "restored", out, program=program)


def tables():
    for vip, own, _ in PAIRS:
        say("restore", own, 80, "tcp", vip)
        say("restore", own, 80, "udp", vip)
    say("restore", OWN4, 0, "tcp", "203.0.113.20")
    say("restore", OWN6, 0, "tcp", "2001:db8:f::20")


def both_families(program, tag):
    for vip, own, family in PAIRS:
        for l4, protocol in L4:
            name = f"restore {family} {protocol}{tag}"
            restored(name, vip, own, l4(80), program)
            restored(f"{name} without payload", vip, own, l4(80), program, payload=b"")
            for ttl in (2, 255):
                restored(f"{name} TTL {ttl} on the way", vip, own, l4(80), program, ttl=ttl)
        other = "203.0.113.20" if family == "v4" else "2001:db8:f::20"
        restored(f"restore {family} any port{tag}", other, own, tcp(7777), program)
        restored(f"restore {family} the exact port first{tag}", vip, own, tcp(80), program)


def others_pass(program, tag):
    for vip, own, family in PAIRS:
        to_vip = frame(vip, tcp(80))
        name = f"{family}{tag}"
        case(f"not restored: to the VIP itself, {name}", to_vip, "pass_not_ours", program=program)
        case(f"not restored: no such port, {name}", frame(own, udp(81)), "pass_not_ours", program=program)
        far = "198.51.100.12" if family == "v4" else "2001:db8:2::12"
        case(f"not restored: another address, {name}", frame(far, tcp(80)), "pass_not_ours", program=program)


def odd_headers(program, tag):
    for words in (1, 5, 10):
        options = [IPOption_NOP()] * 4 * words
        restored(f"restore with ihl {5 + words}{tag}", VIP4, OWN4, tcp(80), program, options=options)
    for vip, own, family in PAIRS:
        data = bytearray(sent_by_a_director(vip, own, udp(80)))
        at = 14 + (20 if family == "v4" else 40) + 6
        data[at : at + 2] = b"\0\0"
        assert Ether(bytes(data))[UDP].chksum == 0
        name = f"restore {family} UDP without a checksum{tag}"
        case(name, bytes(data), "restored", with_destination(bytes(data), vip), program=program)
    for number in (0, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF):
        packet = Ether(sent_by_a_director(VIP4, OWN4, tcp(80)))
        packet[IP].id = number
        del packet[IP].chksum
        name = f"restore header checksum with id {number}{tag}"
        case(name, bytes(packet), "restored", with_destination(bytes(packet), VIP4), program=program)


def both_roles():
    """One node, both roles: what is restorable is restored first, all else is directed."""
    world = World("restore")
    tables()
    say("egress d1")
    both_families("director", " (both)")
    odd_headers("director", " (both)")
    others_pass("director", " (both)")
    for vip, own, family in PAIRS:
        service = world.service(vip, 80, "tcp", [world.backend("198.51.100.12", "l2", world.hop("d1"))])
        dispatched(f"both roles: to the VIP is directed, {family}", frame(vip, tcp(80)), service, "redirect")
        world.service(own, 80, "tcp", [world.backend("198.51.100.12", "l2", world.hop("d1"))])
        restored(f"both roles: restoring comes first, {family}", vip, own, tcp(80), "director")


def only_director():
    """Without the knob, the director restores nothing, whatever the table says."""
    World()
    tables()
    for _, own, family in PAIRS:
        case(f"a director alone restores nothing, {family}", frame(own, tcp(80)), "pass_not_ours")


def facts():
    World()
    tables()
    both_families("backend", "")
    odd_headers("backend", "")
    others_pass("backend", "")
    both_roles()
    only_director()
