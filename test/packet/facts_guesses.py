# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Guesses: whatever they say, a packet goes where the hash maps say, or passes."""

from facts import VIP4, VIP6, World, case, dispatched, frame, say, tcp, udp

OTHER4, OTHER6 = "203.0.113.77", "2001:db8:7:7::77"
L4 = {"tcp": tcp, "udp": udp}


def serve(world, vip, port, protocol, number):
    return world.service(vip, port, protocol, [world.backend(f"198.51.100.{number}", "l2", world.hop("d1"))])


def lies(world):
    """A guess that is missing, another service's or beyond the map changes nothing."""
    for number, (vip, other) in enumerate(((VIP4, OTHER4), (VIP6, OTHER6))):
        own = serve(world, vip, 80, "tcp", 30 + number)
        others = {
            "none": 0,
            "beyond the map": 99999,
            "the service on another port": serve(world, vip, 81, "tcp", 40 + number).index,
            "the service of the other protocol": serve(world, vip, 80, "udp", 50 + number).index,
            "another VIP's": serve(world, other, 80, "tcp", 60 + number).index,
            "its own": own.index,
        }
        for what, index in others.items():
            say("guess", vip, 80, "tcp", index)
            data = frame(vip, tcp(80))
            dispatched(f"the guess for {vip} is {what}", data, own, "redirect", own.backend)


def invents(world):
    """A guess makes no service: what no hash map has passes."""
    for vip, other in ((VIP4, OTHER4), (VIP6, OTHER6)):
        service = serve(world, vip, 80, "tcp", 70)
        for to, port, protocol in ((vip, 82, "tcp"), (vip, 80, "udp"), (other, 80, "tcp")):
            say("guess", to, port, protocol, service.index)
            case(f"a guess for {to} port {port}/{protocol}, which is no service",
                 frame(to, L4[protocol](port)), "pass_not_ours")


def shares(world):
    """Two VIPs of one service: its record names the second, the first is found by the hash map."""
    for vip, other in ((VIP4, OTHER4), (VIP6, OTHER6)):
        service = serve(world, vip, 90, "tcp", 71)
        world.vip(other, 90, "tcp", service)
        for to in (vip, other):
            dispatched(f"{to} shares a service", frame(to, tcp(90)), service, "redirect", service.backend)


def facts():
    for make in (lies, invents, shares):
        world = World()
        say("egress d1")
        make(world)
