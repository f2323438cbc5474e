# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the guests' tests of egress devices share: one network, its backend behind what the test puts there.
#
#	client 192.0.2.1 --- 192.0.2.254 director --- <the device under test> --- 198.51.100.2 backend
#
# The client's requests for the VIP 203.0.113.10 go by the director; the backend answers past it, by an own cable
# to the client. Source it, call `network`, build the device between $D and $E ends, then `direct`.

VIP=203.0.113.10
RUN=/run/egress
DEADLINE=30

# ok NAME COMMAND...: a test that holds where the command succeeds.
ok() {
	local name=$1
	shift
	if "$@" >"$RUN/said" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name: $(tail -n 3 "$RUN/said" | tr '\n' ' ')"
		"$SHUNT_BUILD/shunt" --socket "$RUN/director.sock" show backends -j | jq -Mc '.[]' || true
		tail -n 5 "$RUN/director.log"
	fi
}

# on NODE COMMAND...
on() {
	local node=$1
	shift
	nsenter --net="/run/netns/$node" -- "$@"
}

# cable NODE IF NODE IF: offloads off, so that frames are as on a wire.
cable() {
	ip -n "$1" link add name "$2" type veth peer name "$4" netns "$3"
	on "$1" ethtool -K "$2" tx off tso off gso off >/dev/null
	on "$3" ethtool -K "$4" tx off tso off gso off >/dev/null
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

network() {
	local node
	mkdir -p "$RUN"
	for node in client director backend; do
		ip netns add "$node"
		ip -n "$node" link set lo up
		on "$node" sysctl -qw net.ipv4.conf.{all,default}.{rp_filter,send_redirects}=0 \
			net.ipv6.conf.{all,default}.accept_dad=0 net.ipv4.ip_forward=1
	done
	cable client eth0 director in
	cable client back backend back
	ip -n client address add 192.0.2.1/24 dev eth0
	ip -n director address add 192.0.2.254/24 dev in
	ip -n client route add "$VIP" via 192.0.2.254
	ip -n client address add 198.18.0.1/24 dev back
	ip -n backend address add 198.18.0.2/24 dev back
	ip -n backend route add 192.0.2.0/24 via 198.18.0.1
}

# pass NODE IF: a program that lets all pass, so that the device takes what its veth peer transmits natively.
pass() {
	on "$1" ip link set dev "$2" xdpdrv object "$SHUNT_BUILD/xdp/backend.bpf.o" section xdp
}

# daemon NODE: shuntd there, with $RUN/shunt.yaml.
daemon() {
	on "$1" "$SHUNT_BUILD/shuntd" -c "$RUN/shunt.yaml" --socket "$RUN/$1.sock" --pin-dir "/sys/fs/bpf/$1" \
		</dev/null >"$RUN/$1.log" 2>&1 &
	echo $! >"$RUN/$1.pid"
}

# direct MODE FORWARD INTERFACE...: the backend restores and serves, the director directs; interfaces in MODE.
direct() {
	local mode=$1 forward=$2 interface
	shift 2
	{
		echo "interfaces:"
		for interface; do
			echo "  - {match: $interface, mode: $mode}"
		done
		echo "services:"
		echo "  - {name: web, vip: $VIP, ports: [80/tcp], forward: $forward, backends: [198.51.100.2]}"
	} >"$RUN/shunt.yaml"
	daemon backend
	mkdir -p "$RUN/www"
	echo backend >"$RUN/www/index.html"
	on backend busybox httpd -p 80 -h "$RUN/www"
	daemon director
}

# until_true COMMAND...: at most $DEADLINE seconds.
until_true() {
	local end=$((SECONDS + DEADLINE))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# backend_is FILTER: what the director shows of the backend meets the jq filter.
backend_is() {
	"$SHUNT_BUILD/shunt" --socket "$RUN/director.sock" show backends -j 2>&1 | tee "$RUN/shown" |
		jq -e ".[0] | $1" >/dev/null || {
		cat "$RUN/shown"
		return 1
	}
}

# counted REASON: packets.
counted() {
	"$SHUNT_BUILD/shunt" --socket "$RUN/director.sock" status -j |
		jq "[.. | objects | select(.name? == \"$1\") | .packets][0] // 0"
}

request() {
	[ "$(on client curl -s --max-time 10 "http://$VIP/")" = backend ]
}

# requests_by REASON COUNT: so many requests, all answered, each by packets that the director counts so.
requests_by() {
	local before after i
	before=$(counted "$1")
	for ((i = 0; i < $2; i++)); do
		request || {
			echo "request $i of $2 was not answered"
			return 1
		}
	done
	after=$(counted "$1")
	[ "$((after - before))" -ge "$((4 * $2))" ] || {
		echo "$1: $before before, $after after $2 requests"
		return 1
	}
}

finish() {
	local node pid
	for node in director backend; do
		pid=$(cat "$RUN/$node.pid" 2>/dev/null) || continue
		"$SHUNT_BUILD/shunt" --socket "$RUN/$node.sock" down >/dev/null 2>&1 || kill "$pid"
		wait "$pid" 2>/dev/null
	done
	for pid in $(ip netns pids backend 2>/dev/null); do
		kill "$pid" 2>/dev/null
	done
	for node in client director backend; do
		ip netns delete "$node"
	done
	rm -rf "$RUN"
}
