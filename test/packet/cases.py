#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes the case file of test/packet/run: the network, and then all facts.

The director is in a namespace of the runner's own, with four interfaces:

    d0  192.0.2.1/24      2001:db8:1::1/64   packets come in here; backends may be on it
    d1  198.51.100.1/24   2001:db8:2::1/64   in the devmap
    d2  198.18.0.1/24     2001:db8:3::1/64   not in the devmap, MTU 1400
    d3  no address                           forwarding off: packets that come in here go nowhere

On each of the first three, host .20 (::20) has a neighbour entry and .21 (::21) has none.
"""

import facts
import facts_egress
import facts_fallback
import facts_forwarding
import facts_guesses
import facts_lanes
import facts_hard
import facts_icmp
import facts_passing
import facts_quic
import facts_restoring
import facts_state
import facts_transition
import facts_ttl
import facts_tunnels
from facts import say


def network():
    say("ip link set lo up")
    for i in range(4):
        say(f"ip link add d{i} address 02:00:00:00:00:d{i} mtu {1400 if i == 2 else 1500} type veth peer name p{i}")
        say(f"ip link set d{i} up")
        say(f"ip link set p{i} up")
    for i, (v4, v6) in enumerate(facts_fallback.NETS):
        say(f"ip addr add {v4}.1/24 dev d{i}")
        say(f"ip addr add {v6}:1/64 dev d{i} nodad")
        say(f"ip neigh add {v4}.20 lladdr 02:00:00:00:{i}0:04 dev d{i} nud permanent")
        say(f"ip neigh add {v6}:20 lladdr 02:00:00:00:{i}0:06 dev d{i} nud permanent")
    for family in ("ipv4", "ipv6"):
        say(f"sysctl net/{family}/conf/all/forwarding 1")
        say(f"sysctl net/{family}/conf/d3/forwarding 0")
    facts_fallback.routes()


def main():
    network()
    facts_passing.facts()
    facts_forwarding.facts()
    facts_guesses.facts()
    facts_lanes.facts()
    facts_fallback.facts()
    facts_egress.facts()
    facts_restoring.facts()
    facts_state.facts()
    facts_transition.facts()
    facts_quic.facts()
    facts_tunnels.facts()
    facts_hard.facts()
    facts_icmp.facts()
    facts_ttl.facts()
    facts.write()


if __name__ == "__main__":
    main()
