/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program loaded a second time, with maps of its own for what it writes. See twin.h.
 */
#include "twin.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shunt/fresh.h>

#include "dataplane_maps.h"

#define FLOWS_SIZE  256 /* of one flow at a time */
#define COUNTS_SIZE 2	/* nobody looks at them */

struct twin {
	const struct bpf_object *original;
	struct bpf_object *object;
	struct bpf_program *program;
	struct ring_buffer *events;
	struct sh_event event; /* of the last run; kind 0: none */
	int cpus;
};

/* ---- loading ------------------------------------------------------------------------------------- */

/* NULL: the controller does not know the map. */
static const struct dataplane_spec *spec_of(const char *name)
{
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		if (!strcmp(dataplane_specs[i].name, name))
			return &dataplane_specs[i];
	}
	return NULL;
}

static bool is_own(const char *name)
{
	const struct dataplane_spec *spec = spec_of(name);

	return !spec || spec->own;
}

/* What packets write to need not be large for one. */
static uint32_t own_size(const struct bpf_map *map, const struct bpf_map *original)
{
	const struct dataplane_spec *spec = spec_of(bpf_map__name(map));

	if (bpf_map__type(map) == BPF_MAP_TYPE_LRU_HASH)
		return FLOWS_SIZE;
	if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF)
		return (uint32_t)sysconf(_SC_PAGESIZE);
	if (spec && spec->copy == COPY_CARRY)
		return COUNTS_SIZE;
	return bpf_map__max_entries(original);
}

static int prepare_map(struct bpf_map *map, const struct bpf_object *object)
{
	struct bpf_map *original = bpf_object__find_map_by_name(object, bpf_map__name(map));
	const void *constants;
	size_t size;

	if (!original)
		return -ENOENT;
	if (bpf_map__is_internal(map)) {
		constants = bpf_map__initial_value(original, &size);
		return constants ? bpf_map__set_initial_value(map, constants, size) : -EINVAL;
	}
	if (!is_own(bpf_map__name(map)))
		return bpf_map__reuse_fd(map, bpf_map__fd(original));
	return bpf_map__set_max_entries(map, own_size(map, original));
}

static int on_event(void *arg, void *data, size_t size)
{
	struct twin *twin = arg;

	if (size >= sizeof(twin->event))
		memcpy(&twin->event, data, sizeof(twin->event));
	return 0;
}

static int load(struct twin *twin, const struct twin_original *original)
{
	/* The names of maps for constants are made of the object's. */
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = bpf_object__name(original->object));
	struct bpf_map *map, *events;
	int err = 0;

	twin->object = bpf_object__open_mem(original->elf, original->elf_size, &options);
	if (!twin->object)
		return -errno;
	bpf_object__for_each_map(map, twin->object)
	{
		if (!err)
			err = prepare_map(map, original->object);
	}
	if (!err)
		err = bpf_object__load(twin->object);
	if (err)
		return err;
	twin->program = bpf_object__find_program_by_name(twin->object, original->program);
	events = bpf_object__find_map_by_name(twin->object, "events");
	if (events)
		twin->events = ring_buffer__new(bpf_map__fd(events), on_event, twin, NULL);
	return twin->program && (twin->events || !events) ? 0 : -errno;
}

int twin_open(const struct twin_original *original, struct twin **out)
{
	struct twin *twin = calloc(1, sizeof(*twin));
	int err = twin ? 0 : -ENOMEM;

	if (!err) {
		twin->original = original->object;
		twin->cpus = libbpf_num_possible_cpus();
		err = load(twin, original);
	}
	if (err) {
		twin_close(twin);
		return err;
	}
	*out = twin;
	return 0;
}

void twin_close(struct twin *twin)
{
	if (!twin)
		return;
	ring_buffer__free(twin->events);
	bpf_object__close(twin->object);
	free(twin);
}

/* ---- what it has to know -------------------------------------------------------------------------- */

/* A map's descriptor in either object; -1 where the program has no such map. */
static int fd_of(const struct bpf_object *object, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? bpf_map__fd(map) : -1;
}

static int copy_knobs(const struct twin *twin)
{
	int from = fd_of(twin->original, "knobs"), to = fd_of(twin->object, "knobs");
	const uint32_t only = 0;
	struct sh_knobs knobs;

	if (from < 0)
		return 0;
	if (bpf_map_lookup_elem(from, &only, &knobs))
		return -errno;
	knobs.events_per_100ms = UINT32_MAX;
	return bpf_map_update_elem(to, &only, &knobs, BPF_ANY) ? -errno : 0;
}

static int copy_backends(const struct twin *twin)
{
	struct bpf_map *original = bpf_object__find_map_by_name(twin->original, "backends");
	int to = fd_of(twin->object, "backends"), err = 0;
	size_t size;
	void *source, *copy;

	if (!original)
		return 0;
	size = (size_t)bpf_map__max_entries(original) * sizeof(struct sh_backend);
	source = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(original), 0);
	copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	if (source == MAP_FAILED || copy == MAP_FAILED)
		err = -errno;
	else
		memcpy(copy, source, size);
	if (source != MAP_FAILED)
		munmap(source, size);
	if (copy != MAP_FAILED)
		munmap(copy, size);
	return err;
}

/* Interfaces that came are added, those that went removed. */
static int copy_egress(const struct twin *twin)
{
	int from = fd_of(twin->original, "egress"), to = fd_of(twin->object, "egress");
	struct bpf_devmap_val value;
	uint32_t key, next;
	void *at = NULL;

	if (from < 0)
		return 0;
	while (!bpf_map_get_next_key(to, NULL, &next)) {
		if (bpf_map_delete_elem(to, &next))
			return -errno;
	}
	for (; !bpf_map_get_next_key(from, at, &next); at = &key) {
		key = next;
		value = (struct bpf_devmap_val){.ifindex = key};
		/* A link that has just gone is none to send by. */
		if (bpf_map_update_elem(to, &key, &value, BPF_ANY) && errno != EINVAL)
			return -errno;
	}
	return 0;
}

/* What is remembered of a flow that is alive. The kernel does not take this for a use of it. */
static uint32_t copy_flow(const struct twin *twin, const struct sh_flow *flow)
{
	struct sh_flow_state state;

	if (bpf_map_lookup_elem(fd_of(twin->original, "flows"), flow, &state))
		return 0;
	return bpf_map_update_elem(fd_of(twin->object, "flows"), flow, &state, BPF_ANY) ? 0 : state.backend;
}

/* The same of a fresh one, with those that share its set. */
static uint32_t copy_fresh(const struct twin *twin, const struct sh_flow *flow)
{
	uint64_t hash = sh_fresh_hash(flow);
	uint32_t place = sh_fresh_place(hash), backend = 0;
	struct sh_fresh set;

	if (bpf_map_lookup_elem(fd_of(twin->original, "fresh_sets"), &place, &set) ||
	    bpf_map_update_elem(fd_of(twin->object, "fresh_sets"), &place, &set, BPF_ANY))
		return 0;
	for (int i = 0; i < SH_FRESH_WAYS && !backend; i++)
		backend = sh_fresh_backend(set.flow[i], hash);
	return backend;
}

static void forget_flow(const struct twin *twin, const struct sh_flow *flow)
{
	uint32_t place = sh_fresh_place(sh_fresh_hash(flow));
	const struct sh_fresh none = {0};

	(void)bpf_map_update_elem(fd_of(twin->object, "fresh_sets"), &place, &none, BPF_ANY);
	(void)bpf_map_delete_elem(fd_of(twin->object, "flows"), flow);
}

/* ---- running -------------------------------------------------------------------------------------- */

static int clear_reasons(const struct twin *twin)
{
	struct sh_count *zero = calloc((size_t)twin->cpus, sizeof(*zero));
	int err = zero ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < SH_REASON_COUNT; i++)
		err = bpf_map_update_elem(fd_of(twin->object, "reasons"), &i, zero, BPF_ANY) ? -errno : 0;
	free(zero);
	return err;
}

/* The one that was counted since: always there, as no packet goes the straight way while events are on. */
static int read_reason(const struct twin *twin, uint32_t *out)
{
	struct sh_count *each = calloc((size_t)twin->cpus, sizeof(*each));
	int err = each ? -ENODATA : -ENOMEM;

	for (uint32_t i = 0; err == -ENODATA && i < SH_REASON_COUNT; i++) {
		if (bpf_map_lookup_elem(fd_of(twin->object, "reasons"), &i, each))
			err = -errno;
		for (int cpu = 0; err == -ENODATA && cpu < twin->cpus; cpu++) {
			if (each[cpu].packets)
				err = 0;
		}
		if (!err)
			*out = i;
	}
	free(each);
	return err;
}

static int run_once(struct twin *twin, struct twin_run *run)
{
	struct xdp_md context = {.data_end = run->size, .ingress_ifindex = run->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = run->frame, .data_size_in = run->size,
		    .data_out = run->out, .data_size_out = run->size + TWIN_ROOM, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(twin->program), &options);

	if (err)
		return err;
	run->verdict = options.retval;
	run->out_size = options.data_size_out;
	if (twin->events)
		(void)ring_buffer__consume(twin->events);
	return 0;
}

/* Takes one interface after the other away: without the one that it leaves by, it does not leave. A flow
 * that is dealt at random is remembered by the twin, so each run is about the same one. */
static int find_egress(struct twin *twin, struct twin_run *run)
{
	int egress = fd_of(twin->object, "egress"), err;
	uint8_t *out = malloc(run->size + TWIN_ROOM);
	struct twin_run again = *run;
	uint32_t ifindex;

	if (!out)
		return -ENOMEM;
	again.out = out;
	do {
		err = bpf_map_get_next_key(egress, NULL, &ifindex) ? -ENODEV : 0;
		if (!err && bpf_map_delete_elem(egress, &ifindex))
			err = -errno;
		if (!err)
			err = run_once(twin, &again);
	} while (!err && again.verdict == XDP_REDIRECT);
	free(out);
	if (!err)
		run->egress = ifindex;
	return err;
}

/* The first run has told the service. */
static int flow_of(const struct twin *twin, const struct sh_event *event, struct sh_flow *out)
{
	struct sh_service service;

	if (bpf_map_lookup_elem(fd_of(twin->original, "services"), &event->service, &service))
		return -errno;
	*out = (struct sh_flow){.client = event->client,
				.client_port = event->client_port,
				.vip_port = event->vip_port,
				.whose = sh_flow_whose(service.owner, event->protocol)};
	return 0;
}

static int run_reported(struct twin *twin, struct twin_run *run)
{
	int err;

	twin->event = (struct sh_event){0};
	err = clear_reasons(twin);
	if (!err)
		err = run_once(twin, run);
	return err ? err : read_reason(twin, &run->reason);
}

/* The second run, knowing of the flow what the original knows. Where it leaves by is asked meanwhile. */
static int run_knowing(struct twin *twin, struct twin_run *run, const struct sh_flow *flow)
{
	uint32_t fresh, flows;
	int err;

	forget_flow(twin, flow);
	fresh = copy_fresh(twin, flow);
	flows = copy_flow(twin, flow);
	run->known = flows ? flows : fresh;
	err = run_reported(twin, run);
	if (!err && run->verdict == XDP_REDIRECT)
		err = find_egress(twin, run);
	forget_flow(twin, flow);
	return err;
}

int twin_run(struct twin *twin, struct twin_run *run)
{
	struct twin_run got = *run;
	struct sh_flow flow;
	int err = copy_knobs(twin);

	got.service = got.backend = got.known = got.egress = 0;
	if (!err)
		err = copy_backends(twin);
	if (!err)
		err = copy_egress(twin);
	if (!err)
		err = run_reported(twin, &got);
	if (!err && twin->event.kind) {
		err = flow_of(twin, &twin->event, &flow);
		if (!err)
			err = run_knowing(twin, &got, &flow);
	}
	if (err)
		return err;
	got.service = twin->event.service;
	got.backend = twin->event.backend;
	if (got.verdict == XDP_TX)
		got.egress = got.ifindex;
	*run = got;
	return 0;
}
