# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The lab of the routing daemons' examples: a director whose VIPs reach the edge router by a routing
# protocol. An example defines routing() and sources this; its configurations are loaded as they stand.
#
#	client --- edge --+-- director        edge learns the VIPs from the director
#	                  +-- r1 --+-- b1
#	                           +-- b2

# shellcheck disable=SC2034 # what lab-common.sh reads
VIP4=203.0.113.10
VIP6=2001:db8:203::10
SERVERS=(b1 b2)
DAEMONS=(b1 b2 director)
# shellcheck source-path=SCRIPTDIR source=lab-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab-common.sh"
# shellcheck source-path=SCRIPTDIR source=lab-routing.sh
. "$EXAMPLES/lab-routing.sh"

topology() {
	cp "$EXAMPLES/frr-bgp/shunt.yaml" "$RUN/shunt.yaml"
	switches core rack
	nodes client edge director r1 b1 b2
	routers edge director r1

	cable client eth0 edge client
	addresses client eth0 198.18.0.10/24 2001:db8:18::10/64
	addresses edge client 198.18.0.1/24 2001:db8:18::1/64
	route client 0.0.0.0/0 198.18.0.1
	route client ::/0 2001:db8:18::1

	plug core edge core 02:00:00:00:01:01 198.18.1.1/24 2001:db8:18:1::1/64
	plug core r1 core 02:00:00:00:01:02 198.18.1.2/24 2001:db8:18:1::2/64
	plug core director eth0 02:00:00:00:01:10 198.18.1.10/24 2001:db8:18:1::10/64

	plug rack r1 rack 02:00:00:00:02:02 198.51.100.1/24 2001:db8:51::1/64
	plug rack b1 eth0 02:00:00:00:02:11 198.51.100.11/24 2001:db8:51::11/64
	plug rack b2 eth0 02:00:00:00:02:12 198.51.100.12/24 2001:db8:51::12/64

	local node
	for node in director edge; do
		route "$node" 198.51.100.0/24 198.18.1.2
		route "$node" 2001:db8:51::/64 2001:db8:18:1::2
	done
	for node in director r1; do
		route "$node" 0.0.0.0/0 198.18.1.1
		route "$node" ::/0 2001:db8:18:1::1
	done
	for node in b1 b2; do
		route "$node" 0.0.0.0/0 198.51.100.1
		route "$node" ::/0 2001:db8:51::1
	done
	routing
}

# learnt: the edge router has a route to both VIPs.
learnt() {
	ip -n "$LAB-edge" route show "$VIP4/32" | grep -q via &&
		ip -n "$LAB-edge" -6 route show "$VIP6/128" | grep -q via
}

lab_ready() {
	DEADLINE=30 await "the edge router has both VIPs" learnt
}

vip_routes() {
	ip -n "$LAB-edge" route show "$VIP4/32" | sed 's/^/   edge: /'
	ip -n "$LAB-edge" -6 route show "$VIP6/128" | sed 's/^/   edge: /'
}

demo() {
	printf '\n1. The backends are active: the director advertises, the edge router learns\n'
	ctl director show adverts
	vip_routes
	requests 50 "$VIP4"
	requests 50 "[$VIP6]"

	printf '\n2. The operator drains one VIP: its metric goes up, and after a while it is withdrawn\n'
	ctl director drain --vip "$VIP4"
	ctl director show adverts
	await "the edge router has lost $VIP4" eval "! ip -n $LAB-edge route show $VIP4/32 | grep -q ."
	ctl director show adverts
	ctl director undrain --vip "$VIP4"
	await "it is back" learnt
	vip_routes

	printf '\n3. What shunt doctor thinks of the director\n'
	on director "$BUILD/shunt" --socket "$RUN/director.sock" doctor "$RUN/shunt.yaml" || true
}
