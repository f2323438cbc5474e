#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# L2 direct server return: director and backends on one subnet. README.md walks through it.

# shellcheck disable=SC2034 # what lab-common.sh reads
LAB_DEFAULT=l2dsr
VIP4=203.0.113.10
VIP6=2001:db8:203::10
SERVERS=(b1 b2)
DAEMONS=(b1 b2 director)
# shellcheck source-path=SCRIPTDIR source=../lab-common.sh
. "$(dirname "$0")/../lab-common.sh"

topology() {
	switches lan
	nodes client router director b1 b2
	routers router director b1 b2

	cable client eth0 router client
	addresses client eth0 198.18.0.10/24 2001:db8:18::10/64
	addresses router client 198.18.0.1/24 2001:db8:18::1/64

	# The VIP is an address of the subnet, and the director is the one that answers for it.
	plug lan router lan 02:00:00:00:03:01 203.0.113.1/24 2001:db8:203::1/64
	plug lan director eth0 02:00:00:00:03:02 203.0.113.2/24 2001:db8:203::2/64 "$VIP4/32" "$VIP6/128"
	plug lan b1 eth0 02:00:00:00:03:11 203.0.113.11/24 2001:db8:203::11/64
	plug lan b2 eth0 02:00:00:00:03:12 203.0.113.12/24 2001:db8:203::12/64

	local node
	route client 0.0.0.0/0 198.18.0.1
	route client ::/0 2001:db8:18::1
	for node in director b1 b2; do
		route "$node" 0.0.0.0/0 203.0.113.1
		route "$node" ::/0 2001:db8:203::1
	done
}

demo() {
	cat <<-PICTURE

		    client --- router --+-- director    the service is $VIP4 and $VIP6
		                        +-- b1          requests: client, router, director, backend
		                        +-- b2          replies:  backend, router, client

		1. Who answers
	PICTURE
	requests 100 "$VIP4"
	requests 100 "[$VIP6]"

	printf '\n2. While 20 requests a second flow, b1 is replaced: its address gets a new MAC\n'
	flow_start "http://$VIP4/" "http://[$VIP6]/"
	flow_more 20
	followed before 4 02:00:00:00:03:11
	ip -n "$LAB-b1" link set eth0 address 02:00:00:00:03:99
	followed after 4 02:00:00:00:03:99
	flow_more 20
	flow_stop
}

lab_main "$@"
