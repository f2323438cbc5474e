# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A backend without a usable path: every answer of bpf_fib_lookup, on real routes and neighbours."""

from facts import VIP4, VIP6, Service, World, case, dispatched, frame, say, tcp, too_big, udp, with_destination, with_macs

# Of d0, d1 and d2. Hosts .20 and ::20 have a neighbour entry, .21 and ::21 have none (cases.py).
NETS = (("192.0.2", "2001:db8:1:"), ("198.51.100", "2001:db8:2:"), ("198.18.0", "2001:db8:3:"))

VIPS = ((VIP4, "v4", 0), (VIP6, "v6", 1))
MODES = ("l2", "l3")

# Destinations, v4 and v6, behind the routes below.
BY_GATEWAY = ("198.18.10.1", "2001:db8:10::1")
BY_SILENT_GATEWAY = ("198.18.11.1", "2001:db8:11::1")
BLACKHOLE = ("198.18.12.1", "2001:db8:12::1")
UNREACHABLE = ("198.18.13.1", "2001:db8:13::1")
PROHIBIT = ("198.18.14.1", "2001:db8:14::1")
TUNNEL = ("198.18.15.1", "2001:db8:15::1")
BY_THE_OTHER_FAMILY = "198.18.16.1"
HIDDEN_CLIENT = ("192.0.2.201", "2001:db8:c::201")  # a rule sends its packets to a table of its own
NOWHERE = ("203.0.113.250", "2001:db8:ffff::1")


def routes():
    for family in (0, 1):
        say(f"ip route add {BY_GATEWAY[family]} via {host(1, family, 20)}")
        say(f"ip route add {BY_SILENT_GATEWAY[family]} via {host(1, family, 21)}")
        for kind, where in (("blackhole", BLACKHOLE), ("unreachable", UNREACHABLE), ("prohibit", PROHIBIT)):
            say(f"ip route add {kind} {where[family]}")
    say(f"ip route add {BY_THE_OTHER_FAMILY} via inet6 2001:db8:2::20 dev d1")
    for family, version in ((0, "-4"), (1, "-6")):
        say(f"try table{family} ip {version} route add blackhole {host(1, family, 20)} table 100")
        say(f"try source{family} ip {version} rule add from {HIDDEN_CLIENT[family]} lookup 100")
        say(f"try sport{family} ip {version} rule add ipproto 6 sport 45001 lookup 100")
        say(f"try dport{family} ip {version} rule add ipproto 6 dport 45002 lookup 100")
        say(f"try tos{family} ip {version} rule add tos 0x10 lookup 100")
    say(f"try tunnel4 ip route add {TUNNEL[0]} encap ip id 7 dst 198.51.100.20 dev d1")
    say(f"try tunnel6 ip route add {TUNNEL[1]} encap ip6 id 7 dst 2001:db8:2::20 dev d1")


def host(dev, family, number):
    """The host `number` on the network of interface d`dev`."""
    return f"{NETS[dev][0]}.{number}" if family == 0 else f"{NETS[dev][1]}:{number}"


def neighbour_macs(dev, family):
    """What a frame to a host with an entry gets: the entry's MAC, and the interface's."""

    class Hop:
        dst = f"02:00:00:00:{dev}0:0{'64'[family == 0]}"
        src = f"02:00:00:00:00:d{dev}"

    return Hop


class Unresolved(World):
    """Services whose backends have no path, each at a port of its own."""

    port = 1000

    def to(self, vip, address, mode, *hops):
        self.port += 1
        service: Service = self.service(vip, self.port, "tcp", [self.backend(address, mode, *hops)])
        return service, frame(vip, tcp(self.port))


def sent(world, name, vip, address, mode, dev, reason, family, *hops):
    """Forwarded with the MACs that the kernel gave."""
    service, data = world.to(vip, address, mode, *hops)
    out = with_macs(data, neighbour_macs(dev, family))
    if mode == "l3":
        out = with_destination(out, address, 1)
    dispatched(f"fib {name}", data, service, reason, out=out)


def to_kernel(world, name, vip, address, *hops):
    """l3: the destination is rewritten, the TTL and the MACs are left to the kernel."""
    service, data = world.to(vip, address, "l3", *hops)
    dispatched(f"fib {name}", data, service, "kernel", out=with_destination(data, address))


def dropped(world, name, vip, address, mode, reason, **more):
    _, data = world.to(vip, address, mode)
    case(f"fib {name}", data, reason, **more)


def neighbours(world):
    for vip, name, family in VIPS:
        for mode in MODES:
            sent(world, f"{mode} {name} neighbour on d0", vip, host(0, family, 20), mode, 0, "fib_tx", family)
            sent(world, f"{mode} {name} neighbour on d1", vip, host(1, family, 20), mode, 1, "fib_redirect", family)
        to_kernel(world, f"l3 {name} no neighbour on d0", vip, host(0, family, 21))
        to_kernel(world, f"l3 {name} no neighbour on d1", vip, host(1, family, 21))
        to_kernel(world, f"l3 {name} egress not in the devmap", vip, host(2, family, 20))
        to_kernel(world, f"l3 {name} nor neighbour nor devmap", vip, host(2, family, 21))
        dropped(world, f"l2 {name} no neighbour on d0", vip, host(0, family, 21), "l2", "drop_no_neighbour")
        dropped(world, f"l2 {name} no neighbour on d1", vip, host(1, family, 21), "l2", "drop_no_neighbour")
        dropped(world, f"l2 {name} egress not in the devmap", vip, host(2, family, 20), "l2", "drop_egress")
        dropped(world, f"l2 {name} nor neighbour nor devmap", vip, host(2, family, 21), "l2", "drop_no_neighbour")


def gateways(world):
    for vip, name, family in VIPS:
        far, silent = BY_GATEWAY[family], BY_SILENT_GATEWAY[family]
        sent(world, f"l3 {name} by a gateway", vip, far, "l3", 1, "fib_redirect", family)
        to_kernel(world, f"l3 {name} by a gateway without neighbour", vip, silent)
        dropped(world, f"l2 {name} by a gateway", vip, far, "l2", "drop_no_route")
        dropped(world, f"l2 {name} by a gateway without neighbour", vip, silent, "l2", "drop_no_route")
    sent(world, "l3 v4 by a v6 gateway", VIP4, BY_THE_OTHER_FAMILY, "l3", 1, "fib_redirect", 1)
    dropped(world, "l2 v4 by a v6 gateway", VIP4, BY_THE_OTHER_FAMILY, "l2", "drop_no_route")


def refusals(world):
    for vip, name, family in VIPS:
        for mode in MODES:
            for where, why in (
                (BLACKHOLE, "blackhole"),
                (UNREACHABLE, "unreachable"),
                (PROHIBIT, "prohibit"),
                (NOWHERE, "no route"),
            ):
                dropped(world, f"{mode} {name} {why}", vip, where[family], mode, "drop_no_route")
            own = host(0, family, 1)
            dropped(world, f"{mode} {name} an address of this node", vip, own, mode, "drop_no_route")
            far = host(1, family, 20)
            dropped(world, f"{mode} {name} forwarding is off", vip, far, mode, "drop_no_route", dev="d3")
            tunnel = f"tunnel{name[1]}"
            dropped(world, f"{mode} {name} tunnel route", vip, TUNNEL[family], mode, "drop_no_route", needs=tunnel)


def oversized(world):
    """d2 has an MTU of 1400."""
    for vip, name, family in VIPS:
        for mode in MODES:
            service, _ = world.to(vip, host(2, family, 20), mode)
            head = len(frame(vip, tcp(world.port), payload=b"")) - 14
            fits = frame(vip, tcp(world.port), payload=b"x" * (1400 - head))
            over = frame(vip, tcp(world.port), payload=b"x" * (1401 - head))
            too_big(f"fib {mode} {name} one byte over the MTU", over, 1400)
            if mode == "l3":
                out = with_destination(fits, service.backend.address)
                dispatched(f"fib l3 {name} exactly the MTU", fits, service, "kernel", out=out)
            else:
                case(f"fib l2 {name} exactly the MTU", fits, "drop_egress")


def invalid_next_hops(world):
    """A next hop whose MAC is not known is no path; one invalid leg does not hurt the others."""
    for vip, name, family in VIPS:
        invalid = world.hop("d1", 1500, "invalid")
        for mode in MODES:
            near = host(0, family, 20)
            sent(world, f"{mode} {name} invalid next hop", vip, near, mode, 0, "fib_tx", family, invalid)
        to_kernel(world, f"l3 {name} invalid next hop, no neighbour", vip, host(0, family, 21), invalid)


def ttl_and_families(world):
    for vip, name, family in VIPS:
        service, _ = world.to(vip, host(1, family, 20), "l3")
        for value in (0, 1):
            data = frame(vip, tcp(world.port), ttl=value)
            case(f"fib l3 {name} TTL {value} is left to the kernel by who has no address", data, "pass_ttl")
        data = frame(vip, tcp(world.port), ttl=2)
        out = with_destination(with_macs(data, neighbour_macs(1, family)), service.backend.address, 1)
        dispatched(f"fib l3 {name} TTL 2", data, service, "fib_redirect", out=out)
        other = host(1, 1 - family, 20)
        sent(world, f"l2 {name} neighbour of the other family", vip, other, "l2", 1, "fib_redirect", 1 - family)
        dropped(world, f"l3 {name} backend of the other family", vip, other, "l3", "drop_no_route")


def rules(world):
    """The kernel is asked as about the packet itself: its rules see client, ports and class."""
    for vip, name, family in VIPS:
        address = host(1, family, 20)
        service = world.service(vip, 901, "tcp", [world.backend(address, "l3")])
        world.vip(vip, 45002, "tcp", service)
        traffic_class = {"tc": 0x10} if family else {"tos": 0x10}
        for data, rule in (
            (frame(vip, tcp(901), client=HIDDEN_CLIENT[family]), "source"),
            (frame(vip, tcp(901, sport=45001)), "sport"),
            (frame(vip, tcp(45002)), "dport"),
            (frame(vip, tcp(901), **traffic_class), "tos"),
        ):
            case(f"fib l3 {name} rule by {rule}", data, "drop_no_route", needs=f"{rule}{family}")
        data = frame(vip, tcp(901))
        out = with_destination(with_macs(data, neighbour_macs(1, family)), address, 1)
        dispatched(f"fib l3 {name} no rule matches", data, service, "fib_redirect", out=out)


def another_protocol(world):
    for vip, name, family in VIPS:
        address = host(1, family, 20)
        service = world.service(vip, 900, "udp", [world.backend(address, "l3")])
        data = frame(vip, udp(900))
        out = with_destination(with_macs(data, neighbour_macs(1, family)), address, 1)
        dispatched(f"fib l3 {name} udp", data, service, "fib_redirect", out=out)


def facts():
    world = Unresolved()
    say("egress d1")
    parts = (neighbours, gateways, refusals, oversized, invalid_next_hops, ttl_and_families, rules, another_protocol)
    for part in parts:
        part(world)
