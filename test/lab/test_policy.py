# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Policy routing: rules are followed, and where they tell packets of one backend apart, each packet is."""
import contextlib
import json

import pytest

from lab import wait_for

VIPS = pytest.mark.parametrize("family", [4, 6])
VIP = {4: "203.0.113.10", 6: "2001:db8:203::10"}
BACKENDS = {4: ("198.51.100.11", "198.51.100.12"), 6: ("2001:db8:51::11", "2001:db8:51::12")}
NET = {4: "198.51.100.0/24", 6: "2001:db8:51::/64"}
R1 = {4: "198.18.1.2", 6: "2001:db8:18:1::2"}
R2 = {4: "198.18.1.3", 6: "2001:db8:18:1::3"}
CLIENT = {4: "198.18.0.10", 6: "2001:db8:18::10"}
TABLE = 777


@contextlib.contextmanager
def table_by(lab, family, router, *rules):
    """A table that leads to the backends by `router`, and rules to it."""
    ip = f"ip -{family}"
    lab.run("director", f"{ip} route add {NET[family]} via {router} table {TABLE}")
    try:
        for rule in rules:
            lab.run("director", f"{ip} rule add priority 500 {rule}")
        yield
    finally:
        while "\n500:" in "\n" + lab.run("director", f"{ip} rule show"):
            lab.run("director", f"{ip} rule del priority 500")
        lab.run("director", f"{ip} route flush table {TABLE}", check=False)
        wait_for("as before", lambda: all(backend["reason"] == "" for backend in of(lab, family)))
        lab.assert_verified()


def of(lab, family):
    return [backend for address, backend in lab.backends().items() if address in BACKENDS[family]]


def nexthops(lab, family):
    return {path["nexthop"] for backend in of(lab, family) for path in backend["paths"]}


def reasons(lab, family):
    return {(backend["state"], backend["reason"]) for backend in of(lab, family)}


def counters(lab):
    """Packets directed by bpf_fib_lookup, and by the cached path."""
    counts = {row["name"]: row["packets"] for row in lab.json("director", "status")["reasons"]}
    return counts["fib_tx"] + counts["fib_redirect"], counts["tx"] + counts["redirect"]


def forwarded(lab, family, count=40):
    """How many packets r1 and r2 took from the director for the backends while that many requests were made."""
    def took(router):
        rows = json.loads(lab.run(router, "ip -j -s -d link show dev rack"))
        return rows[0]["stats64"]["tx"]["packets"]

    before = took("r1"), took("r2")
    answers = lab.curl(VIP[family], count)
    assert sum(answers.values()) == count and "-" not in answers, answers
    return took("r1") - before[0], took("r2") - before[1]


def kernel_says(lab, family, *more):
    """By which router the director's kernel sends a client's packet to the first backend."""
    answer = json.loads(lab.run("director", f"ip -{family} -j route get {BACKENDS[family][0]} {' '.join(more)}"))
    return answer[0]["gateway"]


@VIPS
@pytest.mark.parametrize("rule", ["to", "all"])
def test_rules_by_destination_and_table(l3, family, rule):
    selector = f"to {NET[family]}" if rule == "to" else "from all"
    with table_by(l3, family, R2[family], f"{selector} lookup {TABLE}"):
        wait_for("by r2", lambda: nexthops(l3, family) == {R2[family]})
        l3.assert_verified()
        assert kernel_says(l3, family) == R2[family]
        assert reasons(l3, family) == {("active", "")}
    wait_for("by r1", lambda: nexthops(l3, family) == {R1[family]})


@VIPS
def test_rules_by_the_one_ingress_interface(l3, family):
    with table_by(l3, family, R2[family], f"iif eth0 lookup {TABLE}"):
        wait_for("by r2", lambda: nexthops(l3, family) == {R2[family]})
        l3.assert_verified()
        assert kernel_says(l3, family, "from", CLIENT[family], "iif", "eth0") == R2[family]
        assert kernel_says(l3, family) == R1[family]  # what the node sends itself
        assert reasons(l3, family) == {("active", "")}
        by_r1, by_r2 = forwarded(l3, family)
        assert by_r2 > by_r1


def test_rules_by_ingress_interface_and_nexthop_objects(l3):
    """IPv6 routes that share an object, in the tables of two rules: the one that a directed packet meets counts."""
    backends, net = BACKENDS[6], NET[6]
    ip = "ip -6"
    before = l3.run("director", f"{ip} route show {net}").strip()
    for line in (f"nexthop add id 901 via {R1[6]} dev eth0", f"nexthop add id 902 via {R2[6]} dev eth0",
                 f"route add {backends[0]}/128 nhid 902 table {TABLE}", f"route add {backends[1]}/128 nhid 901 table {TABLE}",
                 "route add 2001:db8:99::/64 nhid 902", f"route replace {net} nhid 901",
                 "rule add priority 499 iif lo lookup main", f"rule add priority 500 iif eth0 lookup {TABLE}"):
        l3.run("director", f"{ip} {line}")
    try:
        wait_for("each by its own", lambda: [[path["nexthop"] for path in l3.backends()[address]["paths"]]
                                             for address in backends] == [[R2[6]], [R1[6]]])
        l3.assert_verified()
        assert kernel_says(l3, 6, "from", CLIENT[6], "iif", "eth0") == R2[6]
        assert kernel_says(l3, 6) == R1[6]
        assert reasons(l3, 6) == {("active", "")}
        by_r1, by_r2 = forwarded(l3, 6)
        assert by_r1 > 40 and by_r2 > 40
    finally:
        l3.run("director", f"{ip} route replace {before}")
        for line in ("rule del priority 499", "rule del priority 500", "nexthop del id 901", "nexthop del id 902"):
            l3.run("director", f"{ip} {line}")
    wait_for("by r1", lambda: nexthops(l3, 6) == {R1[6]})
    l3.assert_verified()


SELECTORS = {
    "source address": "from {client}",
    "TOS": "tos 0x10",
    "protocol": "ipproto tcp",
    "port": "ipproto udp dport 7",
    "mark": "fwmark 7",
}


@VIPS
@pytest.mark.parametrize("by", SELECTORS)
def test_rules_that_tell_packets_apart(l3, family, by):
    """No packet goes by the cache, and each where the kernel's rules have it."""
    selector = SELECTORS[by].format(client=CLIENT[family])
    matches = by in ("source address", "protocol")  # what curl sends
    word = "protocol" if by == "port" else by  # the first that the rule selects by
    with table_by(l3, family, R2[family], f"{selector} lookup {TABLE}"):
        said = {("active", f"rule 500 goes by {word}: each packet is looked up in the FIB")}
        wait_for("the rule is seen", lambda: reasons(l3, family) == said)
        l3.assert_verified()
        # The first packets by a next hop that nobody has asked for go through the kernel, which resolves it.
        l3.curl(VIP[family], 5)
        by_fib, by_path = counters(l3)
        by_r1, by_r2 = forwarded(l3, family)
        assert (by_r2 > by_r1) == matches, (by_r1, by_r2)
        after_fib, after_path = counters(l3)
        assert after_path == by_path
        assert after_fib >= by_fib + 4 * 40


@VIPS
def test_a_rule_for_others_changes_nothing(l3, family):
    elsewhere = {4: "192.0.2.0/24", 6: "2001:db8:77::/64"}[family]
    with table_by(l3, family, R2[family], f"from {CLIENT[family]} to {elsewhere} lookup {TABLE}",
                  f"iif lo lookup {TABLE}", f"oif eth0 lookup {TABLE}"):
        # What the node sends itself goes by r2, what it directs goes by r1.
        wait_for("rules are there", lambda: kernel_says(l3, family) == R2[family])
        wait_for("by r1", lambda: nexthops(l3, family) == {R1[family]})
        l3.assert_verified()
        assert kernel_says(l3, family, "from", CLIENT[family], "iif", "eth0") == R1[family]
        assert reasons(l3, family) == {("active", "")}
        _, by_path = counters(l3)
        by_r1, by_r2 = forwarded(l3, family)
        assert by_r1 > by_r2
        assert counters(l3)[1] > by_path


@contextlib.contextmanager
def second_interface(lab):
    """Another interface that the director takes packets by."""
    number = {4: "198.18.2", 6: "2001:db8:18:2:"}
    lab.run("edge", f"ip link add side type veth peer name eth9 netns {lab.netns('director')}")
    try:
        for node, dev, host in (("edge", "side", 1), ("director", "eth9", 10)):
            lab.run(node, f"ethtool -K {dev} tx off tso off gso off gro off")
            lab.run(node, f"ip link set {dev} up")
            lab.run(node, f"ip addr add {number[4]}.{host}/24 dev {dev}")
            lab.run(node, f"ip addr add {number[6]}:{host}/64 dev {dev} nodad")
        wait_for("it carries the program", lambda: lab.program("director", "eth9"))
        yield {4: f"{number[4]}.10", 6: f"{number[6]}:10"}
    finally:
        lab.run("edge", "ip link del side")
        wait_for("it is gone", lambda: len(lab.json("director", "show", "interfaces")) == 1)


@VIPS
def test_two_ingress_interfaces_that_rules_tell_apart(l3, family):
    with second_interface(l3) as director, table_by(l3, family, R2[family], f"iif eth9 lookup {TABLE}"):
        said = {("active", "rule 500 goes by ingress interface: each packet is looked up in the FIB")}
        wait_for("the rule is seen", lambda: reasons(l3, family) == said)
        assert nexthops(l3, family) == {R1[family], R2[family]}  # both are kept resolved
        l3.assert_verified()
        by_r1, by_r2 = forwarded(l3, family)
        assert by_r1 > by_r2
        before = l3.run("edge", f"ip -{family} route show {VIP[family]}").strip()
        l3.run("edge", f"ip -{family} route replace {VIP[family]} via {director[family]}")
        try:
            by_r1, by_r2 = forwarded(l3, family)
            assert by_r2 > by_r1
        finally:
            l3.run("edge", f"ip -{family} route replace {before}")


@VIPS
def test_two_ingress_interfaces_that_rules_treat_alike(l3, family):
    with second_interface(l3), table_by(l3, family, R2[family], f"iif eth9 lookup {TABLE}", f"iif eth0 lookup {TABLE}"):
        wait_for("by r2", lambda: nexthops(l3, family) == {R2[family]})
        assert reasons(l3, family) == {("active", "")}
        l3.assert_verified()


@VIPS
def test_a_rule_that_prohibits(l3, family):
    l3.run("director", f"ip -{family} rule add priority 500 to {NET[family]} prohibit")
    try:
        wait_for("prohibited", lambda: {state for state, _ in reasons(l3, family)} == {"unreachable"})
        assert all("prohibit" in reason for _, reason in reasons(l3, family))
        l3.assert_verified()
    finally:
        l3.run("director", f"ip -{family} rule del priority 500")
    wait_for("back", lambda: reasons(l3, family) == {("active", "")})


@VIPS
def test_a_table_in_front_that_loses_its_route(l3, family):
    """One backend has a route of its own in the table behind. What the one before it is answered does not hold for it."""
    ip, own = f"ip -{family}", BACKENDS[family][1]
    l3.run("director", f"{ip} route add {own} via {R2[family]}")
    try:
        with table_by(l3, family, R2[family], f"from all lookup {TABLE}"):
            wait_for("by r2", lambda: nexthops(l3, family) == {R2[family]})
            l3.run("director", f"{ip} route del {NET[family]} table {TABLE}")
            wait_for("each by its own", lambda: nexthops(l3, family) == {R1[family], R2[family]})
            l3.assert_verified()
            # The other way round: the table in front leaves one to the table behind.
            l3.run("director", f"{ip} route add throw {own} table {TABLE}")
            l3.run("director", f"{ip} route change {own} via {R1[family]}")
            l3.run("director", f"{ip} route add {NET[family]} via {R2[family]} table {TABLE}")
            wait_for("one is left to the main table", lambda: nexthops(l3, family) == {R1[family], R2[family]})
            l3.assert_verified()
    finally:
        l3.run("director", f"{ip} route del {own}")
    l3.assert_verified()


@VIPS
def test_a_rule_by_source_behind_the_main_table(l3, family):
    """The main table's default route is passed over, and a rule by source comes before the table that answers."""
    ip = f"ip -{family}"
    l3.run("director", f"{ip} route del {NET[family]}")
    l3.run("director", f"{ip} rule add priority 490 lookup main suppress_prefixlength 0")
    l3.run("director", f"{ip} rule add priority 495 from {CLIENT[family]} lookup {TABLE + 1}")
    l3.run("director", f"{ip} route add {NET[family]} via {R1[family]} table {TABLE + 1}")
    try:
        with table_by(l3, family, R2[family], f"from all lookup {TABLE}"):
            wait_for("each packet", lambda: {(state, "source" in reason) for state, reason in reasons(l3, family)}
                     == {("active", True)})
            by_r1, by_r2 = forwarded(l3, family)
            assert by_r1 >= 40 and by_r2 < 40, (by_r1, by_r2)
            l3.run("director", f"{ip} rule del priority 495")
            l3.run("director", f"{ip} rule del priority 490")
            l3.run("director", f"{ip} route add {NET[family]} via {R1[family]}")
    finally:
        for priority in (490, 495):
            l3.run("director", f"{ip} rule del priority {priority}", check=False)
        l3.run("director", f"{ip} route replace {NET[family]} via {R1[family]}")
        l3.run("director", f"{ip} route flush table {TABLE + 1}", check=False)
    l3.assert_verified()
