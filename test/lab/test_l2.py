# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""L2 direct server return end to end: director and backends on one subnet."""
import json

import pytest

from lab import wait_for

VIP4 = "203.0.113.10"
VIP6 = "2001:db8:203::10"
VIPS = pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["ipv4", "ipv6"])
WEB = (f"http://{VIP4}/", f"http://[{VIP6}]/")
BACKENDS = ("b1", "b2")


@VIPS
def test_200_requests_all_answered_by_both_backends(l2, vip):
    answers = l2.curl(vip, 200)
    assert set(answers) == set(BACKENDS) and sum(answers.values()) == 200, answers


@VIPS
def test_udp_echo_answered_by_both_backends(l2, vip):
    requests = l2.requests(f"udp://[{vip}]:7" if ":" in vip else f"udp://{vip}:7", count=100)
    assert [request for request in requests if not request.ok] == []
    assert {request.answer for request in requests} == set(BACKENDS)


@VIPS
def test_only_the_director_answers_for_the_vip(l2, vip):
    l2.run("router", f"ip neigh flush to {vip}")
    assert sum(l2.curl(vip, 20).values()) == 20
    neighbour = l2.run("router", f"ip neigh show {vip}")
    assert l2.link("director", "eth0")["address"] in neighbour


@VIPS
def test_replies_do_not_cross_the_director(l2, vip):
    before = l2.counters("director", "eth0")
    answers = l2.curl(vip, 100)
    received, sent = (after - was for after, was in zip(l2.counters("director", "eth0"), before))
    assert "-" not in answers
    assert received >= 400
    assert abs(received - sent) <= 60


def test_a_backend_gets_a_new_mac(l2):
    l2.run("b1", "sysctl -qw net.ipv4.conf.all.arp_notify=1 net.ipv6.conf.all.ndisc_notify=1")
    with l2.traffic(*WEB) as traffic:
        with traffic.change():
            mac = l2.new_mac("b1", "eth0")
        l2.assert_verified()
        wait_for("followed", lambda: l2.backends()["203.0.113.11"]["paths"][0]["dst_mac"] == mac)
        traffic.more(20)
    assert traffic.failed_beside_changes() == []


def test_dispatches_are_told_while_somebody_listens(l2):
    """The straight way, which tells nothing, is shut meanwhile and soon open again: `verify` tells of guesses."""
    with l2.streaming("director", "events", "-j") as lines:
        def told():
            l2.curl(VIP4, 4)
            return {event["backend"] for event in map(json.loads, lines()) if event["event"] == "dispatch"}

        wait_for("dispatches to both", lambda: told() >= {"203.0.113.11", "203.0.113.12"})
        l2.assert_verified()
    l2.assert_verified(deadline=8)  # nothing else opens it for some 15 s
    assert "-" not in l2.curl(VIP4, 20)


def test_kill_9_and_restart_fails_no_request(l2):
    with l2.traffic(*WEB) as traffic:
        l2.kill("director")
        traffic.more(10)
        l2.start("director")
        l2.assert_verified()
        traffic.more(20)
    assert traffic.failed() == []


def test_a_dead_backend_leaves_the_ring_and_returns(l2):
    """Its neighbour entry fails: unreachable, with the reason; the other one takes all."""
    try:
        l2.run("b1", "ip link set eth0 down")
        # What the kernel finds out by itself in half a minute, told at once.
        l2.run("director", "ip neigh flush dev eth0", check=False)
        wait_for("unreachable", lambda: l2.backends()["203.0.113.11"]["state"] == "unreachable", deadline=60)
        assert l2.backends()["203.0.113.11"]["reason"]
        assert l2.curl(VIP4, 50) == {"b2": 50}
    finally:
        l2.run("b1", "ip link set eth0 up")
        l2.run("b1", "ip route replace default via 203.0.113.1")
        l2.run("b1", "ip -6 addr replace 2001:db8:203::11/64 dev eth0")
        l2.run("b1", "ip -6 route replace default via 2001:db8:203::1")
    wait_for("active", l2.all_active, deadline=60)
    answers = l2.curl(VIP4, 100)
    assert set(answers) == set(BACKENDS), answers
