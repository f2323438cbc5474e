# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the labs share: nodes (network namespaces), cables and switches between them, servers,
# daemons, and the removal of all of it. A lab sets its names, defines topology() and demo(),
# sources this file and ends with `lab_main "$@"`. What else `up` is to wait for is lab_ready(), where there is one.
#
# Everything carries the name $LAB, so several labs may run at once:
#	namespaces   $LAB-NODE
#	run folder   /run/shunt-lab/$LAB      sockets, logs, pids, server configurations
#	pins         /sys/fs/bpf/shunt-lab/$LAB/NODE
# `lab_down` removes exactly these, and may be called at any time, however far `lab_up` came.
#
# Environment: LAB (name), SHUNT_BUILD (where shuntd and shunt are; default build/ of this tree).

set -euo pipefail

LAB=${LAB:-$LAB_DEFAULT}
EXAMPLES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(realpath -m "${SHUNT_BUILD:-$EXAMPLES/../build}")
RUN=/run/shunt-lab/$LAB
PINS=/sys/fs/bpf/shunt-lab/$LAB
PYTHON=/usr/bin/python3
DEADLINE=15 # seconds that any wait may take

die() {
	printf '%s: %s\n' "$(basename "$HERE")" "$*" >&2
	exit 1
}

# ---- nodes and cables ------------------------------------------------------------------------

# on NODE COMMAND...: runs it in the node's network. Not by `ip netns exec`, which hides bpffs.
on() {
	local node=$1
	shift
	nsenter --net="/run/netns/$LAB-$node" -- "$@"
}

# nodes NAME...: namespaces without reverse path filters (replies take another way than requests)
# and without duplicate address detection (addresses work at once).
nodes() {
	local node
	for node; do
		ip netns add "$LAB-$node"
		ip -n "$LAB-$node" link set lo up
		settings "$node" net.ipv4.conf.{all,default}.{rp_filter,send_redirects}=0 \
			net.ipv6.conf.{all,default}.accept_dad=0
	done
}

# settings NODE KEY=VALUE...: sysctls, with slashes or dots.
settings() {
	local node=$1
	shift
	on "$node" sysctl -qw "$@"
}

# routers NODE...: they forward, and tell their neighbours when their MAC changes, as a router
# that takes over an address does (gratuitous ARP, unsolicited neighbour advertisement).
routers() {
	local node
	for node; do
		settings "$node" net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
			net.ipv4.conf.default.arp_notify=1 net.ipv4.conf.all.arp_notify=1 \
			net.ipv6.conf.default.ndisc_notify=1 net.ipv6.conf.all.ndisc_notify=1
	done
}

# no_offload NODE IF: what leaves a veth has its checksums and its final size, as on a real wire.
# A receiver that runs XDP sees what is in the packet, not what the hardware would have made of it.
no_offload() {
	on "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1 ||
		die "cannot switch off the offloads of $2 in $1 (ethtool -K)"
}

# cable NODE IF NODE IF: a cable between two nodes.
cable() {
	ip -n "$LAB-$1" link add name "$2" type veth peer name "$4" netns "$LAB-$3"
	no_offload "$1" "$2"
	no_offload "$3" "$4"
	ip -n "$LAB-$1" link set "$2" up
	ip -n "$LAB-$3" link set "$4" up
}

# switches NAME...: Ethernet switches; they live in the node `wire`.
switches() {
	local switch
	nodes wire
	settings wire net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	for switch; do
		ip -n "$LAB-wire" link add name "$switch" type bridge
		ip -n "$LAB-wire" link set "$switch" up
	done
}

# plug SWITCH NODE IF MAC ADDRESS...: an interface of the node, on a switch.
plug() {
	local switch=$1 node=$2 dev=$3 mac=$4 address
	shift 4
	cable wire "$node-$dev" "$node" "$dev"
	ip -n "$LAB-wire" link set "$node-$dev" master "$switch"
	ip -n "$LAB-$node" link set "$dev" address "$mac"
	addresses "$node" "$dev" "$@"
}

# addresses NODE IF ADDRESS...
addresses() {
	local node=$1 dev=$2 address
	shift 2
	for address; do
		ip -n "$LAB-$node" address add "$address" dev "$dev"
	done
}

# route NODE PREFIX ROUTER [IF]: add it, or move it. Works for both families.
route() {
	ip -n "$LAB-$1" route replace "$2" via "$3"
}

# ---- processes -------------------------------------------------------------------------------

# started_at PID: when a process began, in clock ticks; with the pid it names one process for ever.
# Empty where it is gone or only waits to be reaped.
started_at() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	# The name, which may hold anything, ends with the last parenthesis.
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	[ "$1" = Z ] || printf '%s' "${20}"
}

# spawn NODE NAME COMMAND...: starts it in the background; its output goes to $RUN/NAME.log.
spawn() {
	local node=$1 name=$2 pid
	shift 2
	if running "$name"; then
		die "$name runs already"
	fi
	: >>"$RUN/$name.log" # there from now on, however late the command comes to its first line
	# Each step becomes the next one by exec: $! is the command itself.
	setsid nsenter --net="/run/netns/$LAB-$node" -- "$@" >>"$RUN/$name.log" 2>&1 </dev/null &
	pid=$!
	disown
	printf '%s %s\n' "$pid" "$(started_at "$pid")" >"$RUN/$name.pid"
}

# running NAME
running() {
	local pid start
	[ -s "$RUN/$1.pid" ] && read -r pid start <"$RUN/$1.pid" &&
		[ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]
}

# stop NAME [SIGNAL]: ends it and waits until it is gone.
stop() {
	local name=$1 signal=${2:-TERM} pid end=$((SECONDS + 5))
	while running "$name"; do
		read -r pid _ <"$RUN/$name.pid"
		[ -z "$signal" ] || kill -s "$signal" "$pid" 2>/dev/null || true
		signal=
		if [ "$SECONDS" -ge "$end" ]; then
			printf '%s: %s does not end; killing it\n' "$LAB" "$name" >&2
			signal=KILL end=$((SECONDS + 5))
		fi
		sleep 0.02
	done
	rm -f "$RUN/$name.pid"
}

# await WHAT COMMAND...: until the command succeeds, at most $DEADLINE seconds.
await() {
	local what=$1 end=$((SECONDS + DEADLINE))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			printf '%s: not after %s s: %s\n' "$LAB" "$DEADLINE" "$what" >&2
			return 1
		fi
		sleep 0.05
	done
}

# web NODE: nginx that answers every request with the node's name, on every address. One process,
# all its files in the run folder.
web() {
	local node=$1 dir=$RUN/$1.nginx
	mkdir -p "$dir"
	cat >"$dir/nginx.conf" <<-CONF
		daemon off;
		master_process off;
		pid $dir/pid;
		error_log stderr warn;
		events { worker_connections 1024; }
		http {
			access_log off;
			keepalive_timeout 0;
			client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir;
			uwsgi_temp_path $dir; scgi_temp_path $dir;
			server {
				listen 80;
				listen [::]:80 ipv6only=on;
				default_type text/plain;
				location / { return 200 "$node\n"; }
			}
		}
	CONF
	spawn "$node" "$node.web" nginx -p "$dir" -c "$dir/nginx.conf" -e stderr
}

# echoes NODE PORT VIP...: a UDP server that answers "NODE" and what it was sent, from the VIP.
echoes() {
	spawn "$1" "$1.echo" "$PYTHON" "$EXAMPLES/udp-echo.py" "$@"
}

# ---- shunt -----------------------------------------------------------------------------------

# ctl NODE ARGUMENT...: the shunt command of one node.
ctl() {
	local node=$1
	shift
	"$BUILD/shunt" --socket "$RUN/$node.sock" "$@"
}

# daemon NODE: shuntd there, with the lab's file.
daemon() {
	[ -f "$RUN/shunt.yaml" ] || cp "$HERE/shunt.yaml" "$RUN/shunt.yaml"
	spawn "$1" "$1" "$BUILD/shuntd" -c "$RUN/shunt.yaml" --socket "$RUN/$1.sock" --pin-dir "$PINS/$1"
	await "shuntd of $1 answers" answers "$1" || {
		cat "$RUN/$1.log" >&2
		return 1
	}
}

answers() {
	ctl "$1" status
}

# all_active: every backend is reached through the cache.
all_active() {
	ctl director show backends -j | jq -e 'length > 0 and all(.state == "active")'
}

# nexthop: "ADDRESS MAC DEVICE" of the first backend's path with that address family (4 or 6).
nexthop() {
	ctl director show backends -j | jq -r --arg family "$1" '
		[.[] | select((.address | contains(":")) == ($family == "6"))][0].paths[0]
		| "\(.nexthop) \(.dst_mac) \(.dev)"'
}

# ---- up and down -----------------------------------------------------------------------------

need() {
	local tool
	[ "$(id -u)" = 0 ] || die "needs root: network namespaces and BPF"
	for tool in ip nsenter setsid ethtool sysctl nginx curl jq "$PYTHON"; do
		command -v "$tool" >/dev/null || die "$tool is missing: make setup installs it"
	done
	for tool in shuntd shunt; do
		[ -x "$BUILD/$tool" ] || die "no $tool in $BUILD: run make"
	done
}

lab_up() {
	need
	[ ! -e "$RUN" ] || die "the lab '$LAB' exists already: '$0 down' removes it"
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	mkdir -p "$RUN" "$PINS"
	trap 'lab_down' EXIT
	topology
	local node
	for node in "${SERVERS[@]}"; do
		web "$node"
		echoes "$node" 7 "$VIP4" "$VIP6"
	done
	for node in "${DAEMONS[@]}"; do
		daemon "$node"
	done
	await "all backends are active" all_active || {
		ctl director show backends >&2
		exit 1
	}
	for node in "${SERVERS[@]}"; do
		await "$node listens" listens "$node"
	done
	! declare -F lab_ready >/dev/null || lab_ready
	trap - EXIT
}

listens() {
	on "$1" ss -Hltn 'sport = 80' | grep -q . && [ "$(on "$1" ss -Hlun 'sport = 7' | wc -l)" = 2 ]
}

lab_down() {
	local pidfile namespace
	for pidfile in "$RUN"/*.pid; do
		[ ! -e "$pidfile" ] || stop "$(basename "$pidfile" .pid)"
	done
	ip netns list | awk '{print $1}' | while read -r namespace; do
		[ "${namespace%-*}" != "$LAB" ] || ip netns delete "$namespace"
	done
	rm -rf "$PINS" "$RUN"
	rmdir /run/shunt-lab /sys/fs/bpf/shunt-lab 2>/dev/null || true
}

lab_status() {
	[ -e "$RUN" ] || die "the lab '$LAB' is not up: '$0 up' makes it"
	printf 'nodes: %s\n' "$(ip netns list | awk -v lab="$LAB-" 'index($1, lab) == 1 {
		printf "%s ", substr($1, length(lab) + 1)}')"
	local node
	for node in "${DAEMONS[@]}"; do
		printf '\n== %s\n' "$node"
		ctl "$node" status || true
	done
}

lab_usage() {
	cat <<-USAGE
		usage: $0 COMMAND        (environment: LAB=$LAB)
		  up                    make the lab and leave it running
		  down                  remove everything
		  demo                  up, the tour, down
		  status                the nodes and what their daemons say
		  shell NODE            a shell in a node's network
		  run NODE COMMAND...   one command there
		  shunt NODE ARG...     the shunt command of that node's daemon
		  start|stop|kill NODE  its daemon: start, end politely, kill -9
	USAGE
}

lab_main() {
	local verb=${1:-}
	[ $# -eq 0 ] || shift
	case $verb in
	up | down | status) "lab_$verb" ;;
	demo) lab_demo ;;
	shell) on "${1:?which node?}" "${SHELL:-bash}" ;;
	run) on "$@" ;;
	shunt) ctl "$@" ;;
	start) daemon "${1:?which node?}" ;;
	stop) stop "${1:?which node?}" ;;
	kill) stop "${1:?which node?}" KILL ;;
	'' | help | -h | --help) lab_usage ;;
	*)
		# What a lab adds of its own: verb_NAME.
		if declare -F "verb_$verb" >/dev/null; then
			"verb_$verb" "$@"
		else
			lab_usage >&2
			exit 2
		fi
		;;
	esac
}

# ---- the demo --------------------------------------------------------------------------------

FAILED=0 # of all requests of the demo, and of its checks

lab_demo() {
	lab_up
	trap 'lab_down' EXIT
	demo
	lab_down
	trap - EXIT
	if [ "$FAILED" -gt 0 ]; then
		printf '\n%s FAILED.\n' "$FAILED"
		exit 1
	fi
	printf '\nNothing failed. Everything is removed again.\n'
}

# counted: reads answers, one a line ("-" for a failed one), prints "b1 52, b2 48, failed 0".
counted() {
	sort | uniq -c | awk '$2 == "-" {failed += $1; next} {printf "%s %d, ", $2, $1}
		END {printf "failed %d\n", failed}'
}

# tally TEXT: prints a line, and adds its "failed N" to FAILED.
tally() {
	printf '   %s\n' "$1"
	FAILED=$((FAILED + ${1##*failed }))
}

# requests COUNT ADDRESS: that many new connections, one after the other.
requests() {
	local answers
	answers=$(on client curl -s --max-time 5 -w '%{onerror}-\n' "http://$2/?[1-$1]" || true)
	tally "$1 requests to http://$2/: $(counted <<<"$answers")"
}

# flow_start URL...: 20 requests a second in the background, until flow_stop.
flow_start() {
	spawn client client.requests "$PYTHON" "$EXAMPLES/requests.py" --rate 20 --timeout 5 "$@"
}

# flow_more COUNT: waits until that many more have been answered.
flow_more() {
	local want
	want=$(($(wc -l <"$RUN/client.requests.log") + $1))
	await "$1 more answers" eval "[ \$(wc -l <$RUN/client.requests.log) -ge $want ]"
}

flow_stop() {
	stop client.requests
	tally "$(wc -l <"$RUN/client.requests.log") requests while that happened: $(
		awk '{print $3 == "ok" ? $4 : "-"}' "$RUN/client.requests.log" | counted)"
}

# becomes FAMILY TEXT: the next hop as text contains TEXT.
becomes() {
	nexthop "$1" | grep -qF -- "$2"
}

# followed WHAT FAMILY TEXT: waits until the director follows, and prints the next hop.
followed() {
	if await "$1" becomes "$2" "$3"; then
		printf '   %-10s next hop %s\n' "$1" "$(nexthop "$2")"
	else
		FAILED=$((FAILED + 1))
	fi
}
