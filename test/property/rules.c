/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts, and what may be touched. The bytes of what was are looked at in rules_bytes.c. See rules.h.
 */
#include "rules.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <string.h>

#include "rules_bytes.h"
#include "setting.h"
#include "sight.h"

static bool is(const struct trial *trial, const char *reason)
{
	return !strcmp(trial->reason, reason);
}

static bool begins(const struct trial *trial, const char *with)
{
	return !strncmp(trial->reason, with, strlen(with));
}

static uint32_t verdict_of(const struct trial *trial)
{
	if (begins(trial, "drop_"))
		return XDP_DROP;
	if (is(trial, "redirect") || is(trial, "fib_redirect"))
		return XDP_REDIRECT;
	if (begins(trial, "pass_") || is(trial, "kernel") || is(trial, "local") || is(trial, "restored") ||
	    is(trial, "decapsulated"))
		return XDP_PASS;
	return XDP_TX; /* forwarded, or an answer of ours */
}

/* It passes as it came. */
static bool stays(const struct trial *trial)
{
	return begins(trial, "pass_") || is(trial, "local");
}

static bool is_own(const struct sight *sight)
{
	return sight->family == 4 ? !memcmp(sight->dst, setting_own4, 4)
				  : !memcmp(sight->dst, setting_own6, 16);
}

/* Is it for this goal's service? Fragments and ICMP have no ports that count here. */
static bool for_service(const struct sight *sight, const struct goal *goal)
{
	bool tcp = sight->protocol == IPPROTO_TCP, udp = sight->protocol == IPPROTO_UDP;

	if (!goal)
		return false;
	if (sight->fragment)
		return true;
	if (!tcp && !udp)
		return sight->protocol == (sight->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (!sight->ports)
		return false;
	return goal->kind->any_port || sight->dst_port == (tcp ? 80 : 443);
}

/* Its first six bytes are this node's MAC. */
static bool to_us(const struct trial *trial)
{
	return !memcmp(trial->in->bytes, setting_d0_mac, 6);
}

static bool for_backend(const struct trial *trial, const struct sight *sight)
{
	return trial->backend && is_own(sight) &&
	       (sight->ports || sight->fragment || sight->protocol == IPPROTO_IPIP ||
		sight->protocol == IPPROTO_IPV6 || sight->protocol == IPPROTO_ICMP ||
		sight->protocol == IPPROTO_ICMPV6);
}

/* A plain packet to a service, which nothing excuses the director from taking. */
static bool must_be_taken(const struct trial *trial, const struct sight *sight)
{
	const struct goal *goal = sight->whole ? setting_goal(sight->dst, sight->family) : NULL;

	if (!trial->director || !sight->ports || sight->tags || !for_service(sight, goal))
		return false;
	return !(sight->family == 6 && sight->options) && to_us(trial) && sight->ttl > 1;
}

/* May it be told what became of it? */
static bool from_a_host(const struct sight *sight)
{
	static const uint8_t nobody[16] = {0};

	if (sight->family == 4)
		return sight->src[0] && sight->src[0] != 127 && sight->src[0] < 224;
	return memcmp(sight->src, nobody, sizeof(nobody)) != 0 && sight->src[0] != 0xff;
}

/* Its TTL ends at the director, which is to tell it to who sent it. */
static bool must_be_told(const struct trial *trial, const struct sight *sight)
{
	return is(trial, "pass_ttl") && sight->whole && sight->ports && from_a_host(sight);
}

static const char *wrongly_passed(const struct trial *trial, const struct sight *sight)
{
	if (begins(trial, "pass_") && must_be_taken(trial, sight))
		return "it is for a service, and yet it passed";
	return must_be_told(trial, sight) ? "its TTL ended, and nobody was told" : NULL;
}

const char *rules_broken(const struct trial *trial)
{
	const struct goal *goal = NULL;
	struct sight in;
	bool same = trial->in->size == trial->out->size &&
		    !memcmp(trial->in->bytes, trial->out->bytes, trial->in->size);

	if (trial->verdict != verdict_of(trial))
		return "the verdict is not the reason's";
	sight_frame(trial->in->bytes, trial->in->size, &in);
	if (stays(trial))
		return same ? wrongly_passed(trial, &in) : "it passes, but not as it came";
	if (!in.family || !in.whole)
		return "it is no whole packet, and yet it did not pass";
	goal = setting_goal(in.dst, in.family);
	if (is(trial, "restored"))
		return for_backend(trial, &in) ? rules_restored(trial, &in)
					       : "it is not for a backend of ours";
	if (is(trial, "decapsulated"))
		return for_backend(trial, &in) ? rules_decapsulated(trial, &in)
					       : "no tunnel of ours ends there";
	if (is(trial, "drop_ecn"))
		return for_backend(trial, &in) ? NULL : "no tunnel of ours ends there";
	if (!trial->director || !for_service(&in, goal))
		return "it is for no service, and yet it did not pass";
	if (!to_us(trial))
		return "it is to another MAC, and yet it did not pass";
	if (trial->verdict == XDP_DROP)
		return NULL;
	if (is(trial, "tx") || is(trial, "redirect") || begins(trial, "fib_") || is(trial, "kernel"))
		return rules_forwarded(trial, &in, goal);
	return rules_answered(trial, &in, goal);
}
