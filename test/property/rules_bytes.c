/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See rules_bytes.h. RFC 2003, 2473, 4213 and draft-ietf-intarea-gue for tunnels, RFC 6040 for ECN.
 */
#include "rules_bytes.h"

#include <netinet/in.h>
#include <string.h>

#include "setting.h"
#include "sight.h"

/* What L3 is to be: the packet and what is behind it in the frame. */
struct wanted {
	uint8_t family;
	uint32_t size;
	uint8_t bytes[PACKET_MAX];
	bool l4_follows; /* the L4 checksum goes by the new destination */
};

static void want(const struct sight *in, struct wanted *out)
{
	out->family = in->family;
	out->size = in->room;
	out->l4_follows = false;
	memcpy(out->bytes, in->l3, in->room);
}

static uint8_t *destination(struct wanted *wanted)
{
	return wanted->bytes + (wanted->family == 4 ? 16 : 24);
}

static void lower_ttl(struct wanted *wanted)
{
	wanted->bytes[wanted->family == 4 ? 8 : 7]--;
}

static void set_class(struct wanted *wanted, uint8_t mask, uint8_t value)
{
	uint8_t class = wanted->family == 4 ? wanted->bytes[1] : (uint8_t)(get16(wanted->bytes) >> 4);

	class = (class & (uint8_t)~mask) | value;
	if (wanted->family == 4)
		wanted->bytes[1] = class;
	else
		put16(wanted->bytes, 0x6000U | (uint32_t) class << 4 | (wanted->bytes[1] & 15));
}

/* Where the L4 checksum lies that covers addresses, from the IP header on; 0: nowhere. */
static uint32_t l4_check_at(const struct sight *sight)
{
	uint32_t l4 = (uint32_t)(sight->l4 - sight->l3);

	bool first = sight->fragment && !sight->later;

	if (sight->protocol == IPPROTO_TCP && (sight->ports || (first && sight->l4_bytes >= 20)))
		return l4 + 16;
	if (sight->protocol == IPPROTO_UDP && (sight->ports || (first && sight->l4_bytes >= 8)))
		return l4 + 6;
	return sight->protocol == IPPROTO_ICMPV6 && !sight->fragment && sight->l4_bytes >= 8 ? l4 + 2 : 0;
}

/* Compares L3 with what it is to be; `in` is the packet that it was made of. */
static const char *compare(const struct sight *in, const struct sight *got, struct wanted *wanted)
{
	const uint8_t *for_whom = wanted->l4_follows ? got->dst : in->dst;

	if (got->family != wanted->family || got->room != wanted->size)
		return "its size or family is wrong";
	if (wanted->family == 4)
		memcpy(wanted->bytes + 10, got->l3 + 10, 2);
	if (wanted->l4_follows && l4_check_at(in))
		memcpy(wanted->bytes + l4_check_at(in), got->l3 + l4_check_at(in), 2);
	if (memcmp(wanted->bytes, got->l3, wanted->size) != 0)
		return "its bytes are wrong";
	if (in->ip_sum != got->ip_sum)
		return "the IP header's checksum is not as right as it was";
	/* Of the packet with the destination that the checksum is for. */
	if (sight_l4_sum(in, in->dst) != sight_l4_sum(got, for_whom))
		return "the L4 checksum is not as right as it was";
	return NULL;
}

/* ---- the link ------------------------------------------------------------------------------------- */

/* The MACs, and the tag that the next hop asks for. */
static const char *check_link(const struct trial *trial, const struct goal *goal)
{
	const struct hop *hop = &setting_hops[goal->kind->hop > 0 ? goal->kind->hop : 0];
	const uint8_t *out = trial->out->bytes;
	bool by_path = goal->kind->hop > 0;

	if (!strcmp(trial->reason, "kernel"))
		return memcmp(out, trial->in->bytes, 12) ? "its MACs are not those that it had" : NULL;
	if (memcmp(out, by_path ? hop->dst : setting_fib_mac, 6) != 0 ||
	    memcmp(out + 6, by_path ? hop->src : setting_d0_mac, 6) != 0)
		return "its MACs are not the next hop's";
	if (by_path && hop->tag_type && (get16(out + 12) != hop->tag_type || get16(out + 14) != hop->tag))
		return "its tag is not the next hop's";
	return NULL;
}

static unsigned int tags_of(const struct goal *goal)
{
	return goal->kind->hop > 0 && setting_hops[goal->kind->hop].tag_type ? 1 : 0;
}

/* ---- a director ------------------------------------------------------------------------------------- */

/* Is it one of the goal's backends' address? */
static bool is_backend(const struct goal *goal, const uint8_t *address)
{
	for (int i = 0; i < BACKENDS_EACH; i++) {
		if (!memcmp(goal->backends[i], address, goal->outer == 4 ? 4 : 16))
			return true;
	}
	return false;
}

static const char *check_l3(const struct trial *trial, const struct sight *in, const struct sight *got,
			    const struct goal *goal)
{
	struct wanted wanted;

	if (!got->whole || got->family != goal->outer || !is_backend(goal, got->dst))
		return "its destination is no backend of the service";
	want(in, &wanted);
	memcpy(destination(&wanted), got->dst, got->address);
	if (strcmp(trial->reason, "kernel") != 0) {
		if (in->ttl <= 1)
			return "its TTL was not enough to route it";
		lower_ttl(&wanted);
	}
	if (goal->kind->dscp) {
		set_class(&wanted, 0xfc, (uint8_t)(goal->kind->dscp << 2));
		wanted.l4_follows = true;
	}
	return compare(in, got, &wanted);
}

static const char *check_outer_fields(const struct trial *trial, const struct sight *in,
				      const struct sight *outer)
{
	bool as_client = !strcmp(trial->reason, "kernel") && in->family == 4 && outer->family == 4;
	const uint8_t *source = outer->family == 4 ? setting_source4 : setting_source6;

	if (as_client ? memcmp(outer->src, in->src, 4) != 0
		      : memcmp(outer->src, source, outer->family == 4 ? 3 : 12) != 0)
		return "the outer source is wrong";
	if (outer->ttl != 64)
		return "the outer TTL is not 64";
	if (outer->traffic_class != in->traffic_class)
		return "DSCP and ECN are not the packet's";
	if (outer->family == 4 && (outer->header != 20 || !outer->ip_sum || get16(outer->l3 + 6) != 0x4000))
		return "the outer IPv4 header is wrong";
	return NULL;
}

/* The UDP header of GUE: ports, length, and the checksum, which IPv6 cannot do without. */
static const char *check_gue(const struct sight *in, const struct sight *outer)
{
	enum sight_sum inner = sight_l4_sum(in, in->dst), sum = sight_l4_sum(outer, outer->dst);

	if (outer->protocol != IPPROTO_UDP || !outer->ports || outer->dst_port != GUE_PORT ||
	    outer->src_port < 0xc000 || get16(outer->l4 + 4) != in->bytes + 8)
		return "the UDP header is wrong";
	if (outer->family == 4)
		return sum == SUM_NONE ? NULL : "the outer UDP checksum is there";
	if (sum == SUM_NONE)
		return "the outer UDP checksum is missing";
	/* Where one inside is wrong, this one may be, too: nobody takes the packet. */
	if (in->ip_sum && inner != SUM_WRONG && sum != SUM_RIGHT)
		return "the outer UDP checksum is wrong";
	return NULL;
}

static const char *check_tunnel(const struct trial *trial, const struct sight *in, const struct sight *outer,
				const struct goal *goal)
{
	uint32_t udp = goal->kind->way == WAY_GUE ? 8 : 0, more = outer->header + udp;
	struct wanted wanted;
	struct sight inner;
	const char *wrong;

	if (!outer->whole || outer->family != goal->outer || !is_backend(goal, outer->dst))
		return "its outer destination is no backend of the service";
	if (outer->bytes != in->bytes + more || outer->room != in->room + more)
		return "the outer length is wrong";
	wrong = check_outer_fields(trial, in, outer);
	if (!wrong && udp)
		wrong = check_gue(in, outer);
	else if (!wrong &&
		 outer->l3[outer->family == 4 ? 9 : 6] != (in->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6))
		wrong = "the outer protocol is wrong";
	if (wrong)
		return wrong;
	if (in->ttl <= 1)
		return "its TTL was not enough to route it";
	want(in, &wanted);
	lower_ttl(&wanted);
	sight_ip(outer->l3 + more, outer->room - more, in->family, &inner);
	return compare(in, &inner, &wanted);
}

const char *rules_forwarded(const struct trial *trial, const struct sight *in, const struct goal *goal)
{
	struct wanted wanted;
	struct sight got;
	const char *wrong = check_link(trial, goal);

	sight_frame(trial->out->bytes, trial->out->size, &got);
	if (!wrong && strcmp(trial->reason, "kernel") != 0 && got.tags != tags_of(goal))
		wrong = "it has the wrong number of tags";
	if (wrong)
		return wrong;
	switch (goal->kind->way) {
	case WAY_L2:
		want(in, &wanted);
		return compare(in, &got, &wanted);
	case WAY_L3:
		return check_l3(trial, in, &got, goal);
	case WAY_IPIP:
	case WAY_GUE:
		return check_tunnel(trial, in, &got, goal);
	default:
		return "the service does not forward";
	}
}

/* An echo request, turned round: all but the type and the TTL stays. */
static const char *check_echo(const struct sight *in, const struct sight *got)
{
	bool v4 = in->family == 4;

	if (memcmp(got->src, in->dst, in->address) != 0)
		return "the answer is not from who was asked";
	if (in->l4[0] != (v4 ? 8 : 128) || got->l4[0] != (v4 ? 0 : 129) || got->l4_bytes != in->l4_bytes ||
	    memcmp(got->l4 + 4, in->l4 + 4, in->l4_bytes - 4) != 0)
		return "the answer is not the request's";
	if (in->ip_sum != got->ip_sum || sight_l4_sum(in, in->dst) != sight_l4_sum(got, got->dst))
		return "the answer's checksums are not as right as the request's";
	return NULL;
}

/* From whom an error comes, and what it says. */
static const char *check_kind(const struct sight *in, const struct sight *got, bool ttl)
{
	static const uint8_t kinds[2][2][2] = {{{3, 4}, {2, 0}}, {{11, 0}, {3, 0}}};
	const uint8_t *from = in->family == 4 ? setting_speaker4 : setting_speaker6;

	if (memcmp(got->src, ttl ? from : in->dst, in->address) != 0)
		return "the ICMP error is from somebody else";
	if (memcmp(got->l4, kinds[ttl][in->family == 6], 2) != 0)
		return "the ICMP error is of another kind";
	if (ttl && (in->ttl > 1 || in->later || get16(got->l4 + 4) || get16(got->l4 + 6)))
		return "`time exceeded` says what is not so";
	return NULL;
}

/* An ICMP error that quotes what came in. */
static const char *check_error(const struct sight *in, const struct sight *got)
{
	if (!got->ip_sum || sight_l4_sum(got, got->dst) != SUM_RIGHT)
		return "the ICMP error's checksums are wrong";
	if (got->l4_bytes < 8 + in->header + 8 || got->l4_bytes - 8 > in->bytes ||
	    memcmp(got->l4 + 8, in->l3, got->l4_bytes - 8) != 0)
		return "it does not quote the packet";
	return got->bytes > (got->family == 4 ? 576 : 1280) ? "the ICMP error is too long" : NULL;
}

/* Only a director that routes has a TTL end. */
static bool routes(const struct goal *goal)
{
	return goal->kind->way == WAY_L3 || goal->kind->way == WAY_IPIP || goal->kind->way == WAY_GUE;
}

const char *rules_answered(const struct trial *trial, const struct sight *in, const struct goal *goal)
{
	bool ttl = !strcmp(trial->reason, "told_ttl");
	const char *wrong;
	struct sight got;

	sight_frame(trial->out->bytes, trial->out->size, &got);
	if (ttl && !routes(goal))
		return "its TTL is not this node's to end";
	if (got.tags != in->tags)
		return "the answer is not in the VLAN that the packet came from";
	if (!got.whole || got.family != in->family || memcmp(got.dst, in->src, in->address) != 0)
		return "the answer is not for who sent the packet";
	if (memcmp(trial->out->bytes, trial->in->bytes + 6, 6) != 0)
		return "the answer goes to another MAC than the packet came from";
	if (!strcmp(trial->reason, "echoed"))
		return check_echo(in, &got);
	wrong = check_error(in, &got);
	return wrong ? wrong : check_kind(in, &got, ttl);
}

/* ---- a backend -------------------------------------------------------------------------------------- */

const char *rules_restored(const struct trial *trial, const struct sight *in)
{
	const struct goal *goal;
	struct wanted wanted;
	struct sight got;

	sight_frame(trial->out->bytes, trial->out->size, &got);
	goal = got.whole ? setting_goal(got.dst, got.family) : NULL;
	if (!goal || goal->kind->way != WAY_L3)
		return "its destination is no VIP";
	if (memcmp(trial->in->bytes, trial->out->bytes, 14) != 0)
		return "its Ethernet header is not as it was";
	want(in, &wanted);
	memcpy(destination(&wanted), goal->vip, in->address);
	wanted.l4_follows = goal->kind->dscp;
	if (wanted.l4_follows)
		return compare(in, &got, &wanted);
	/* The checksum is the VIP's already: to be compared as such on both sides. */
	if (wanted.family == 4)
		memcpy(wanted.bytes + 10, got.l3 + 10, 2);
	if (got.room != wanted.size || memcmp(wanted.bytes, got.l3, wanted.size) != 0)
		return "its bytes are wrong";
	return in->ip_sum == got.ip_sum ? NULL : "the IP header's checksum is not as right as it was";
}

/* RFC 6040, figure 4; -1: dropped. */
static int combined_ecn(uint8_t inner, uint8_t outer)
{
	static const int table[4][4] = {
		/* outer: not, 1, 0, CE */
		[0] = {0, 0, 0, -1},
		[1] = {1, 1, 1, 3},
		[2] = {2, 1, 2, 3},
		[3] = {3, 3, 3, 3},
	};

	return table[inner & 3][outer & 3];
}

const char *rules_decapsulated(const struct trial *trial, const struct sight *in)
{
	uint32_t outer = (uint32_t)(in->l4 - in->l3) + (in->protocol == IPPROTO_UDP ? 8 : 0);
	const struct goal *goal;
	struct sight inner, got;
	struct wanted wanted;
	int ecn;

	sight_frame(trial->out->bytes, trial->out->size, &got);
	sight_ip(in->l3 + outer, in->room - outer, got.family, &inner);
	goal = got.src ? setting_goal(got.dst, got.family) : NULL;
	if (!goal || (goal->kind->way != WAY_IPIP && goal->kind->way != WAY_GUE))
		return "what came out is for no VIP";
	if (got.tags != in->tags)
		return "its tags are not as they were";
	if (!in->ip_sum || in->fragment)
		return "its outer header was none to trust";
	if (memcmp(trial->in->bytes, trial->out->bytes, 12) != 0)
		return "its MACs are not as they were";
	ecn = combined_ecn(inner.traffic_class, in->traffic_class);
	if (ecn < 0)
		return "ECN says that it is to be dropped";
	want(&inner, &wanted);
	set_class(&wanted, 3, (uint8_t)ecn);
	return compare(&inner, &got, &wanted);
}
