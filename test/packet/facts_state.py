# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What outlives a packet: the flow table of the scheduler `random`, and events."""

from facts import (
    CLIENT4,
    CLIENT6,
    VIP4,
    VIP6,
    World,
    case,
    dispatched,
    frame,
    random_flows,
    say,
    tcp,
    too_big,
    udp,
)

FAMILIES = ((VIP4, CLIENT4, "v4", "198.51.100"), (VIP6, CLIENT6, "v6", "2001:db8:2:"))


def scattered(world, vip, port, count, owner, protocol="tcp"):
    """A service with the scheduler `random` and backends that are told apart by their MAC."""
    backends = [world.backend(f"198.51.100.{i + 10}", "l2", world.hop("d1"), owner=owner) for i in range(count)]
    return world.service(vip, port, protocol, backends, "random")


def any_of(name, data, service, backends):
    """Goes to one of the backends, and counts for one."""
    case(name, data, "redirect", [b.comes_out(data) for b in backends], (service, None))


def checked(name, *what):
    say("check", name.replace(" ", "_"), *what)


def sticky(world):
    for vip, client, family, _ in FAMILIES:
        service = scattered(world, vip, 80, 4, owner=1)
        for sport in (1001, 1002, 1003, 1004):
            data = frame(vip, tcp(80, sport=sport, flags="A"))
            flow = (client, sport, 80, service.index)
            any_of(f"random {family} flow {sport} is new", data, service, service.backends)
            for again in ("again", "a third time", "a fourth time"):
                name = f"random {family} flow {sport} {again}"
                case(name, data, "redirect", "last", (service, None))
            checked(f"random {family} flow {sport} is remembered", "flow", *flow, *(b.index for b in service.backends))
            checked(f"random {family} flow {sport} was when it was new", "fresh", *flow, *(b.index for b in service.backends))


def obeys_the_table(world):
    """A remembered flow goes where the table says, whatever the ring would say."""
    for vip, client, family, _ in FAMILIES:
        service = scattered(world, vip, 81, 3, owner=2)
        for backend in service.backends:
            say("flow", client, 2001, 81, service.index, backend.index)
            data = frame(vip, tcp(81, sport=2001))
            dispatched(f"random {family} remembered for {backend.index}", data, service, "redirect", backend)


def deals_anew(world):
    """An entry counts for nothing once its backend is gone or serves somebody else."""
    for vip, client, family, _ in FAMILIES:
        service = scattered(world, vip, 82, 1, owner=3)
        alive = service.backend
        gone = world.backend("198.51.100.90", "none", owner=3)
        foreign = world.backend("198.51.100.91", "l2", world.hop("d1"), owner=4)
        stale = ((gone.index, "is not active"), (foreign.index, "serves others"), (0, "is none"), (99999, "is beyond"))
        for index, why in stale:
            say("flow", client, 3001, 82, service.index, index)
            data = frame(vip, tcp(82, sport=3001))
            dispatched(f"random {family} its backend {why}", data, service, "redirect", alive)
            flow = (client, 3001, 82, service.index)
            checked(f"random {family} its backend {why}: remembered anew", "fresh", *flow, alive.index)


def told_apart(world):
    """Flows differ by client, by either port and by service."""
    for vip, client, family, _ in FAMILIES:
        service = scattered(world, vip, 83, 2, owner=5)
        world.vip(vip, 84, "tcp", service)
        other = scattered(world, vip, 83, 2, owner=6, protocol="udp")
        first, second = service.backends
        say("flow", client, 4001, 83, service.index, first.index)
        say("flow", client, 4001, 84, service.index, second.index)
        say("flow", client, 4002, 83, service.index, second.index)
        say("flow", client, 4001, 83, other.index, other.backends[1].index)
        for l4, to, owner, what in (
            (tcp(83, sport=4001), first, service, "the one"),
            (tcp(84, sport=4001), second, service, "another VIP port"),
            (tcp(83, sport=4002), second, service, "another client port"),
            (udp(83, sport=4001), other.backends[1], other, "another protocol"),
        ):
            dispatched(f"random {family} {what}", frame(vip, l4), owner, "redirect", to)


def nothing_to_pick(world):
    for vip, _, family, _ in FAMILIES:
        world.service(vip, 85, "tcp", [], "random")
        world.service(vip, 86, "tcp", [None, None], "random")
        for port, why in ((85, "no slots"), (86, "empty slots")):
            case(f"random {family} {why}", frame(vip, tcp(port)), "drop_no_backend")


def evicts():
    """More flows than the table holds: it stays within its size, and every flow is forwarded."""
    world = World("flows", 64)
    say("egress d1")
    for vip, _, family, _ in FAMILIES:
        service = scattered(world, vip, 80, 3, owner=1)
        for i, data in enumerate(random_flows(150, vip, lambda sport: tcp(80, sport=sport), 3)):
            any_of(f"random {family} one of many flows, {i}", data, service, service.backends)
        checked(f"random {family} the table keeps its size", "flows", 64)
        any_of(f"random {family} a flow after eviction", frame(vip, tcp(80)), service, service.backends)
        case(f"random {family} and again", frame(vip, tcp(80)), "redirect", "last", (service, None))


def event(reason, service, backend, protocol, client, vip, port, missed=0):
    number = backend.index if backend else 0
    return f"{reason} service {service.index} backend {number} {protocol} {client} 40000 > {vip} {port} missed {missed}"


def emitted(world):
    """An event for each dispatch and each drop of a service's packet, and each end of a TTL, with the VIP as it came."""
    for vip, client, family, net in FAMILIES:
        routed = world.service(vip, 80, "tcp", [world.backend(f"{net}{'.' if family == 'v4' else ':'}30", "l3", world.hop("d1"))])
        tell = event("redirect", routed, routed.backend, "tcp", client, vip, 80)
        dispatched(f"event of an l3 dispatch, {family}", frame(vip, tcp(80)), routed, "redirect", events=[tell])
        local = world.service(vip, 80, "udp", [world.backend(vip, "local")])
        data = frame(vip, udp(80))
        tell = event("local", local, local.backend, "udp", client, vip, 80)
        dispatched(f"event of a local delivery, {family}", data, local, "local", out=data, events=[tell])
        empty = world.service(vip, 81, "tcp", [])
        tell = event("drop_no_backend", empty, None, "tcp", client, vip, 81)
        case(f"event of a drop, {family}", frame(vip, tcp(81)), "drop_no_backend", events=[tell])
        wild = world.service(vip, 0, "udp", [world.backend(vip, "l2", world.hop("d1"))])
        tell = event("redirect", wild, wild.backend, "udp", client, vip, 999)
        name = f"event with the packet's port of an any-port service, {family}"
        dispatched(name, frame(vip, udp(999)), wild, "redirect", events=[tell])
        small = world.service(vip, 82, "tcp", [world.backend(vip, "l2", world.hop("d1", 40))])
        tell = event("drop_too_big", small, small.backend, "tcp", client, vip, 82)
        too_big(f"event of a packet too big, {family}", frame(vip, tcp(82)), 40, events=[tell])
        case(f"no event of what is not ours, {family}", frame(vip, tcp(9999)), "pass_not_ours")
        tell = event("pass_ttl", routed, routed.backend, "tcp", client, vip, 80)
        case(f"event of a TTL that ends, {family}", frame(vip, tcp(80), ttl=1), "pass_ttl", events=[tell])


def events():
    world = World()
    say("egress d1")
    say("knobs", 1, 100000)
    emitted(world)
    for limit in (1, 5):
        world = World()
        say("egress d1")
        service = world.service(VIP4, 80, "tcp", [world.backend("198.51.100.30", "l2", world.hop("d1"))])
        say("knobs", 0, 0)
        dispatched(f"no event while nobody listens, {limit}", frame(VIP4, tcp(80)), service, "redirect")
        say("knobs", 0, limit)
        checked(f"at most {limit} events in 100 ms", "burst", limit)
        say("knobs", 0, 0)
        dispatched(f"no event once nobody listens, {limit}", frame(VIP4, tcp(80)), service, "redirect")


def verified():
    """A third of what the kernel would walk at most (a million), for those that walk more of the same program."""
    for options in (), ("restore",):
        World(*options)
        for name in ("director", "general", "hard", "icmp"):
            what = " ".join((name, *options))
            checked(f"what the verifier walks of shunt_{what}", "verified", f"shunt_{name}", 300000)
    checked("what the verifier walks of shunt_backend", "verified", "shunt_backend", 300000)


def facts():
    verified()
    world = World("flows", 4096)
    say("egress d1")
    for part in (sticky, obeys_the_table, deals_anew, told_apart, nothing_to_pick):
        part(world)
    evicts()
    events()
