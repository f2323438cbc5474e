# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`shunt explain` against what really happens: the frame that it made is sent, and seen where it comes out.

Of each question: asking changes no counter and remembers nothing, the real packet is counted under
the reason that was told and under no other, and arrives where and as it was told.
"""
import contextlib
import itertools

import pytest

import wire
from lab import wait_for
from test_tunnels import OF_BACKENDS, VIP4, VIP6, service, serving

PORTS = itertools.count(42000)
OWN = "198.18.1.10"  # the director's
CLIENT = {VIP4: "198.18.0.77", VIP6: "2001:db8:18::77", OWN: "198.18.0.77"}  # nobody: no answer reaches it, and it resets nothing
VIPS = pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["ipv4", "ipv6"])
NEIGHBOURS = {("reason", name) for name in ("pass_not_ip", "pass_protocol", "pass_ipv6_ext")}
R1, R2, B1, B2 = ("r1", "core"), ("r2", "core"), ("b1", "eth0"), ("b2", "eth0")
BACK = ("wire", "director-eth0")  # the other end of the director's cable


def without_errors(lab, router):
    """No router tells that the client is not there: the director would send its errors on, and count them."""
    for address in (f"{CLIENT[VIP4]}/32", f"{CLIENT[VIP6]}/128"):
        lab.run(router, f"ip route replace blackhole {address}")
    return lab


@pytest.fixture(scope="module", name="l3")
def l3_without_errors(l3):
    return without_errors(l3, "edge")


@pytest.fixture(scope="module", name="l2")
def l2_without_errors(l2):
    return without_errors(l2, "router")


def at(address, number):
    return f"[{address}]:{number}" if ":" in address else f"{address}:{number}"


def counts(lab, node="director"):
    """(packets, bytes) by reason, by service and by backend."""
    found = {("reason", row["name"]): row for row in lab.json(node, "status")["reasons"]}
    for row in lab.json(node, "show", "services"):
        found["service", row["name"], row["port"], row["protocol"]] = row
    for row in lab.json(node, "show", "backends"):
        found["backend", row["service"], row["address"]] = row
    return {key: (row["packets"], row["bytes"]) for key, row in found.items()}


def added(before, after):
    """What was counted between two counts(), ARP and ND apart: {key: (packets, bytes)}."""
    return {key: (after[key][0] - before[key][0], after[key][1] - before[key][1])
            for key in after if after[key] != before[key] and key not in NEIGHBOURS}


def remembered(lab, node, client_port):
    return [row for row in lab.json(node, "show", "flows") if row["client_port"] == client_port]


def explain(lab, vip, *more, client_port=0, port=80, protocol="tcp", node="director"):
    """The document. Asked twice, it is the same, and nothing was counted or remembered."""
    client_port = client_port or next(PORTS)
    words = ("explain", at(CLIENT[vip], client_port), f"{at(vip, port)}/{protocol}", *more)
    before, flows = counts(lab, node), remembered(lab, node, client_port)
    told = lab.json(node, *words)
    assert lab.json(node, *words) == told
    assert added(before, counts(lab, node)) == {}
    assert remembered(lab, node, client_port) == flows
    return told


def wanted(told):
    """What is to be counted for the real packet."""
    size = (1, told["size"])
    want = {("reason", told["reason"]): size}
    if told["reason"] in ("tx", "redirect", "fib_tx", "fib_redirect", "kernel"):
        want["service", told["service"], told["vip_port"], told["protocol"]] = size
        want["backend", told["service"], told["backend"]["address"]] = size
    return want


def assert_so(lab, told, sender, *watched):
    """The real packet does as it was told. Returns where it arrived, or None for one that does not leave."""
    place, leaves = None, told["verdict"] in ("tx", "redirect")
    with wire.ports(lab, sender, *watched) as found:
        out = found.pop(sender)
        before = counts(lab)
        out.send(bytes.fromhex(told["hex"]["in"]))
        if leaves:
            frame = bytes.fromhex(told["hex"]["out"])
            place, _ = wire.arrival(found, lambda seen: seen == frame)
        wait_for("counted", lambda: added(before, counts(lab)))
    assert added(before, counts(lab)) == wanted(told)
    assert (told["out"] is None) == (told["verdict"] == "drop")
    assert leaves == bool(told["out"] and told["out"]["dev"])
    return place


def chosen(told):
    return [path["nexthop"] for path in told["backend"]["paths"] if path["chosen"]]


@contextlib.contextmanager
def done_and_undone(lab, *commands):
    """Commands on the director, each with the one that undoes it."""
    done = []
    try:
        for do, undo in commands:
            lab.run("director", do)
            done.append(undo)
        yield
    finally:
        for undo in reversed(done):
            lab.run("director", undo)


# ---- every mode ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["l3", "ipip", "gue"])
@VIPS
def test_each_mode(l3, mode, vip):
    family = 6 if ":" in vip else 4
    with serving(l3, service("web", vip, mode, family)):
        for more in ((), ("--as", "ack"), ("--size", "700")):
            told = explain(l3, vip, *more)
            assert (told["service"], told["verdict"], told["reason"]) == (f"web-{mode}{family}", "tx", "tx")
            assert told["slot"]["state"] == "steady"
            assert told["slot"]["now"] == told["backend"]["address"] == told["out"]["destination"]
            assert told["backend"]["forward"] == mode and told["backend"]["state"] == "active"
            assert chosen(told) == ["198.18.1.2" if family == 4 else "2001:db8:18:1::2"]
            assert assert_so(l3, told, ("edge", "core"), R1) == R1


def test_either_family_in_either(l3):
    with serving(l3, service("web", VIP4, "gue", 6), service("web6", VIP6, "ipip", 4)):
        for vip in VIP4, VIP6:
            told = explain(l3, vip, port=7, protocol="udp")
            assert told["kind"] == "datagram" and told["out"]["destination"] == told["backend"]["address"]
            assert_so(l3, told, ("edge", "core"), R1)


def test_l2(l2):
    for vip in VIP4, VIP6:
        for _ in range(4):
            told = explain(l2, vip)
            there = assert_so(l2, told, ("router", "lan"), B1, B2)
            assert told["backend"]["address"].endswith({B1: "11", B2: "12"}[there])
            assert told["backend"]["forward"] == "l2" and told["out"]["destination"] == vip


@VIPS
def test_ecmp_names_the_leg(l3, vip):
    family = 6 if ":" in vip else 4
    net, via = {4: ("198.51.100.0/24", ("198.18.1.2", "198.18.1.3")),
                6: ("2001:db8:51::/64", ("2001:db8:18:1::2", "2001:db8:18:1::3"))}[family]
    with done_and_undone(l3, (f"ip route replace {net} nexthop via {via[0]} nexthop via {via[1]}",
                    f"ip route replace {net} via {via[0]}")):
        with serving(l3, service("web", vip, "l3", family)):
            wait_for("two legs", lambda: all(len(row["paths"]) == 2 for row in l3.json("director", "show", "backends")
                                             if row["weight"]))
            found = set()
            for _ in range(12):
                told = explain(l3, vip)
                there = assert_so(l3, told, ("edge", "core"), R1, R2)
                assert chosen(told) == [via[0] if there == R1 else via[1]]
                found.add(there)
            assert found == {R1, R2}


# ---- who is picked ---------------------------------------------------------------------------------


def test_a_slot_in_transition(l3):
    """A new flow goes to the backend now, an unknown one in its midst to the backend before."""
    with serving(l3, service("web", VIP4, "l3", 4)):
        assert l3.shunt("director", "drain", OF_BACKENDS[4][0]).returncode == 0
        try:
            l3.assert_verified("director")
            def moving(*more):
                """A flow whose slot has moved."""
                told = (explain(l3, VIP4, *more) for _ in range(200))
                return next(one for one in told if one["slot"]["state"] == "moving")

            begun = moving()
            assert begun["backend"]["address"] == begun["slot"]["now"] == OF_BACKENDS[4][1]
            midst = explain(l3, VIP4, "--as", "ack", client_port=begun["client_port"])
            assert midst["backend"]["address"] == midst["slot"]["before"] == OF_BACKENDS[4][0]
            assert begun["remembered"] is midst["remembered"] is None
            assert_so(l3, midst, ("edge", "core"), R1)
            assert_so(l3, begun, ("edge", "core"), R1)
            known = explain(l3, VIP4, "--as", "ack", client_port=begun["client_port"])
            assert known["remembered"] == known["backend"]["address"] == OF_BACKENDS[4][1]
            assert known["picked"] == "the flow is remembered"
            assert_so(l3, known, ("edge", "core"), R1)
        finally:
            l3.shunt("director", "undrain", OF_BACKENDS[4][0])


def test_random_is_said(l3):
    """The real one may be dealt otherwise: nothing but where it is remembered can be told."""
    with serving(l3, service("dealt", VIP4, "l3", 4, "    scheduler: random\n")):
        words = ("explain", at(CLIENT[VIP4], 41999), f"{VIP4}:80/tcp")
        told = l3.json("director", *words)
        assert told["slot"] is None and told["picked"].startswith("dealt at random")
        with wire.ports(l3, ("edge", "core"), R1) as found:
            found.pop(("edge", "core")).send(bytes.fromhex(told["hex"]["in"]))
            _, frame = wire.arrival(found, lambda frame: frame[34:36] == (41999).to_bytes(2, "big"))
        after = l3.json("director", *words, "--as", "ack")
        assert after["remembered"] == ".".join(map(str, frame[30:34]))
        assert_so(l3, after, ("edge", "core"), R1)


# ---- what goes wrong ---------------------------------------------------------------------------------


def test_not_ours(l3):
    told = explain(l3, OWN)
    assert (told["verdict"], told["reason"], told["service"], told["backend"]) == ("pass", "pass_not_ours", None, None)
    assert "shunt show services" in told["advice"]
    assert_so(l3, told, ("edge", "core"))


def test_no_backend(l3):
    with serving(l3, service("web", VIP4, "l3", 4)):
        with done_and_undone(l3, ("ip route replace unreachable 198.51.100.0/24", "ip route replace 198.51.100.0/24 via 198.18.1.2")):
            wait_for("unreachable", lambda: {row["state"] for row in l3.json("director", "show", "backends")
                                             if row["weight"]} == {"unreachable"})
            told = explain(l3, VIP4)
            assert (told["verdict"], told["reason"]) == ("drop", "drop_no_backend")
            assert told["service"] == "web-l34" and told["backend"] is told["out"] is None
            assert "shunt show backends" in told["advice"]
            assert_so(l3, told, ("edge", "core"))


def test_too_big(l3):
    with serving(l3, service("web", VIP4, "ipip", 4)):
        with done_and_undone(l3, ("ip route replace 198.51.100.0/24 via 198.18.1.2 mtu 1000",
                        "ip route replace 198.51.100.0/24 via 198.18.1.2")):
            wait_for("the MTU is known", lambda: {path["mtu"] for row in l3.json("director", "show", "backends")
                                                  if row["weight"] for path in row["paths"]} == {1000})
            fits = explain(l3, VIP4, "--as", "ack", "--size", "994")
            assert fits["reason"] == "tx" and fits["out"]["size"] == 1014
            assert_so(l3, fits, ("edge", "core"), R1)
            told = explain(l3, VIP4, "--as", "ack", "--size", "995")
            assert "MTU" in told["words"] + told["advice"]
            assert told["reason"] == "told_too_big"
            assert assert_so(l3, told, ("edge", "core"), R1, BACK) == BACK


@pytest.mark.parametrize("mode", ["l3", "gue"])
@VIPS
def test_a_ttl_that_ends(l3, mode, vip):
    family = 6 if ":" in vip else 4
    with serving(l3, service("web", vip, mode, family)):
        told = explain(l3, vip, "--ttl", "1")
        assert (told["service"], told["verdict"], told["reason"]) == (f"web-{mode}{family}", "tx", "told_ttl")
        assert told["backend"]["state"] == "active" and not chosen(told)
        assert told["out"]["source"] == ("2001:db8:18:1::10" if family == 6 else OWN)
        assert told["out"]["destination"] == told["client"] and "traceroute" in told["advice"]
        assert assert_so(l3, told, ("edge", "core"), R1, BACK) == BACK
        told = explain(l3, vip, "--ttl", "2")
        assert (told["verdict"], told["reason"]) == ("tx", "tx")
        assert assert_so(l3, told, ("edge", "core"), R1) == R1


def test_unresolved_neighbour(l3):
    """By a rule that tells packets apart, so by bpf_fib_lookup: the kernel, as long as it knows no neighbour."""
    rule, table = "priority 500 from 198.18.0.77 lookup 777", "198.51.100.0/24 via 198.18.1.3 table 777"
    with serving(l3, service("web", VIP4, "l3", 4)):
        with done_and_undone(l3, (f"ip route add {table}", f"ip route del {table}"), (f"ip rule add {rule}", f"ip rule del {rule}")):
            wait_for("the rule is seen", lambda: all("rule 500" in row["reason"] for row in
                                                     l3.json("director", "show", "backends") if row["weight"]))
            l3.run("director", "ip neigh del 198.18.1.3 dev eth0", check=False)
            told = explain(l3, VIP4)
            assert (told["verdict"], told["reason"]) == ("pass", "kernel")
            assert told["out"]["dev"] is None and told["out"]["destination"] == told["backend"]["address"]
            assert "neighbour" in told["advice"]
            assert_so(l3, told, ("edge", "core"))
            wait_for("resolved", lambda: "lladdr" in l3.run("director", "ip neigh show 198.18.1.3"))
            told = explain(l3, VIP4)
            assert (told["verdict"], told["reason"]) == ("tx", "fib_tx")
            assert assert_so(l3, told, ("edge", "core"), R1, R2) == R2


def test_on_a_backend(l3):
    """What the other program does: a packet to the backend's own address is the service's, or not."""
    with serving(l3, service("web", VIP4, "l3", 4)):
        before = counts(l3, "b1")
        words = ("explain", at(CLIENT[VIP4], next(PORTS)))
        told = l3.json("b1", *words, f"{OF_BACKENDS[4][0]}:80/tcp")
        assert (told["program"], told["verdict"], told["reason"]) == ("backend", "pass", "restored")
        assert told["out"]["destination"] == VIP4
        told = l3.json("b1", *words, f"{OF_BACKENDS[4][0]}:22/tcp")
        assert told["reason"] == "pass_not_ours" and told["hex"]["in"] == told["hex"]["out"]
        assert "shunt show aliases" in told["advice"], "a backend has no services to show"
        assert added(before, counts(l3, "b1")) == {}


# ---- what cannot be asked ------------------------------------------------------------------------------


def test_an_interface_without_our_program(l3):
    result = l3.shunt("director", "explain", "198.18.0.77:40000", f"{VIP4}:80/tcp", "--dev", "lo")
    assert result.returncode == 1
    assert result.stderr == ("shunt: no program of shunt is on lo: `shunt show interfaces` lists where there is one\n")
    assert l3.json("director", "explain", "198.18.0.77:40000", f"{VIP4}:80/tcp", "--dev", "eth0")["dev"] == "eth0"


def test_as_people_read_it(l3):
    with serving(l3, service("web", VIP4, "gue", 4)):
        result = l3.shunt("director", "explain", "198.18.0.77:40000", f"{VIP4}:80/tcp")
        lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
        assert lines["packet"] == f"198.18.0.77:40000 -> {VIP4}:80/tcp, syn, 54 bytes"
        assert lines["in"] == "eth0 (program: director)" and lines["service"] == "web-gue4"
        assert lines["slot"].endswith(", steady") and "gue, weight 1, active: the slot leads to it" in lines["backend"]
        assert lines["path"] == "198.18.1.2 dev eth0, weight 1, MTU 1500 <- taken"
        assert lines["out"] == "eth0, 02:00:00:00:01:10 -> 02:00:00:00:01:02, 82 bytes"
        assert lines["verdict"] == "tx (tx): forwarded out of the interface it came in"
