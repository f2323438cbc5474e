# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What rtnetlink tells badly or not at all: routes, legs and neighbours that change without a word about them.

After each change the maps must agree with the kernel (`shunt verify`) and what is shown with what `ip` says, of both
families; and the audit, which runs all the while, must have found nothing.
"""
import pathlib
import subprocess
import sys

import pytest

import oracle
import scale
import silent
from lab import wait_for
from oracle import ip
from silent import (ALL, GATEWAY4, GATEWAY6, GROUP, MULTIPATH, OBJECT, OWN4, OWN6, PLAIN, RESILIENT, backend4, backend6)

@pytest.fixture(scope="module")
def running():
    yield from silent.running()


@pytest.fixture
def director(running):
    yield from silent.unharmed(running)


def both(way):
    return backend4(way), backend6(way)


def only_by_d1(director):
    return lambda: (director.states(*both(PLAIN), silent.ONLINK4, silent.ONLINK6) == {"unreachable"} and
                    all(director.ways(address) <= {"d1"} for address in ALL))


# ---- devices


def test_device_down(director):
    director.ip("link set d0 down")
    director.follows("only d1 is left", only_by_d1(director))


def test_device_down_where_ipv6_keeps_quiet_too(director):
    director.sysctl("ipv6/route/skip_notify_on_dev_down", 1)
    try:
        director.ip("link set d0 down")
        director.follows("only d1 is left", only_by_d1(director))
    finally:
        director.sysctl("ipv6/route/skip_notify_on_dev_down", 0)


def test_device_deleted(director):
    director.ip("link del d0")
    director.follows("only d1 is left", only_by_d1(director))


def test_device_moved_to_another_namespace(director):
    director.ip(f"link set d0 netns {director.network.routers[1]}")
    try:
        director.follows("only d1 is left", only_by_d1(director))
    finally:
        ip(director.network.routers[1], "link", "del", "d0")


def test_last_ipv4_address_removed(director):
    director.ip(f"addr del {OWN4[0]} dev d0")
    director.follows("no IPv4 by d0", lambda: director.states(backend4(PLAIN)) == {"unreachable"} and
                     director.ways(backend4(MULTIPATH)) == {"d1"})
    assert director.states(*silent.BACKENDS6) == {"active"}


def test_last_ipv6_address_removed(director):
    director.ip(f"addr del {OWN6[0]} dev d0")
    director.follows("the on-link backend is lost", lambda: director.states(silent.ONLINK6) == {"unreachable"})
    assert director.states(*silent.BACKENDS4) == {"active"}


@pytest.mark.parametrize("ignored", [0, 1], ids=["kept", "ignored"])
def test_carrier_lost_and_back(director, ignored):
    """Legs without carrier are left out by us, by the kernel only where it is told to; managed neighbours are deleted."""
    director.sysctl("ipv4/conf/all/ignore_routes_with_linkdown", ignored)
    director.sysctl("ipv6/conf/all/ignore_routes_with_linkdown", ignored)
    try:
        ip(director.network.routers[0], "link", "set", "w0", "down")
        director.follows("only d1 is left", only_by_d1(director))
        ip(director.network.routers[0], "link", "set", "w0", "up")
        ip(director.network.routers[0], "addr", "replace", f"{GATEWAY6[0]}/64", "dev", "w0")
        # Nexthop objects do not return.
        director.follows("both again", lambda: all(director.ways(address) == {"d0", "d1"} for address in both(MULTIPATH))
                         and director.states(*both(PLAIN)) == {"active"})
        neighbours = oracle.documents(director.netns, "-d", "neigh", "show", "dev", "d0")
        assert {neigh["dst"] for neigh in neighbours if "managed" in neigh} >= {GATEWAY4[0], GATEWAY6[0]}
    finally:
        director.sysctl("ipv4/conf/all/ignore_routes_with_linkdown", 0)
        director.sysctl("ipv6/conf/all/ignore_routes_with_linkdown", 0)


def test_local_mac_changed(director):
    """It deletes all neighbours of the device, also those that are managed."""
    director.ip("link set d0 address 02:00:00:00:99:01")
    director.follows("the new source", lambda: {path["src_mac"] for path in director.backends()[backend4(PLAIN)]["paths"]
                                                } == {"02:00:00:00:99:01"})
    director.follows("all are active again", lambda: director.states(*ALL) == {"active"})


def test_permanent_neighbour_set_and_deleted(director):
    director.ip(f"neigh replace {GATEWAY4[0]} lladdr 02:00:00:00:99:02 nud permanent dev d0")
    director.ip(f"neigh replace {GATEWAY6[0]} lladdr 02:00:00:00:99:02 nud permanent dev d0")
    for address in both(PLAIN):
        director.follows("the MAC set by hand", lambda address=address: {
            path["dst_mac"] for path in director.backends()[address]["paths"]} == {"02:00:00:00:99:02"})
    director.ip(f"neigh del {GATEWAY4[0]} dev d0")
    director.ip(f"neigh del {GATEWAY6[0]} dev d0")
    for address in both(PLAIN):
        director.follows("the router's own", lambda address=address: director.states(address) == {"active"} and {
            path["dst_mac"] for path in director.backends()[address]["paths"]} != {"02:00:00:00:99:02"})


# ---- programs

HOLD_A_LINK = """
import ctypes, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(128, bytes(1)))
    fd = libc.syscall(321, command, buffer, 128)
    assert fd >= 0, ctypes.get_errno()
    return fd
path = ctypes.create_string_buffer(sys.argv[1].encode())
program = bpf(7, struct.pack("=QII", ctypes.addressof(path), 0, 0))
bpf(28, struct.pack("=IIII", program, int(sys.argv[2]), 37, 2))
print("attached", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def foreign(director, tmp_path):
    """Somebody else's program on x0, by a bpf_link that ends with the process. Yields the process."""
    source, obj = tmp_path / "f.c", tmp_path / "f.o"
    pin = director.daemon.pin_dir.with_name(director.daemon.pin_dir.name + "-foreign")
    source.write_text('__attribute__((section("xdp"), used)) int foreign(void *ctx) { return 2; }\n'
                      '__attribute__((section("license"), used)) char _license[] = "GPL";\n')
    scale.run("clang", "-O2", "-target", "bpf", "-c", str(source), "-o", str(obj))
    director.ip("link add other type veth peer name far")
    scale.run("bpftool", "prog", "load", str(obj), str(pin), "type", "xdp")
    index = oracle.documents(director.netns, "link", "show", "other")[0]["ifindex"]
    process = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{director.netns}", sys.executable, "-c", HOLD_A_LINK, str(pin), str(index)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "attached\n"
        director.ip("link set other name x0")
        director.ip("link set x0 up")
        yield process
    finally:
        process.kill()
        process.communicate()
        pin.unlink()
        director.ip("link del x0")


def test_a_foreign_bpf_link_is_respected_and_its_end_noticed(director, foreign):
    """Neither its attachment nor its end is told by anyone."""
    def state():
        return {row["name"]: row["state"] for row in director.daemon.json("show", "interfaces")}.get("x0")

    wait_for("blocked", lambda: state() == "blocked")
    foreign.communicate("")
    wait_for("ours", lambda: state() == "attached")
    director.follows("nothing is lost", lambda: director.states(*ALL) == {"active"})


# ---- nexthop objects


@pytest.fixture(params=[0, 1], ids=["compat0", "compat1"])
def compat(director, request):
    director.sysctl("ipv4/nexthop_compat_mode", request.param)
    yield director
    director.sysctl("ipv4/nexthop_compat_mode", 1)


def test_nexthop_object_replaced(compat):
    compat.ip(f"nexthop replace id 1 via {GATEWAY4[1]} dev d1")
    compat.ip(f"nexthop replace id 11 via {GATEWAY6[1]} dev d1")
    compat.follows("by d1", lambda: all(compat.ways(address) == {"d1"} for address in both(OBJECT)))
    assert compat.states(*ALL) == {"active"}


def test_nexthop_object_becomes_a_blackhole(compat):
    compat.ip("nexthop replace id 1 blackhole")
    compat.ip("-6 nexthop replace id 11 blackhole")
    compat.follows("unreachable", lambda: compat.states(*both(OBJECT)) == {"unreachable"})


def test_nexthop_group_replaced(compat):
    compat.ip("nexthop replace id 4 group 2,5/3,1")
    compat.ip("nexthop replace id 14 group 13")
    compat.follows("other weights, one leg", lambda: compat.ways(backend6(GROUP)) == {"d1"} and {
        path["weight"] for path in compat.backends()[backend4(GROUP)]["paths"]} == {5, 1})


def test_nexthop_object_deleted(compat):
    compat.ip("nexthop del id 1")
    compat.ip("nexthop del id 11")
    compat.follows("unreachable", lambda: compat.states(*both(OBJECT)) == {"unreachable"})


def test_nexthop_group_deleted(compat):
    for number in (4, 7, 14, 17):
        compat.ip(f"nexthop del id {number}")
    compat.follows("unreachable", lambda: compat.states(*both(GROUP), *both(RESILIENT)) == {"unreachable"})


def test_nexthop_group_loses_a_member(compat):
    for number in (2, 5, 12, 15):
        compat.ip(f"nexthop del id {number}")
    compat.follows("by d1", lambda: all(compat.ways(address) == {"d1"}
                                        for address in (*both(GROUP), *both(RESILIENT))))


def test_nexthop_group_shrunk_by_a_device(compat):
    compat.ip("link set d1 down")
    compat.follows("by d0", lambda: all(compat.ways(address) == {"d0"}
                                        for address in (*both(GROUP), *both(RESILIENT), *both(MULTIPATH))))


# ---- sysctls and rules


@pytest.mark.parametrize("ours", ["all", "d0"])
def test_ignore_routes_with_linkdown_switched(director, ours):
    """IPv4 takes a shorter prefix then. The sysctl alone is told, not the routes that it concerns."""
    director.ip(f"route add 198.18.0.0/16 via {GATEWAY4[1]}")
    try:
        ip(director.network.routers[0], "link", "set", "w0", "down")
        director.follows("lost", lambda: director.states(backend4(PLAIN)) == {"unreachable"})
        director.sysctl(f"ipv4/conf/{ours}/ignore_routes_with_linkdown", 1)
        director.follows("by the shorter prefix", lambda: director.ways(backend4(PLAIN)) == {"d1"})
        director.sysctl(f"ipv4/conf/{ours}/ignore_routes_with_linkdown", 0)
        director.follows("lost again", lambda: director.states(backend4(PLAIN)) == {"unreachable"})
    finally:
        director.sysctl(f"ipv4/conf/{ours}/ignore_routes_with_linkdown", 0)
        director.ip("route del 198.18.0.0/16")


@pytest.mark.parametrize("name", ["ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/conf/d0/rp_filter",
                                  "ipv4/conf/d0/arp_ignore", "ipv4/fib_multipath_hash_policy"])
def test_other_sysctls_switched(director, name):
    before = pathlib.Path("/proc/sys/net", name)
    old = scale.run("nsenter", f"--net=/run/netns/{director.netns}", "cat", str(before)).strip()
    try:
        director.sysctl(name, 1 - int(old))
        director.follows("nothing is lost", lambda: director.states(*silent.BACKENDS4) == {"active"})
    finally:
        director.sysctl(name, old)


@pytest.mark.parametrize("family", ["-4", "-6"])
def test_rule_added_and_removed(director, family):
    address = backend4(PLAIN) if family == "-4" else backend6(PLAIN)
    director.ip(f"{family} rule add to {address} lookup 100 priority 100")
    try:
        director.follows("by the rule's table", lambda: director.ways(address) == {"d1"})
    finally:
        director.ip(f"{family} rule del to {address} lookup 100 priority 100")
    director.follows("by the main table", lambda: director.ways(address) == {"d0"})
