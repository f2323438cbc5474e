# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How frames leave: VLAN tags, links that take no redirected frames, the MTU of a route."""

import struct

from facts import VIP4, World, case, dispatched, frame, say, tcp, too_big, with_destination
from facts_forwarding import FAMILIES, sized


def tagged(data, protocol, vlan):
    return data[:12] + struct.pack("!HH", protocol, vlan) + data[12:]


def tags(world):
    """The tag is pushed behind the MACs, on the way out of the same and of another interface."""
    port = 2000
    for vip, family, address in FAMILIES:
        for mode in ("l2", "l3"):
            for dev, reason in (("d0", "tx"), ("d1", "redirect")):
                for vlan, words, protocol in ((1, (), 0x8100), (4094, (), 0x8100), (100, ("802.1ad",), 0x88A8)):
                    port += 1
                    hop = world.hop(dev, 1500, vlan, *words)
                    service = world.service(vip, port, "tcp", [world.backend(address, mode, hop)])
                    data = frame(vip, tcp(port))
                    out = tagged(service.backend.comes_out(data), protocol, vlan)
                    name = f"{mode} {family} into VLAN {' '.join((str(vlan), *words))} by {dev}"
                    dispatched(name, data, service, reason, out=out)


def tagged_mtu(world):
    """The tag does not count against the MTU, and a packet that is too big gets none."""
    service = world.service(VIP4, 2100, "udp", [world.backend("198.51.100.11", "l3", world.hop("d1", 1500, 7))])
    data = sized(VIP4, 2100, 1500)
    dispatched("as big as the MTU, and the tag", data, service, "redirect",
               out=tagged(service.backend.comes_out(data), 0x8100, 7))
    world.service(VIP4, 2101, "udp", [world.backend("198.51.100.11", "l3", world.hop("d1", 1400, 7))])
    too_big("too big for a VLAN", sized(VIP4, 2101, 1401), 1400)


def here(world):
    """A device that takes no redirected frames: what came in by it goes out, all else asks the FIB."""
    service = world.service(VIP4, 2200, "tcp", [world.backend("192.0.2.20", "l3", world.hop("d0", 1500, "here"))])
    dispatched("out of the device where it came in, which takes nothing else", frame(VIP4, tcp(2200)), service, "tx")
    # The FIB has the neighbours of cases.py; d2 is not in the devmap.
    service = world.service(VIP4, 2201, "tcp", [world.backend("198.18.0.20", "l3", world.hop("d2", 1400, "here"))])
    data = frame(VIP4, tcp(2201))
    dispatched("by a device that takes no redirected frames: the kernel", data, service, "kernel",
               out=with_destination(data, "198.18.0.20"))
    world.service(VIP4, 2202, "tcp", [world.backend("198.18.0.20", "l2", world.hop("d2", 1400, "here"))])
    case("l2 by a device that takes no redirected frames", frame(VIP4, tcp(2202)), "drop_egress")


def route_mtu(world):
    """The smaller of the route's and the next hop's counts."""
    port = 2300
    for vip, family, address in FAMILIES:
        for route, link, fits in ((1300, 1500, 1300), (1500, 1300, 1300), (1300, 0, 1300), (1300, 1300, 1300)):
            port += 1
            backend = world.backend(address, "l3", world.hop("d1", link), mtu=route)
            service = world.service(vip, port, "udp", [backend])
            name = f"{family} route MTU {route}, link MTU {link}"
            dispatched(f"{name}: {fits} fits", sized(vip, port, fits), service, "redirect")
            too_big(f"{name}: one more does not", sized(vip, port, fits + 1), fits)


def facts():
    world = World()
    say("egress d1")
    for part in (tags, tagged_mtu, here, route_mtu):
        part(world)
