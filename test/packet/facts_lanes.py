# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lanes: with them and without, a packet goes the same way; and what it goes by where there is none."""

from facts import CLIENT_MAC, VIP4, VIP6, World, case, dispatched, frame, say, tcp, udp
from scapy.all import Ether

FAMILIES = (("IPv4", VIP4, "198.51.100"), ("IPv6", VIP6, "2001:db8:b:"))
OTHER_MAC = "02:00:00:00:00:d7"  # the director's, too


def to_mac(mac):
    return Ether(src=CLIENT_MAC, dst=mac)


def empty(world):
    for name, vip, net in FAMILIES:
        service = world.service(vip, 80, "tcp", [world.backend(f"{net}.1".replace(":.", "::"), "l2", world.hop("d1"))])
        for lane in ("its own", "none"):
            if lane == "none":
                say("lane", service.backend.index)
            dispatched(f"{name}: the lane is {lane}", frame(vip, tcp(80)), service, "redirect", service.backend)


def addressed(world):
    """To any MAC of ours, be it the one that the frame leaves by, or not; and to nobody else's."""
    say("mac", OTHER_MAC)
    for name, vip, net in FAMILIES:
        hop = world.hop("d1")
        service = world.service(vip, 81, "udp", [world.backend(f"{net}.2".replace(":.", "::"), "l2", hop)])
        say("mac", hop.src)
        for what, mac in (("by which it leaves", hop.src), ("of another link", OTHER_MAC)):
            data = frame(vip, udp(81), ether=to_mac(mac))
            dispatched(f"{name}: to the MAC {what}", data, service, "redirect", service.backend)
        for what, mac in (("alike but for the first byte", "06" + hop.src[2:]),
                          ("alike but for the last byte", hop.src[:-2] + "ff"),
                          ("of the backend", hop.dst)):
            case(f"{name}: to a MAC {what}", frame(vip, udp(81), ether=to_mac(mac)), "pass_not_us")


def limited(world):
    """The MTU counts, to the byte; and 0 is none."""
    for name, vip, net in FAMILIES:
        headers = 40 if vip == VIP4 else 60
        hop = world.hop("d1", 1400)
        service = world.service(vip, 82, "tcp", [world.backend(f"{net}.3".replace(":.", "::"), "l2", hop)])
        dispatched(f"{name}: as large as the MTU", frame(vip, tcp(82), bytes(1400 - headers)), service, "redirect",
                   service.backend)
        say("telling 0")
        df = {"flags": "DF"} if vip == VIP4 else {}
        data = frame(vip, tcp(82), bytes(1401 - headers), **df)
        case(f"{name}: larger than the MTU by one", data, "drop_too_big_limit")
        hop = world.hop("d1", 0)
        service = world.service(vip, 83, "tcp", [world.backend(f"{net}.4".replace(":.", "::"), "l2", hop)])
        dispatched(f"{name}: no MTU", frame(vip, tcp(83), bytes(1500 - headers)), service, "redirect", service.backend)


def looping(world):
    """From the very backend: a loop. From one that differs in a byte: none."""
    for name, vip, net in FAMILIES:
        hop = world.hop("d1")
        service = world.service(vip, 84, "tcp", [world.backend(f"{net}.5".replace(":.", "::"), "l2", hop)])
        say("mac", hop.src)
        back = Ether(src=hop.dst, dst=hop.src)
        case(f"{name}: from the next hop", frame(vip, tcp(84), ether=back), "drop_loop")
        for mac in ("06" + hop.dst[2:], hop.dst[:-2] + "fe"):
            data = frame(vip, tcp(84), ether=Ether(src=mac, dst=hop.src))
            dispatched(f"{name}: from {mac}, which is not the next hop", data, service, "redirect", service.backend)


def cut_off(world):
    """Only the first program is left: what it does not do passes, and is counted."""
    for name, vip, net in FAMILIES:
        address = f"{net}.6".replace(":.", "::")
        world.service(vip, 85, "tcp", [world.backend(address, "l2", world.hop("d1"))], "random")
    say("cut")
    for name, vip, _ in FAMILIES:
        case(f"{name}: the other programs are gone", frame(vip, tcp(85)), "pass_cut_off")


def facts():
    for make in (empty, addressed, limited, looping, cut_off):
        world = World()
        say("egress d1")
        make(world)
