# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""More events than the socket holds, while the daemon is stopped; and many that must not reach it at all."""
import contextlib
import ipaddress
import os
import signal
import subprocess

import pytest

import scale
import silent
from lab import COMPLAINT, wait_for
from silent import ALL, GATEWAY4, GATEWAY6, MULTIPATH, PLAIN, Director, backend4, backend6, batch

CHANGES = 100000


@contextlib.contextmanager
def started(*options):
    network = silent.Network()
    daemon = None
    try:
        network.up()
        daemon = scale.Daemon(network, silent.file_text(), *options)
        daemon.start()
        daemon.wait_active()
        yield Director(network, daemon)
        assert not COMPLAINT.search(daemon.log.read_text(errors="replace"))
    finally:
        if daemon:
            daemon.process.send_signal(signal.SIGCONT)
            daemon.remove()
        network.down()


@contextlib.contextmanager
def stopped(director):
    """The daemon does not run meanwhile."""
    pid = director.daemon.process.pid
    os.kill(pid, signal.SIGSTOP)
    wait_for("it is stopped", lambda: "State:\tT" in open(f"/proc/{pid}/status", encoding="ascii").read())
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def settled(director, runs=1):
    """That many audits have ended, and found nothing; returns the status."""
    before = director.daemon.status()["audit"]["runs"]
    status = director.daemon.wait_until("audits", lambda status: status["audit"]["runs"] > before + runs, 30)
    assert status["audit"]["found"] == 0, director.daemon.log.read_text(errors="replace")[-2000:]
    return status


def moves():
    """Changes of what is tracked: two routes that go to and fro, and two neighbours' MACs."""
    for turn in range(CHANGES // 4):
        router = (turn + 1) % 2
        yield f"route replace 198.18.{PLAIN}.0/24 via {GATEWAY4[router]}"
        yield f"route replace 2001:db8:{PLAIN}::/64 via {GATEWAY6[router]}"
        mac = f"02:00:00:{turn >> 16:02x}:{turn >> 8 & 255:02x}:{turn & 255:02x}"
        yield f"neigh replace {GATEWAY4[1]} lladdr {mac} nud permanent dev d1"
        yield f"neigh replace {GATEWAY6[1]} lladdr {mac} nud permanent dev d1"


def test_an_overrun_is_recovered_in_one_pass():
    with started("--rcvbuf", "65536") as director:
        settled(director)
        before = director.daemon.status()["netlink"]
        with stopped(director):
            batch(director.netns, moves())
            # The last word of each, unlike all before.
            director.ip(f"route replace 198.18.{PLAIN}.0/24 via {GATEWAY4[1]}")
            director.ip(f"route replace blackhole 198.18.{MULTIPATH}.0/24")
            director.ip(f"neigh replace {GATEWAY6[1]} lladdr 02:00:00:00:99:09 nud permanent dev d1")
        director.follows("what came last", lambda: director.ways(backend4(PLAIN)) == {"d1"} and
                         director.states(backend4(MULTIPATH)) == {"unreachable"}, 20)
        assert {path["dst_mac"] for path in director.backends()[backend6(MULTIPATH)]["paths"]
                if path["dev"] == "d1"} == {"02:00:00:00:99:09"}
        after = settled(director)["netlink"]
        assert 1 <= after["overruns"] - before["overruns"] <= 2
        assert after["events"] - before["events"] < 2000, "what was queued is older than what was lost"
        assert after["unparsed"] == 0


def unrelated():
    """Routes that cover nothing tracked, of both families."""
    base4, base6 = int(ipaddress.ip_address("198.19.0.0")), int(ipaddress.ip_address("2001:db8:ffff::"))
    for number in range(CHANGES // 4):
        yield f"{ipaddress.ip_address(base4 + number)}/32"
        yield f"{ipaddress.ip_address(base6 + (number << 64))}/64"


def test_unrelated_routes_do_not_reach_it():
    """As many as would overrun the default buffer hundreds of times; and what matters arrives beside them."""
    with started("--rcvbuf", "212992") as director:
        assert settled(director)["netlink"]["filter"] is True
        before = director.daemon.status()["netlink"]
        with stopped(director):
            for verb in ("add", "del"):
                batch(director.netns, (f"route {verb} blackhole {prefix}" for prefix in unrelated()))
            director.ip(f"route replace 198.18.{PLAIN}.0/24 via {GATEWAY4[1]}")
            director.ip(f"-6 route replace 2001:db8:{PLAIN}::/64 via {GATEWAY6[1]}")
            director.ip("route add blackhole 198.18.0.0/16")
        director.follows("the relevant ones", lambda: all(director.ways(address) == {"d1"} for address in
                                                          (backend4(PLAIN), backend6(PLAIN))))
        after = settled(director)["netlink"]
        assert after["overruns"] == before["overruns"] == 0
        assert 3 <= after["events"] - before["events"] < 200
        assert director.states(*ALL) == {"active"}


@pytest.mark.parametrize("bytes_", ["", "4095", "-1", "0x10000", "1073741825", "64k"])
def test_a_wrong_size_of_the_buffer_is_refused(bytes_):
    result = subprocess.run([scale.BUILD / "shuntd", "--rcvbuf", bytes_], text=True, capture_output=True, timeout=10,
                            check=False)
    assert result.returncode == 2
    assert f"--rcvbuf '{bytes_}': write a number of bytes from 4096 to 1073741824" in result.stderr
