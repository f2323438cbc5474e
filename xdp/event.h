/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Dispatches as events, for whoever listens: sampled, and never a wake-up.
 *
 * While knobs.events_per_100ms is 0 the whole thing costs one load. Otherwise each CPU may emit so
 * many events in a window of 100 ms; what it had to leave out, for the limit or because the ring
 * buffer was full, is told by the next event's `missed`.
 */
#ifndef SHUNT_EVENT_H
#define SHUNT_EVENT_H

#include "count.h"
#include "director_maps.h"
#include "endpoint.h"

#define SH_EVENT_WINDOW_NS 100000000ULL

struct sh_event_budget {
	__u64 since; /* start of the window, ns */
	__u32 spent; /* events emitted in it */
	__u32 missed;
	struct sh_event next; /* being made */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sh_event_budget);
} event_budget SEC(".maps");

static __always_inline void sh_event_begin_for(const struct sh_packet *packet, const union sh_endpoint *vip)
{
	struct sh_event_budget *budget = sh_at(&event_budget, 0);
	struct sh_event *event;

	if (!budget)
		return;
	event = &budget->next;
	*event = (struct sh_event){
		.kind = SH_EVENT_DISPATCH,
		.family = packet->family,
		.protocol = packet->protocol,
		.client_port = packet->client_port,
		.vip_port = packet->vip_port,
	};
	if (packet->family == SH_FAMILY_IPV4) {
		event->client.w[0] = packet->v4->saddr;
		event->vip.w[0] = vip->v4.addr;
		return;
	}
	__builtin_memcpy(&event->client, &packet->v6->saddr, sizeof(event->client));
	__builtin_memcpy(&event->vip, vip->v6.addr, sizeof(event->vip));
}

/* A packet to a service, before it is changed. Returns what sh_event_end takes; 0: nobody listens. */
static __always_inline __u32 sh_event_begin(const struct sh_packet *packet, const union sh_endpoint *vip)
{
	struct sh_knobs *set = sh_at(&knobs, 0);
	__u32 limit = set ? set->events_per_100ms : 0;

	if (limit)
		sh_event_begin_for(packet, vip);
	return limit;
}

/* What became of it: reported if that is a dispatch, a drop or the end of its TTL, and the limit is not
 * spent. A global function: verified once. */
__noinline int sh_event_end(__u32 limit, __u32 service, __u32 backend, __u32 reason)
{
	struct sh_event_budget *budget = sh_at(&event_budget, 0);
	__u64 now = bpf_ktime_get_coarse_ns();
	struct sh_event *record = NULL;

	if (!budget || !(sh_dispatched(reason) || sh_dropped(reason) || reason == SH_PASS_TTL))
		return 0;
	if (now - budget->since >= SH_EVENT_WINDOW_NS) {
		budget->since = now;
		budget->spent = 0;
	}
	if (budget->spent < limit)
		record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	if (!record) {
		budget->missed++;
		return 0;
	}
	*record = budget->next;
	record->time = now;
	record->reason = reason;
	record->service = service;
	record->backend = backend;
	record->missed = budget->missed;
	budget->missed = 0;
	budget->spent++;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 1;
}

#endif
