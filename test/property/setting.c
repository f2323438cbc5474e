/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table, and the lines that are made of it. See setting.h.
 */
#include "setting.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "world.h"

enum { HOP_HERE = 1, HOP_THERE, HOP_TAGGED, HOP_SMALL, HOP_8021AD, HOPS };

#define BY_FIB	  0    /* no path: bpf_fib_lookup finds a neighbour */
#define BY_KERNEL (-1) /* no path, and no neighbour */

const struct kind setting_kinds[KINDS] = {
	{.name = "l2", .way = WAY_L2, .hop = HOP_HERE},
	{.name = "l3", .way = WAY_L3, .hop = HOP_THERE},
	{.name = "l3 with DSCP", .way = WAY_L3, .dscp = 10, .hop = HOP_HERE},
	{.name = "ipip", .way = WAY_IPIP, .hop = HOP_HERE},
	{.name = "ipip, other family", .way = WAY_IPIP, .other = true, .hop = HOP_THERE},
	{.name = "gue", .way = WAY_GUE, .hop = HOP_THERE},
	{.name = "gue, other family", .way = WAY_GUE, .other = true, .hop = HOP_HERE},
	{.name = "l3 by FIB", .way = WAY_L3, .hop = BY_FIB},
	{.name = "gue by FIB", .way = WAY_GUE, .hop = BY_FIB},
	{.name = "l3 by the kernel", .way = WAY_L3, .hop = BY_KERNEL},
	{.name = "ipip by the kernel", .way = WAY_IPIP, .hop = BY_KERNEL},
	{.name = "l2, moving", .way = WAY_L2, .moving = true, .hop = HOP_HERE},
	{.name = "l3, random", .way = WAY_L3, .random = true, .hop = HOP_HERE},
	{.name = "no backend", .way = WAY_NONE, .hop = HOP_HERE},
	{.name = "l3, any port, small MTU", .way = WAY_L3, .any_port = true, .hop = HOP_SMALL},
	{.name = "gue, other family, tagged", .way = WAY_GUE, .other = true, .hop = HOP_TAGGED},
	{.name = "l2, any port, 802.1ad", .way = WAY_L2, .any_port = true, .hop = HOP_8021AD},
	{.name = "local", .way = WAY_LOCAL, .hop = HOP_HERE},
};

const struct hop setting_hops[HOPS] = {
	[HOP_HERE] = {{2, 0, 0, 1, 0, 1}, {2, 0, 0, 2, 0, 1}, 0, 0, 1500, false},
	[HOP_THERE] = {{2, 0, 0, 1, 0, 2}, {2, 0, 0, 2, 0, 2}, 0, 0, 1500, true},
	[HOP_TAGGED] = {{2, 0, 0, 1, 0, 3}, {2, 0, 0, 2, 0, 3}, 7, 0x8100, 1500, true},
	[HOP_SMALL] = {{2, 0, 0, 1, 0, 4}, {2, 0, 0, 2, 0, 4}, 0, 0, 600, false},
	[HOP_8021AD] = {{2, 0, 0, 1, 0, 5}, {2, 0, 0, 2, 0, 5}, 77, 0x88a8, 1500, false},
};

struct goal setting_goals[GOALS];

const uint8_t setting_own4[4] = {192, 0, 2, 50};
const uint8_t setting_own6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 0x50};
const uint8_t setting_source4[4] = {198, 18, 255, 0};
const uint8_t setting_source6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 5};
const uint8_t setting_speaker4[4] = {192, 0, 2, 1};
const uint8_t setting_speaker6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1};
const uint8_t setting_fib_mac[6] = {2, 0, 0, 0, 0, 4};
const uint8_t setting_d0_mac[6] = {2, 0, 0, 0, 0, 0xd0};

/* 203.0.113.N or 2001:db8:f::N; 198.51.100.N or 2001:db8:b::N. */
static void address(uint8_t family, bool is_vip, unsigned int number, uint8_t out[static 16])
{
	static const uint8_t net4[2][3] = {{198, 51, 100}, {203, 0, 113}};

	memset(out, 0, 16);
	if (family == 4) {
		memcpy(out, net4[is_vip], 3);
		out[3] = (uint8_t)number;
		return;
	}
	memcpy(out, setting_own6, 4);
	out[5] = is_vip ? 0xf : 0xb;
	out[15] = (uint8_t)number;
}

void setting_goals_make(void)
{
	for (unsigned int i = 0; i < GOALS; i++) {
		struct goal *goal = &setting_goals[i];

		goal->kind = &setting_kinds[i / 2];
		goal->family = i & 1 ? 6 : 4;
		goal->outer = goal->kind->other ? 10 - goal->family : goal->family;
		address(goal->family, true, i + 1, goal->vip);
		for (unsigned int j = 0; j < BACKENDS_EACH; j++)
			address(goal->outer, false, 1 + i * BACKENDS_EACH + j, goal->backends[j]);
	}
}

const struct goal *setting_goal(const uint8_t *at, uint8_t family)
{
	for (int i = 0; i < GOALS; i++) {
		if (setting_goals[i].family == family &&
		    !memcmp(setting_goals[i].vip, at, family == 4 ? 4 : 16))
			return &setting_goals[i];
	}
	return NULL;
}

/* ---- lines ---------------------------------------------------------------------------------------- */

static const char *text(const uint8_t *at, uint8_t family, char out[static INET6_ADDRSTRLEN])
{
	return inet_ntop(family == 4 ? AF_INET : AF_INET6, at, out, INET6_ADDRSTRLEN);
}

static const char *mac(const uint8_t at[6], char out[static 18])
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", at[0], at[1], at[2], at[3], at[4], at[5]);
	return out;
}

static void say_hops(FILE *out)
{
	char dst[18], src[18];

	for (int i = HOP_HERE; i < HOPS; i++) {
		const struct hop *hop = &setting_hops[i];

		fprintf(out, "nexthop %d %s %s %s %u", i, mac(hop->dst, dst), mac(hop->src, src),
			hop->redirect ? "d1" : "d0", hop->mtu);
		if (hop->tag_type)
			fprintf(out, " %u%s", hop->tag, hop->tag_type == 0x88a8 ? " 802.1ad" : "");
		fputc('\n', out);
	}
}

static void say_backends(FILE *out, const struct goal *goal, int first)
{
	static const char *const modes[] = {"l2", "l3", "ipip", "gue", "local", "none"};
	char backend[INET6_ADDRSTRLEN];
	uint32_t path = goal->kind->hop > 0 ? 1U << 31 | (uint32_t)goal->kind->hop : 0;

	for (int j = 0; j < BACKENDS_EACH; j++)
		fprintf(out, "backend %d %s %s %u %d %u\n", first + j,
			text(goal->backends[j], goal->outer, backend), modes[goal->kind->way], path, first,
			goal->kind->dscp);
}

static void say_goal(FILE *out, const struct goal *goal, int number)
{
	const struct kind *kind = goal->kind;
	int first = 1 + number * 2, size = kind->way == WAY_NONE ? 0 : 2;
	char vip[INET6_ADDRSTRLEN];

	text(goal->vip, goal->family, vip);
	say_backends(out, goal, first);
	for (int i = 0; i < 2; i++) {
		fprintf(out, "slot %d %d", first + i, first + i);
		fprintf(out, kind->moving ? " %d%s\n" : "\n", first + 1 - i, i ? " closed" : "");
		fprintf(out, "service %d %d %d%s\n", first + i, first, size, kind->random ? " random" : "");
	}
	fprintf(out, "address %s %d%s\n", vip, first, size ? " answers" : "");
	fprintf(out, "vip %s %d tcp %d\n", vip, kind->any_port ? 0 : 80, first);
	fprintf(out, "vip %s %d udp %d\n", vip, kind->any_port ? 0 : 443, first + 1);
	fprintf(out, "stray %s tcp %d\nstray %s udp %d\n", vip, first, vip, first + 1);
}

/* Of the VIPs of plain l3 one port is restored, by DSCP all, and what comes in tunnels is taken out. */
static void say_backends_side(FILE *out)
{
	char own[INET6_ADDRSTRLEN], vip[INET6_ADDRSTRLEN];

	for (int i = 0; i < GOALS; i++) {
		const struct goal *goal = &setting_goals[i];

		text(goal->family == 4 ? setting_own4 : setting_own6, goal->family, own);
		text(goal->vip, goal->family, vip);
		if (goal->kind->way == WAY_L3 && goal->kind->dscp)
			fprintf(out, "dscp %s %u %s\n", own, goal->kind->dscp, vip);
		else if (goal->kind == &setting_kinds[1])
			fprintf(out, "restore %s 80 tcp %s\nrestore %s 443 udp %s\n", own, vip, own, vip);
		if (goal->kind->way == WAY_IPIP || goal->kind->way == WAY_GUE)
			fprintf(out, "served %s\n", vip);
	}
	fprintf(out, "served %s %d\n", text(setting_own4, 4, own), GUE_PORT);
	fprintf(out, "served %s %d\n", text(setting_own6, 6, own), GUE_PORT);
}

static void say_world(FILE *out)
{
	char source4[INET6_ADDRSTRLEN], source6[INET6_ADDRSTRLEN], own4[INET6_ADDRSTRLEN],
		own6[INET6_ADDRSTRLEN];

	fputs("mac 02:00:00:00:00:d0\nknobs 1 0\negress d1\ntelling 4000000000\n", out);
	fprintf(out, "tunnel %s 8 %s 32 %d\n", text(setting_source4, 4, source4),
		text(setting_source6, 6, source6), GUE_PORT);
	fprintf(out, "own d0 %s %s\n", text(setting_speaker4, 4, own4), text(setting_speaker6, 6, own6));
	say_hops(out);
	for (int i = 0; i < GOALS; i++)
		say_goal(out, &setting_goals[i], i);
	say_backends_side(out);
}

/* Routes of those that have no path in the maps. */
static void say_routes(FILE *out)
{
	char backend[INET6_ADDRSTRLEN];

	for (int i = 0; i < GOALS; i++) {
		const struct goal *goal = &setting_goals[i];

		for (int j = 0; goal->kind->hop <= 0 && j < BACKENDS_EACH; j++)
			fprintf(out, "ip route add %s via %s\n",
				text(goal->backends[j], goal->outer, backend),
				goal->outer == 4 ? goal->kind->hop == BY_FIB ? "192.0.2.20" : "192.0.2.21"
				: goal->kind->hop == BY_FIB ? "2001:db8:1::20"
							    : "2001:db8:1::21");
	}
}

static void say_network(FILE *out)
{
	char neighbour[18];

	for (int i = 0; i < 2; i++)
		fprintf(out,
			"ip link add d%d address 02:00:00:00:00:d%d mtu 1500 type veth peer name p%d\n"
			"ip link set d%d up\nip link set p%d up\n",
			i, i, i, i, i);
	fputs("ip addr add 192.0.2.1/24 dev d0\nip addr add 2001:db8:1::1/64 dev d0 nodad\n", out);
	mac(setting_fib_mac, neighbour);
	fprintf(out, "ip neigh add 192.0.2.20 lladdr %s dev d0 nud permanent\n", neighbour);
	fprintf(out, "ip neigh add 2001:db8:1::20 lladdr %s dev d0 nud permanent\n", neighbour);
	say_routes(out);
	fputs("sysctl net/ipv4/conf/all/forwarding 1\nsysctl net/ipv6/conf/all/forwarding 1\n", out);
}

/* Makes lines and works them off. */
static void work_off(void (*say)(FILE *out), struct net *net, struct world *world)
{
	struct line line = {.file = "setting.c"};
	char *all = NULL;
	size_t size;
	FILE *file = open_memstream(&all, &size);

	if (!file) {
		perror("open_memstream");
		exit(2);
	}
	say(file);
	fclose(file);
	file = fmemopen(all, size, "r");
	while (file && line_read(file, &line)) {
		if (net ? !net_verb(net, &line) : !world_verb(world, &line))
			line_fail(&line, "no such verb");
	}
	if (file)
		fclose(file);
	line_free(&line);
	free(all);
}

void setting_network(struct net *net)
{
	work_off(say_network, net, NULL);
}

void setting_fill(struct world *world)
{
	work_off(say_world, NULL, world);
}
