# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Convergence does not depend on size: what thousands of backends share is written once. And memory stays small."""
import pathlib

import pytest

import scale
from lab import BUILD, COMPLAINT, wait_for

SERVICES = 500
MIB = 2**20

SANITIZED = BUILD.name == "san"


def started(services):
    return scale.running(scale.file_text(services, services))


@pytest.fixture(scope="module")
def director():
    with started(SERVICES) as (network, daemon):
        daemon.start()
        daemon.wait_active()
        yield network, daemon
        assert not COMPLAINT.search(daemon.log.read_text(errors="replace"))
    assert not daemon.pin_dir.exists()
    assert not pathlib.Path("/run/netns", network.director).exists()


def test_four_next_hops_serve_all_backends(director):
    _, daemon = director
    nexthops = daemon.nexthops()
    assert {address: nexthop["backends"] for address, nexthop in nexthops.items()} == {
        scale.Network.router(number): SERVICES // 4 for number in range(4)}


def test_a_routers_new_mac_is_one_write(director):
    network, daemon = director
    with daemon.counting() as writes:
        mac = network.new_mac(1)
        wait_for("the new MAC", lambda: daemon.nexthops()[network.router(1)]["dst_mac"] == mac)
    assert writes == [1]
    assert daemon.status()["active"] == SERVICES


def test_a_route_that_moves_writes_each_backend_once(director):
    network, daemon = director
    with daemon.counting() as writes:
        network.route(0, 2)
        wait_for("the backends are behind the other router",
                 lambda: daemon.nexthops()[network.router(2)]["backends"] == SERVICES // 2)
    # And the interface that nothing leads to any more leaves the egress map.
    assert writes == [SERVICES // 4 + 1]
    assert network.router(0) not in daemon.nexthops()
    with daemon.counting() as writes:
        network.route(0, 0)
        daemon.wait_until("back", lambda status: status["nexthops"] == 4 and status["active"] == SERVICES)
        wait_for("its MAC is known", lambda: daemon.nexthops()[network.router(0)]["dst_mac"])
    # The interface, the next hop, its two words, a path, and each backend.
    assert writes[0] <= SERVICES // 4 + 5


def test_the_same_file_again_writes_nothing(director):
    _, daemon = director
    with daemon.counting() as writes:
        assert daemon.shunt("reload").returncode == 0
    assert writes == [0]


def test_a_restart_writes_nothing(director):
    _, daemon = director
    daemon.kill()
    daemon.start()
    assert daemon.wait_active()["map_writes"] == 0
    assert daemon.verified()


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory is not the daemon's")
def test_ten_thousand_services_stay_under_64_mib():
    with started(10000) as (_, daemon):
        daemon.start()
        assert daemon.wait_active()["netlink"]["filter"] is True
        assert daemon.memory("VmHWM") < 64 * MIB
        assert daemon.shunt("reload").returncode == 0
        assert daemon.verified()
        assert daemon.memory("VmHWM") < 64 * MIB
