# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ipip, gue and l3 with a DSCP end to end: the nodes of the l3 lab with other files."""
import contextlib

import pytest

from lab import wait_for

VIP4, VIP6 = "203.0.113.10", "2001:db8:203::10"
SECOND4 = "203.0.113.20"
BACKENDS = {"b1", "b2"}
NODES = ("b1", "b2", "director")
OF_BACKENDS = {4: ("198.51.100.11", "198.51.100.12"), 6: ("2001:db8:51::11", "2001:db8:51::12")}


def service(name, vip, forward, outer, more=""):
    name = f"{name}-{forward}{outer}"
    return (f"  - name: {name}\n    vip: {vip}\n    ports: [80/tcp, 7/udp]\n    forward: {forward}\n{more}"
            f"    backends: [{', '.join(f'{chr(34)}{address}{chr(34)}' for address in OF_BACKENDS[outer])}]\n")


def rows(lab):
    """Of the backends in the file: those of another one stay a while, for the flows that they have."""
    return [row for row in lab.json("director", "show", "backends") if row["weight"]]


def all_active(lab):
    return all(row["state"] == "active" for row in rows(lab))


def forget(lab):
    """The director has no services for a moment: the flows of who has their VIPs next would be led to where they were before."""
    before = lab.read_config()
    lab.write_config('interfaces: [{match: "eth*"}]\nservices: []\n')
    result = lab.shunt("director", "reload")
    assert result.returncode == 0, result.stdout + result.stderr
    lab.write_config(before)


@contextlib.contextmanager
def changed(lab, *services, more="", nodes=NODES):
    """The file with these services on the nodes; every backend active, and every node's maps as they should be."""
    text = 'interfaces: [{match: "eth*"}]\n' + more + "services:\n" + "".join(services)
    with lab.configured(lambda _: text, *nodes):
        wait_for("active", lambda: all_active(lab))
        lab.assert_verified(*NODES)
        yield


@contextlib.contextmanager
def serving(lab, *services, more=""):
    """The same where nobody served before, and nobody did afterwards."""
    forget(lab)
    with changed(lab, *services, more=more):
        try:
            yield
        finally:
            forget(lab)


def count(lab, node, reason):
    """Packets that ended so there."""
    return {row["name"]: row["packets"] for row in lab.json(node, "status")["reasons"]}[reason]


def assert_all_answer(lab, vip):
    answers = lab.curl(vip, 60)
    assert set(answers) == BACKENDS and sum(answers.values()) == 60, answers


def assert_udp(lab, vip):
    requests = lab.requests(f"udp://[{vip}]:7" if ":" in vip else f"udp://{vip}:7", count=40)
    assert [request for request in requests if not request.ok] == []
    assert {request.answer for request in requests} == BACKENDS


@pytest.mark.parametrize("mode", ["ipip", "gue"])
def test_either_family_in_either(l3, mode):
    for outer in (4, 6):
        with serving(l3, service("web", VIP4, mode, outer), service("web6", VIP6, mode, outer)):
            assert {row["forward"] for row in rows(l3)} == {mode}
            for vip in (VIP4, VIP6):
                assert_all_answer(l3, vip)
                assert_udp(l3, vip)


def test_a_mode_that_changes_takes_effect_at_once(l3):
    """Under the same name: for all packets, those that go to the backend before, too. Others are gone with their addresses."""
    def by(forward, more=""):
        return service("web", VIP4, forward, 4, more).replace(f"web-{forward}4", "web")

    # b2 takes no new flows, and unknown datagrams are its own, in half of the slots.
    first = by("l3").replace(f'"{OF_BACKENDS[4][1]}"', f'{{address: "{OF_BACKENDS[4][1]}", weight: 0}}')
    with serving(l3, by("l3")):
        for text, mode in ((first, "l3"), (by("ipip"), "ipip"), (first.replace("l3", "gue"), "gue"), (by("l3", "    dscp: 9\n"), "l3")):
            with changed(l3, text):
                assert {row["forward"] for row in l3.json("director", "show", "backends")} == {mode}
                assert l3.json("director", "show", "services")[0]["moving"] > 0
                assert_udp(l3, VIP4)
                assert l3.curl(VIP4, 20).get("-", 0) == 0


def test_directors_may_change_to_a_tunnel_first(l3):
    """Backends whose file says l3 take out what comes in either: so back to l3 they may change first."""
    def by(forward):
        return service("web", VIP4, forward, 4).replace(f"web-{forward}4", "web")

    with serving(l3, by("l3")):
        for mode in ("ipip", "gue"):
            with changed(l3, by(mode), nodes=("director",)):
                assert {row["forward"] for row in rows(l3)} == {mode}
                assert_all_answer(l3, VIP4)
                assert_udp(l3, VIP4)


def test_backends_may_change_from_l3_first(l3):
    """They go on restoring what directors that have yet to read the file send; also when shuntd starts anew meanwhile."""
    def by(forward, more=""):
        return service("web", VIP4, forward, 4, more).replace(f"web-{forward}4", "web")

    with serving(l3, by("l3")):
        for text in (by("ipip"), by("gue"), by("ipip")):
            with changed(l3, text, nodes=("b1", "b2")):
                before = count(l3, "b1", "restored")
                assert_all_answer(l3, VIP4)
                assert_udp(l3, VIP4)
                assert count(l3, "b1", "restored") > before
                l3.kill("b1")
                l3.start("b1")
                assert_all_answer(l3, VIP4)
                l3.assert_verified("b1", "b2")
    with serving(l3, by("l3", "    dscp: 9\n")):
        with changed(l3, by("l3", "    dscp: 10\n"), nodes=("b1", "b2")):
            assert_all_answer(l3, VIP4)


def test_what_a_backend_goes_on_restoring_ends(l3):
    """By time; and at once where its VIP is another node's affair now."""
    def by(forward, more=""):
        return service("web", VIP4, forward, 4, more).replace(f"web-{forward}4", "web")

    def restored():
        """How the last of b1's own packets fared: direct ones are restored, and lost, while it goes on."""
        return l3.curl(OF_BACKENDS[4][0], 1) != {"b1": 1}

    with serving(l3, by("l3")):
        with changed(l3, by("ipip", "    idle: 1s\n"), nodes=("b1",)):
            wait_for("direct traffic works", lambda: not restored(), 20)
            l3.assert_verified("b1")


def test_auto_takes_ipip_where_a_router_is_between(l3):
    with serving(l3, service("web", VIP4, "auto", 4)):
        assert {row["forward"] for row in rows(l3)} == {"ipip"}
        assert_all_answer(l3, VIP4)


def test_the_source_spreads(l3):
    """The outer sources are of the prefix that the file names, and several."""
    more = "tunnel: {source: 198.18.255.0/24, port: 6081}\n"
    for mode in ("ipip", "gue"):
        with serving(l3, service("web", VIP4, mode, 4), more=more):
            assert_all_answer(l3, VIP4)


@pytest.mark.parametrize("how", ["ipip", "dscp"])
def test_two_vips_of_one_backend_and_port(l3, how):
    """What l3 alone refuses: the same backends at the same port for two VIPs."""
    if how == "ipip":
        services = [service("web", VIP4, "ipip", 4), service("second", SECOND4, "ipip", 4)]
    else:
        services = [service("web", VIP4, "l3", 4, "    dscp: 10\n"),
                    service("second", SECOND4, "l3", 4, "    dscp: 20\n")]
    l3.run("edge", f"ip route replace {SECOND4}/32 via 198.18.1.10")
    try:
        with serving(l3, *services):
            for vip in (VIP4, SECOND4):
                assert_all_answer(l3, vip)
            assert_udp(l3, VIP4)
    finally:
        l3.run("edge", f"ip route del {SECOND4}/32")


def test_direct_traffic_beside_a_dscp(l3):
    """The backend's own address stays its own where packets carry no mark."""
    with serving(l3, service("web", VIP4, "l3", 4, "    dscp: 10\n"), service("web6", VIP6, "l3", 6, "    dscp: 10\n")):
        for vip in (VIP4, VIP6):
            assert_all_answer(l3, vip)
        for i, name in enumerate(("b1", "b2")):
            for outer in (4, 6):
                assert l3.curl(OF_BACKENDS[outer][i], 5) == {name: 5}


def test_nothing_else_comes_out_of_a_tunnel(l3):
    """A packet for the backend's own address in a tunnel is not taken out; a VIP's is."""
    with serving(l3, service("web", VIP4, "ipip", 4)):
        for inner, name in (("198.51.100.11", "pass_tunnel"), (VIP4, "decapsulated")):
            before = count(l3, "b1", name)
            l3.run("r1", "/usr/bin/python3", "-c",
                   "from scapy.all import IP, TCP, send; "
                   f"send(IP(dst='198.51.100.11')/IP(src='198.18.0.10', dst='{inner}')/TCP(dport=81), verbose=False)")
            wait_for(name, lambda name=name, before=before: count(l3, "b1", name) > before)
