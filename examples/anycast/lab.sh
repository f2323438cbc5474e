#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Anycast: two directors share the VIPs by ECMP, and what happens to requests when something dies.
# README.md walks through it. ROUTING=bird runs BIRD where FRR runs by default.

# shellcheck disable=SC2034 # what lab-common.sh reads
LAB_DEFAULT=anycast
VIP4=203.0.113.10
VIP6=2001:db8:203::10
SERVERS=(b1 b2 b3)
DIRECTORS=(d1 d2)
DAEMONS=(b1 b2 b3 d1 d2)
# shellcheck source-path=SCRIPTDIR source=../lab-common.sh
. "$(dirname "$0")/../lab-common.sh"
# shellcheck source-path=SCRIPTDIR source=../lab-routing.sh
. "$EXAMPLES/lab-routing.sh"

DEADLINE=30
ROUTING=${ROUTING:-$(cat "$RUN/routing" 2>/dev/null || echo frr)}

topology() {
	local node i
	echo "$ROUTING" >"$RUN/routing"
	switches core rack
	nodes client edge d1 d2 r1 r2 b1 b2 b3
	routers edge d1 d2 r1 r2
	# Flows spread by ports, not by addresses alone.
	for node in edge d1 d2 b1 b2 b3; do
		settings "$node" net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
	done

	cable client eth0 edge client
	addresses client eth0 198.18.0.10/24 2001:db8:18::10/64
	addresses edge client 198.18.0.1/24 2001:db8:18::1/64
	route client 0.0.0.0/0 198.18.0.1
	route client ::/0 2001:db8:18::1

	plug core edge core 02:00:00:00:01:01 198.18.1.1/24 2001:db8:18:1::1/64
	for i in 1 2; do
		plug core "r$i" core "02:00:00:00:01:0$((i + 1))" "198.18.1.$((i + 1))/24" "2001:db8:18:1::$((i + 1))/64"
		plug rack "r$i" rack "02:00:00:00:02:0$i" "198.51.100.$i/24" "2001:db8:51::$i/64"
		plug core "d$i" eth0 "02:00:00:00:01:1$i" "198.18.1.1$i/24" "2001:db8:18:1::1$i/64"
		route "r$i" 0.0.0.0/0 198.18.1.1
		route "r$i" ::/0 2001:db8:18:1::1
	done
	for i in 1 2 3; do
		plug rack "b$i" eth0 "02:00:00:00:02:1$i" "198.51.100.1$i/24" "2001:db8:51::1$i/64"
	done
	no_flood
	routed edge edge
	routed rack r1 r2
	routed backend b1 b2 b3
	routed director d1 d2
}

# A switch that has lost a port floods what was for it, and the other director's program would take and
# serve it. That is luck, which the figures must not have.
no_flood() {
	local port
	for port in d1-eth0 d2-eth0; do
		ip -n "$LAB-wire" link set "$port" type bridge_slave flood off
	done
}

# routed ROLE NODE...: the routing daemons of these nodes, with the role's configuration.
routed() {
	local role=$1 node
	shift
	for node; do
		if [ "$ROUTING" = bird ]; then
			bird "$node" "$HERE/bird/$role.conf"
		else
			frr "$node" "$HERE/frr/$role.conf" bfdd bgpd
		fi
	done
}

# What lab-common waits for, and then until both directors stand in the edge router's routes.
all_active() {
	local node
	for node in "${DIRECTORS[@]}"; do
		ctl "$node" show backends -j | jq -e 'length > 0 and all(.state == "active")' || return 1
	done
	ways 2
}

# ways COUNT: the edge router has so many ways to each VIP.
ways() {
	[ "$(ways_to -4 "$VIP4/32")" = "$1" ] && [ "$(ways_to -6 "$VIP6/128")" = "$1" ]
}

ways_to() {
	ip -n "$LAB-edge" -j "$1" route show "$2" |
		jq '[.[] | if .nexthops then .nexthops[] else . end] | length'
}

# ---- what dies, and how it comes back

# The routing daemons of a node; 'bird' or FRR's three.
routing_daemons() {
	if [ "$ROUTING" = bird ]; then echo bird; else echo zebra bfdd bgpd; fi
}

# link_of NODE IF up|down: its port of the switch. The node at the other end loses its carrier, all others
# only its packets.
port() {
	ip -n "$LAB-wire" link set "$1-$2" "$3"
}

# die NODE: every process of it at once by kill -9, and its cables cut.
verb_die() {
	local node=$1 name port
	for port in eth0 core rack; do
		port "$node" "$port" down 2>/dev/null || true
	done
	for name in "$node" $(routing_daemons | sed "s/[^ ]*/$node.&/g"); do
		! running "$name" || stop "$name" KILL
	done
}

# back NODE: plugged in again, its daemons started.
verb_back() {
	local node=$1 port
	for port in eth0 core rack; do
		port "$node" "$port" up 2>/dev/null || true
	done
	if [ "$ROUTING" = bird ]; then bird_start "$node"; else frr_start "$node" zebra bfdd bgpd; fi
	case $node in d*) daemon "$node" ;; esac
}

# bounce NODE: kill -9 of the daemon that speaks BGP; it is started again after two seconds.
verb_bounce() {
	local name=bgpd
	[ "$ROUTING" != bird ] || name=bird
	stop "$1.$name" KILL
	sleep 2
	verb_routing "$1" "$name"
}

# racks up|down: the routers' ports to the backends: with them the last backend goes, and comes.
verb_racks() {
	port r1 rack "$1"
	port r2 rack "$1"
}

# ---- the tour

# Where the tour leaves its figures; they stay when the lab is gone, where this is set.
FIGURES=${FIGURES:-$RUN/figures}

# figures FILE...: those of several tours in one table.
verb_figures() {
	printf '\nLost, at 50 requests a second:\n'
	paste -d '|' "$@" | awk -F '|' '{
		printf "  %-66s", $1
		for (i = 2; i <= NF; i += 2)
			printf "  %-24s", $i
		print ""
	}'
}

# A request that takes longer than this is lost: no retransmission hides a gap.
LOST_AFTER=0.5

flow_start() {
	spawn client client.requests "$PYTHON" "$EXAMPLES/requests.py" --rate 50 --timeout $LOST_AFTER "$@"
}

# told WHAT LOST_IS_FINE COMMAND...: under 50 requests a second, does it, waits for 60 more requests, and tells.
told() {
	local what=$1 fine=$2 lost all within=
	shift 2
	printf '\n%s\n' "$what"
	flow_start "http://$VIP4/" "http://[$VIP6]/"
	flow_more 50
	"$@"
	flow_more 60
	stop client.requests
	lost=$(awk '$3 != "ok"' "$RUN/client.requests.log" | wc -l)
	all=$(wc -l <"$RUN/client.requests.log")
	printf '   %s\n' "$all requests: $(
		awk '{print $3 == "ok" ? $4 : "-"}' "$RUN/client.requests.log" | counted)"
	[ "$lost" = 0 ] || within=", within $(gap)"
	printf '%s|%s of %s%s\n' "$what" "$lost" "$all" "$within" >>"$FIGURES"
	: >"$RUN/client.requests.log"
	[ "$fine" = fine ] || FAILED=$((FAILED + lost))
}

# From the first lost request to the last.
gap() {
	awk '$3 != "ok" {if (!from) from = $1; to = $1} END {printf "%.2f s\n", to - from + 0.02}' \
		<(sort -n "$RUN/client.requests.log")
}

drained() {
	ctl d1 drain --vip "$VIP4" >/dev/null
	ctl d1 drain --vip "$VIP6" >/dev/null
	await "the edge router sends all to d2" ways 1
	await "d1 has withdrawn both" withdrawn d1
}

withdrawn() {
	ctl "$1" show adverts -j | jq -e 'all(.state == "withdrawn")'
}

undrained() {
	ctl d1 undrain --vip "$VIP4" >/dev/null
	ctl d1 undrain --vip "$VIP6" >/dev/null
	await "both share the VIPs" ways 2
}

stopped() {
	stop d1
	await "the edge router sends all to d2" ways 1
	daemon d1
	await "both share the VIPs" ways 2
}

died() {
	verb_die "$1"
	case $1 in d*) await "the edge router has noticed" ways 1 ;; esac
}

returned() {
	verb_back "$1"
	await "all is as before" all_active
}

# Routes alone do not tell: neighbours kept them all the time.
bounced() {
	verb_bounce d1
	await "the neighbours are told again" neighbours_told d1
	await "both share the VIPs" all_active
}

# neighbours_told NODE: by the word of its routing daemon, a neighbour has been told of each VIP.
neighbours_told() {
	on "$1" "$BUILD/shunt" --socket "$RUN/$1.sock" -j doctor "$RUN/shunt.yaml" |
		jq -e --arg told 'a neighbour has been told of ' --arg vip4 "$VIP4" --arg vip6 "$VIP6" '
			[.[] | select(.state == "ok") | .text] | contains([$told + $vip4, $told + $vip6])'
}

emptied() {
	verb_racks down
	await "the edge router has no way to the VIPs" ways 0
	ctl d1 show adverts | sed 's/^/   /'
}

filled() {
	verb_racks up
	await "all is as before" all_active
	await "requests are answered" answered
}

# Backends have to learn the way out, too.
answered() {
	on client curl -sf --max-time $LOST_AFTER "http://$VIP4/" &&
		on client curl -sf --max-time $LOST_AFTER "http://[$VIP6]/"
}

demo() {
	: >"$FIGURES"
	cat <<-PICTURE

		    client --- edge --+-- d1    two directors advertise $VIP4
		                      +-- d2    and $VIP6 by BGP; edge spreads the flows
		                      +-- r1 --+-- b1 b2 b3
		                      +-- r2 --+
		   ($ROUTING on every node; BFD 3 x 100 ms; a request without an answer for $LOST_AFTER s is lost)
	PICTURE
	ip -n "$LAB-edge" route show "$VIP4/32" | sed 's/^/   edge: /'
	told '1. The operator drains d1: not one request may be lost' strict drained
	told '2. ... and takes it back' strict undrained
	told '3. shuntd on d1 is stopped and started: it takes leave first' strict stopped
	told '4. d1 dies: every process by kill -9, its cable cut' fine died d1
	told '5. ... and returns' fine returned d1
	told '6. r1, a router in front of the backends, dies' fine died r1
	told '7. ... and returns' fine returned r1
	told '8. The routing daemon of d1 is killed, and started again after 2 s' fine bounced
	told '9. The last backend goes: the VIPs leave the network' fine emptied
	told '10. ... and comes back' fine filled
	[ "$FIGURES" != "$RUN/figures" ] || verb_figures "$FIGURES"
}

lab_main "$@"
