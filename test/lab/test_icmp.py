# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""ICMP end to end: ping, path MTUs that the director tells, and errors that find their backend. The l3 lab."""
import contextlib
import subprocess

import pytest

from lab import BUILD, SANITIZED, wait_for
from test_tunnels import BACKENDS, NODES, OF_BACKENDS, VIP4, VIP6, count, serving

VIPS = pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["ipv4", "ipv6"])
PORT = 5001
MEGABYTE, BACK = 1 << 20, 100000  # bytes

# Counts what comes, then tells its name and the count, and sends something back.
SERVER = f"""
import socket, socketserver
class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        total = 0
        while data := self.request.recv(65536):
            total += len(data)
        self.request.sendall(f"{{NAME}} {{total}}\\n".encode() + bytes({BACK}))
class Server(socketserver.ThreadingTCPServer):
    address_family, allow_reuse_address, daemon_threads = socket.AF_INET6, True, True
Server(("::", {PORT}), Answer).serve_forever()
"""

CLIENT = """
import socket, sys
for _ in range(int(sys.argv[3])):
    with socket.create_connection((sys.argv[1], {port}), timeout=20) as connection:
        connection.settimeout(20)
        connection.sendall(bytes(int(sys.argv[2])))
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(65536):
            answer += data
        line, _, rest = answer.partition(b"\\n")
        print(line.decode(), len(rest))
""".format(port=PORT)


@contextlib.contextmanager
def servers(lab):
    started = []
    try:
        for node in sorted(BACKENDS):
            program = f"NAME = {node!r}\n{SERVER}"
            started.append(subprocess.Popen([*lab.enter(node), "/usr/bin/python3", "-c", program],
                                            stdin=subprocess.DEVNULL))
            wait_for("it listens", lambda node=node: f":{PORT} " in lab.run(node, "ss -ltn"))
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def transfer(lab, vip, size, times):
    """So many connections, `size` bytes there on each. Returns who answered; all must be whole."""
    lines = lab.run("client", "/usr/bin/python3", "-c", CLIENT, vip, str(size), str(times)).splitlines()
    assert len(lines) == times and all(line.split()[1:] == [str(size), str(BACK)] for line in lines), lines
    return {line.split()[0] for line in lines}


def sink(vip, forward, outer):
    family = 6 if ":" in vip else 4
    addresses = ", ".join(f'"{address}"' for address in OF_BACKENDS[outer])
    return (f"  - name: sink{family}-{forward}{outer}\n    vip: {vip}\n    ports: [{PORT}/tcp]\n"
            f"    forward: {forward}\n    backends: [{addresses}]\n")


def forget_mtus(lab, *nodes):
    for node in nodes:
        lab.run(node, "ip route flush cache")
        lab.run(node, "ip -6 route flush cache")


def known_mtu(lab, node, address):
    """The path MTU that a node has learned, or 0."""
    words = lab.run(node, "ip", "route", "get", address).split()
    return int(words[words.index("mtu") + 1]) if "mtu" in words else 0


def told(lab):
    return count(lab, "director", "told_too_big")


WAYS = [("ipip", VIP4, 4, 1480), ("ipip", VIP6, 4, 1480), ("gue", VIP4, 6, 1452), ("gue", VIP6, 6, 1452)]


@pytest.mark.parametrize("forward,vip,outer,mtu", WAYS, ids=[f"{way[0]}-{way[3]}-{i}" for i, way in enumerate(WAYS)])
def test_a_megabyte_through_a_tunnel(l3, forward, vip, outer, mtu):
    """The client's packets are as large as its link, the tunnel takes less: it is told, and goes on."""
    forget_mtus(l3, "client")
    with servers(l3), serving(l3, sink(vip, forward, outer)):
        before = told(l3)
        transfer(l3, vip, MEGABYTE, 3)
        assert known_mtu(l3, "client", vip) == mtu
        assert 0 < told(l3) - before < 100


@VIPS
def test_a_megabyte_over_a_route_with_a_small_mtu(l3, vip):
    """The route's own MTU counts, by l3; where the cache has no path, as bpf_fib_lookup says."""
    prefix, router = ("2001:db8:51::/64", "2001:db8:18:1::2") if vip == VIP6 else ("198.51.100.0/24", "198.18.1.2")
    forget_mtus(l3, "client")
    try:
        with servers(l3), serving(l3, sink(vip, "l3", 6 if vip == VIP6 else 4)):
            l3.run("director", f"ip route replace {prefix} via {router} mtu lock 1300")
            l3.assert_verified()
            wait_for("the route's MTU", lambda: all(
                path["mtu"] == 1300 for row in l3.json("director", "show", "backends") for path in row["paths"]))
            before = told(l3)
            transfer(l3, vip, MEGABYTE, 2)
            assert known_mtu(l3, "client", vip) == 1300
            assert told(l3) > before
    finally:
        l3.run("director", f"ip route replace {prefix} via {router}")
        forget_mtus(l3, "client")


@pytest.mark.parametrize("forward", ["l3", "ipip"])
@VIPS
def test_errors_find_the_backend_that_they_are_about(l3, vip, forward):
    """The way back is small in the midst of it: that router's errors go to the VIP, and must reach the sender."""
    family = 6 if vip == VIP6 else 4
    forget_mtus(l3, "client", *BACKENDS)
    l3.run("edge", "ip link set client mtu 1300")
    try:
        with servers(l3), serving(l3, sink(vip, forward, family)):
            assert transfer(l3, vip, 1000, 30) == BACKENDS
            client = "2001:db8:18::10" if family == 6 else "198.18.0.10"
            for node in sorted(BACKENDS):
                assert known_mtu(l3, node, client) == 1300
    finally:
        l3.run("edge", "ip link set client mtu 1500")
        forget_mtus(l3, "client", *BACKENDS)


def pings(lab, vip):
    """How many of three echo requests were answered."""
    text = lab.run("client", "ping", "-n", "-c", "3", "-i", "0.05", "-W", "1", vip, check=False)
    return int(text.split(" packets transmitted, ")[1].split()[0])


@VIPS
def test_ping_tells_whether_a_vip_serves(l3, vip):
    prefix = "2001:db8:51::/64" if vip == VIP6 else "198.51.100.0/24"
    before = count(l3, "director", "echoed")
    assert pings(l3, vip) == 3
    assert count(l3, "director", "echoed") == before + 3
    router = "2001:db8:18:1::2" if vip == VIP6 else "198.18.1.2"
    before = count(l3, "director", "drop_echo")
    try:
        l3.run("director", f"ip route del {prefix}")
        l3.run("director", f"ip route add blackhole {prefix}")
        wait_for("no backend", lambda: not any(
            row["state"] == "active" for row in l3.json("director", "show", "backends")
            if (":" in row["address"]) == (vip == VIP6)))
        l3.assert_verified()
        assert pings(l3, vip) == 0
        assert count(l3, "director", "drop_echo") == before + 3
    finally:
        l3.run("director", f"ip route del blackhole {prefix}")
        l3.run("director", f"ip route replace {prefix} via {router}")
    wait_for("back", l3.all_active)
    assert pings(l3, vip) == 3


@pytest.mark.skipif(SANITIZED, reason="the same daemon, another hook of the kernel")
def test_the_same_in_native_mode(l3):
    """What the director makes itself leaves by XDP_TX; natively, too."""
    l3.run("wire", f"ip link set dev director-eth0 xdpdrv obj {BUILD}/xdp/backend.bpf.o sec xdp")
    native = {"more": "", "match": "interfaces: [{match: \"eth*\", mode: native}]\n"}
    forget_mtus(l3, "client")
    try:
        text = native["match"] + "services:\n" + sink(VIP4, "ipip", 4) + sink(VIP6, "gue", 4)
        with servers(l3), l3.configured(lambda _: text, *NODES):
            wait_for("active", l3.all_active)
            assert {row["mode"] for row in l3.json("director", "show", "interfaces")} == {"native"}
            for vip, mtu in ((VIP4, 1480), (VIP6, 1472)):
                assert pings(l3, vip) == 3
                transfer(l3, vip, MEGABYTE, 2)
                assert known_mtu(l3, "client", vip) == mtu
    finally:
        l3.run("wire", "ip link set dev director-eth0 xdpdrv off")
        forget_mtus(l3, "client")
