/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A socket filter for a route socket: of the routes' events it lets through those whose prefix can
 * cover an address that we track, and whatever else comes.
 *
 * It runs in the sender's context for each event of each route in the system, so that a full table
 * that churns wakes nobody. interest.c fills the sorted addresses before it attaches the program, and
 * attaches another for another set: what is here never changes under it.
 *
 * Where an attribute is, is looked at, not assumed: the kernel puts RTA_TABLE first and RTA_DST
 * second (net/ipv4/fib_semantics.c fib_dump_info, net/ipv6/route.c rt6_fill_node). Anything else passes.
 */
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FAMILY_IPV4 2  /* AF_INET */
#define FAMILY_IPV6 10 /* AF_INET6 */

#define PASS 0xffffffffU
#define DROP 0U

/* More than log2 of any number of addresses. */
#define STEPS 32

/* An address in host byte order; IPv4 in the upper half of `high`. */
struct key {
	__u64 high, low;
};

struct event {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr table;
	__u32 table_id;
	struct rtattr dst;
};

_Static_assert(__builtin_offsetof(struct event, table) == 28, "RTA_TABLE follows struct rtmsg");
_Static_assert(__builtin_offsetof(struct event, dst) == 36, "RTA_DST follows RTA_TABLE");

/*
 * Addresses in the maps. Not const: the verifier would follow the search for each address that it could end
 * at, and refuse thousands of them. What it does not know it follows once.
 */
volatile __u32 count4, count6;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct key);
} tracked4 SEC(".maps"), tracked6 SEC(".maps");

static __always_inline int before(const struct key *a, const struct key *b)
{
	return a->high < b->high || (a->high == b->high && a->low < b->low);
}

static __always_inline __u64 host_bits(__u32 length)
{
	return length >= 64 ? 0 : ~0ULL >> length;
}

/* Is there a tracked address from `first` to `last`? The lowest one that is not before `first` tells. */
static __always_inline __u32 any_between(void *map, __u32 count, const struct key *first,
					 const struct key *last)
{
	const struct key *key;
	__u32 low = 0, high = count;

	for (int step = 0; step < STEPS && low < high; step++) {
		__u32 middle = low + (high - low) / 2;

		key = bpf_map_lookup_elem(map, &middle);
		if (!key)
			return PASS;
		if (before(key, first))
			low = middle + 1;
		else
			high = middle;
	}
	if (low >= count)
		return DROP;
	key = bpf_map_lookup_elem(map, &low);
	return !key || !before(last, key) ? PASS : DROP;
}

static __always_inline __u32 judge4(struct __sk_buff *skb, const struct event *event)
{
	struct key first = {0}, last = {0};
	__be32 address = 0;
	__u32 length = event->route.rtm_dst_len;

	if (event->dst.rta_len != RTA_LENGTH(sizeof(address)) || length > 32 ||
	    bpf_skb_load_bytes(skb, sizeof(*event), &address, sizeof(address)))
		return PASS;
	first.high = (__u64)bpf_ntohl(address) << 32;
	last.high = first.high | host_bits(length);
	last.low = ~0ULL;
	return any_between(&tracked4, count4, &first, &last);
}

static __always_inline __u32 judge6(struct __sk_buff *skb, const struct event *event)
{
	struct key first = {0}, last = {0};
	__be64 address[2] = {0};
	__u32 length = event->route.rtm_dst_len;

	if (event->dst.rta_len != RTA_LENGTH(sizeof(address)) || length > 128 ||
	    bpf_skb_load_bytes(skb, sizeof(*event), address, sizeof(address)))
		return PASS;
	first.high = bpf_be64_to_cpu(address[0]);
	first.low = bpf_be64_to_cpu(address[1]);
	last.high = first.high | host_bits(length);
	last.low = first.low | (length > 64 ? host_bits(length - 64) : ~0ULL);
	return any_between(&tracked6, count6, &first, &last);
}

static __always_inline int is_route(__u16 type)
{
	return type == RTM_NEWROUTE || type == RTM_DELROUTE;
}

SEC("socket")
int interest(struct __sk_buff *skb)
{
	struct event event = {0};

	/* A default route has no RTA_DST, and covers everything. More than one message: not ours to cut. */
	if (bpf_skb_load_bytes(skb, 0, &event, sizeof(event)) || !is_route(event.header.nlmsg_type) ||
	    event.header.nlmsg_len != skb->len || event.table.rta_type != RTA_TABLE ||
	    event.table.rta_len != RTA_LENGTH(sizeof(event.table_id)) || event.dst.rta_type != RTA_DST ||
	    !event.route.rtm_dst_len)
		return PASS;
	if (event.route.rtm_family == FAMILY_IPV4)
		return judge4(skb, &event);
	if (event.route.rtm_family == FAMILY_IPV6)
		return judge6(skb, &event);
	return PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
