#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# L3 direct server return: routers between the director and its backends. README.md walks through it.

# shellcheck disable=SC2034 # what lab-common.sh reads
LAB_DEFAULT=l3dsr
VIP4=203.0.113.10
VIP6=2001:db8:203::10
SERVERS=(b1 b2)
DAEMONS=(b1 b2 director)
# shellcheck source-path=SCRIPTDIR source=../lab-common.sh
. "$(dirname "$0")/../lab-common.sh"

topology() {
	switches core rack
	nodes client edge director r1 r2 b1 b2
	routers edge director r1 r2
	# An interface that goes down keeps its IPv6 addresses, as it keeps its IPv4 ones.
	settings director net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.default.keep_addr_on_down=1

	cable client eth0 edge client
	addresses client eth0 198.18.0.10/24 2001:db8:18::10/64
	addresses edge client 198.18.0.1/24 2001:db8:18::1/64

	plug core edge core 02:00:00:00:01:01 198.18.1.1/24 2001:db8:18:1::1/64
	plug core r1 core 02:00:00:00:01:02 198.18.1.2/24 2001:db8:18:1::2/64
	plug core r2 core 02:00:00:00:01:03 198.18.1.3/24 2001:db8:18:1::3/64
	plug core director eth0 02:00:00:00:01:10 198.18.1.10/24 2001:db8:18:1::10/64

	plug rack r1 rack 02:00:00:00:02:02 198.51.100.1/24 2001:db8:51::1/64
	plug rack r2 rack 02:00:00:00:02:03 198.51.100.2/24 2001:db8:51::2/64
	plug rack b1 eth0 02:00:00:00:02:11 198.51.100.11/24 2001:db8:51::11/64
	plug rack b2 eth0 02:00:00:00:02:12 198.51.100.12/24 2001:db8:51::12/64

	# To the VIP: from the edge to the director.
	route edge "$VIP4/32" 198.18.1.10
	route edge "$VIP6/128" 2001:db8:18:1::10
	# What comes for the VIP and no service ends there; by the default route it would go back to the edge.
	on director ip route add blackhole "$VIP4/32"
	on director ip -6 route add blackhole "$VIP6/128"
	# To the backends: by r1. Back: by r1 and the edge, past the director.
	local node
	for node in director edge; do
		via_router "$node" 2
	done
	for node in director r1 r2; do
		route "$node" 0.0.0.0/0 198.18.1.1
		route "$node" ::/0 2001:db8:18:1::1
	done
	for node in b1 b2; do
		route "$node" 0.0.0.0/0 198.51.100.1
		route "$node" ::/0 2001:db8:51::1
	done
	route client 0.0.0.0/0 198.18.0.1
	route client ::/0 2001:db8:18::1
}

# via_router NODE N: the node's routes to the backends, by the router 198.18.1.N.
via_router() {
	route "$1" 198.51.100.0/24 "198.18.1.$2"
	route "$1" 2001:db8:51::/64 "2001:db8:18:1::$2"
}

demo() {
	cat <<-PICTURE

		    client --- edge --+-- director       the service is $VIP4 and $VIP6
		                      +-- r1 --+-- b1    requests: client, edge, director, r1, backend
		                      +-- r2 --+-- b2    replies:  backend, r1, edge, client

		1. Who answers
	PICTURE
	requests 100 "$VIP4"
	requests 100 "[$VIP6]"

	printf '\n2. While 20 requests a second flow, r1 is replaced: its address gets a new MAC\n'
	flow_start "http://$VIP4/" "http://[$VIP6]/"
	flow_more 20
	followed before 4 198.18.1.2
	ip -n "$LAB-r1" link set core address 02:00:00:00:01:99
	followed after 4 02:00:00:00:01:99
	flow_more 20

	printf '\n3. Then the route to the backends moves to r2\n'
	followed before 4 198.18.1.2
	via_router director 3
	followed after 4 198.18.1.3
	flow_more 20

	printf '\n4. What the clients saw of it\n'
	flow_stop
	requests 100 "$VIP4"
	requests 100 "[$VIP6]"
}

lab_main "$@"
