# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Routing daemons in the labs' nodes: FRR and BIRD, without systemd. Sourced after lab-common.sh.
#
# Each node that runs FRR has a folder of its own, $RUN/NODE.frr, with its sockets and its
# configuration; its daemons are NODE.zebra, NODE.bgpd ..., so that `stop NODE.bgpd KILL` ends one.
# The configuration is loaded by vtysh, as FRR's own start script does it.

FRR=/usr/lib/frr

need_routing() {
	local tool
	for tool in "$@"; do
		[ -x "$tool" ] || command -v "$tool" >/dev/null || die "$tool is missing: make setup installs it"
	done
}

# frr NODE FILE DAEMON...: zebra and these daemons, with that configuration. FRR's daemons drop their
# privileges: the folder is theirs.
frr() {
	local node=$1 file=$2 dir=$RUN/$1.frr
	shift 2
	need_routing "$FRR/zebra" vtysh
	chmod 0755 "$RUN"
	install -d -o frr -g frr -m 0755 "$dir"
	install -o frr -g frr -m 0644 "$file" "$dir/frr.conf"
	: >"$dir/empty.conf"
	: >"$dir/vtysh.conf"
	printf '%s\n' "$@" >"$dir/daemons"
	frr_start "$node" zebra "$@"
}

# frr_start NODE DAEMON...: (again) these of its daemons, and the configuration.
frr_start() {
	local node=$1 name dir=$RUN/$1.frr options
	shift
	for name; do
		options=()
		# Routes that a former zebra left stay until the daemons have had time to claim them.
		[ "$name" != zebra ] || options=(-K 30)
		rm -f "$dir/$name.vty"
		spawn "$node" "$node.$name" "$FRR/$name" -f "$dir/empty.conf" -i "$dir/$name.pid" \
			-z "$dir/zserv.api" --vty_socket "$dir" -P 0 --log stdout --log-level warnings "${options[@]}"
		await "$name of $node listens" test -S "$dir/$name.vty"
	done
	on "$node" vtysh --vty_socket "$dir" --config_dir "$dir" -b >>"$RUN/$node.vtysh.log" 2>&1 ||
		die "vtysh cannot load $dir/frr.conf: see $RUN/$node.vtysh.log"
}

# vty NODE COMMAND: vtysh there.
vty() {
	on "$1" vtysh --vty_socket "$RUN/$1.frr" --config_dir "$RUN/$1.frr" -c "$2"
}

# bird NODE FILE
bird() {
	need_routing bird birdc
	cp "$2" "$RUN/$1.bird.conf"
	bird_start "$1"
}

bird_start() {
	# No -P: $RUN/$1.bird.pid is ours, with the time of its start.
	spawn "$1" "$1.bird" bird -f -c "$RUN/$1.bird.conf" -s "$RUN/$1.bird.ctl"
	await "bird of $1 answers" birdc -s "$RUN/$1.bird.ctl" show status
}

birdcl() {
	birdc -s "$RUN/$1.bird.ctl" "$2"
}

# ---- verbs of lab.sh

verb_vty() { vty "$@"; }
verb_bird() { birdcl "$@"; }
# routing NODE DAEMON...: starts them again.
verb_routing() {
	if [ "${2:-}" = bird ]; then
		bird_start "$1"
	else
		frr_start "$@"
	fi
}
