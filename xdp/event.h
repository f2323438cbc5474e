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
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sh_event_budget);
} event_budget SEC(".maps");

/* Completes `event` with time and `missed`, and emits it unless the limit is spent. */
__noinline int sh_event_emit(const struct sh_event *event, __u32 limit)
{
	const __u32 zero = 0;
	struct sh_event_budget *budget = bpf_map_lookup_elem(&event_budget, &zero);
	struct sh_event *record = NULL;
	__u64 now = bpf_ktime_get_coarse_ns();

	if (!event || !budget)
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
	*record = *event;
	record->time = now;
	record->missed = budget->missed;
	budget->missed = 0;
	budget->spent++;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 1;
}

/* `vip` as the packet had it: the header may have been rewritten since. */
static __always_inline void sh_event_addresses(const struct sh_packet *packet, const union sh_endpoint *vip,
					       struct sh_event *event)
{
	if (packet->family == SH_FAMILY_IPV4) {
		event->client.w[0] = packet->v4->saddr;
		event->vip.w[0] = vip->v4.addr;
		return;
	}
	__builtin_memcpy(&event->client, &packet->v6->saddr, sizeof(event->client));
	__builtin_memcpy(&event->vip, vip->v6.addr, sizeof(event->vip));
}

/* Reports what became of a packet to a service, if that was a dispatch or a drop. */
static __always_inline void sh_event_report(const struct sh_packet *packet, const union sh_endpoint *vip,
					    __u32 service, __u32 backend, enum sh_reason reason)
{
	const __u32 zero = 0;
	struct sh_knobs *set = bpf_map_lookup_elem(&knobs, &zero);

	if (!set || !set->events_per_100ms || !(sh_dispatched(reason) || sh_dropped(reason)))
		return;
	struct sh_event event = {
		.kind = SH_EVENT_DISPATCH,
		.reason = reason,
		.service = service,
		.backend = backend,
		.family = packet->family,
		.protocol = packet->protocol,
		.client_port = packet->client_port,
		.vip_port = packet->vip_port,
	};

	sh_event_addresses(packet, vip, &event);
	sh_event_emit(&event, set->events_per_100ms);
}

#endif
