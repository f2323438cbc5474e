/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two programs loaded from their skeletons, and their maps filled from lines.
 */
#include "world.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/fresh.h>
#include <shunt/guess.h>
#include <shunt/lane.h>
#include <shunt/macs.h>

#include "derive.h"
#include "empty.h"

#include "director.skel.h"
#include "backend.skel.h"

struct world {
	bool restore, straight; /* else the general way is taken at once */
	bool cut;		/* the programs behind the first one are gone */
	bool changed;		/* since the last packet: what follows from records is to follow anew */
	uint32_t flows_size;
	uint32_t services; /* records that may be in use */
	struct director_bpf *director;
	struct backend_bpf *backend;
	struct ring_buffer *events;
	void (*each)(const struct sh_event *, void *); /* while draining */
	void *arg;
	struct world_counts counts; /* while no packet has run since they were read: */
	bool counted;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static int on_event(void *context, void *record, size_t size)
{
	struct world *world = context;

	if (size == sizeof(struct sh_event))
		world->each(record, world->arg);
	return 0;
}

static void size_maps(struct director_bpf *director, struct backend_bpf *backend, uint32_t flows_size)
{
	struct bpf_map *const sized[] = {
		director->maps.vips4,		director->maps.vips6,	       director->maps.services,
		director->maps.slots,		director->maps.backends,       director->maps.paths,
		director->maps.nexthops,	director->maps.service_counts, director->maps.backend_counts,
		director->maps.straight_counts, director->maps.restore4,       director->maps.restore6,
		backend->maps.restore4,		backend->maps.restore6,	       director->maps.served,
		backend->maps.served,		director->maps.bound,	       director->maps.mended,
		backend->maps.mended,		director->maps.quic_ids,       director->maps.addresses,
		director->maps.lanes,
	};

	for (size_t i = 0; i < sizeof(sized) / sizeof(*sized); i++)
		if (bpf_map__set_max_entries(sized[i], WORLD_ENTRIES))
			die("bpf_map__set_max_entries");
	if (bpf_map__set_max_entries(director->maps.guesses, WORLD_GUESSES) ||
	    bpf_map__set_max_entries(director->maps.flows, flows_size) ||
	    bpf_map__set_max_entries(director->maps.fresh_sets, SH_FRESH_SIZE))
		die("bpf_map__set_max_entries flows");
}

struct world *world_new(bool restore, uint32_t flows_size)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		die("calloc");
	world->restore = restore;
	world->flows_size = flows_size;
	world->director = director_bpf__open();
	world->backend = backend_bpf__open();
	if (!world->director || !world->backend)
		die("cannot open the programs");
	world->director->rodata->load.restore = restore;
	world->straight = !restore && !getenv("SHUNT_GENERAL");
	world->director->rodata->load.guesses = WORLD_GUESSES;
	size_maps(world->director, world->backend, flows_size);
	if (director_bpf__load(world->director) || backend_bpf__load(world->backend))
		die("cannot load the programs");
	world->events = ring_buffer__new(bpf_map__fd(world->director->maps.events), on_event, world, NULL);
	if (!world->events)
		die("ring_buffer__new");
	return world;
}

void world_free(struct world *world)
{
	if (!world)
		return;
	ring_buffer__free(world->events);
	director_bpf__destroy(world->director);
	backend_bpf__destroy(world->backend);
	free(world);
}

static void ignore(const struct sh_event *event, void *arg)
{
	(void)event;
	(void)arg;
}

bool world_is(const struct world *world, bool restore, uint32_t flows_size)
{
	return world->restore == restore && world->flows_size == flows_size;
}

static void set_further(struct world *world, bool there)
{
	int further = bpf_map__fd(world->director->maps.further);
	int general = bpf_program__fd(world->director->progs.shunt_general);
	uint32_t first = 0;

	if (world->cut == !there)
		return;
	if (there ? bpf_map_update_elem(further, &first, &general, BPF_ANY)
		  : bpf_map_delete_elem(further, &first))
		die("cannot change the programs");
	world->cut = !there;
}

void world_empty(struct world *world)
{
	world_events(world, ignore, NULL);
	world->counted = false;
	set_further(world, true);
	if (object_empty(world->director->obj) || object_empty(world->backend->obj))
		die("cannot empty the maps");
}

/* ---- verbs --------------------------------------------------------------------------------- */

static void put(const struct line *line, struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		line_fail(line, strerror(errno));
}

static void knobs(struct world *world, const struct line *line)
{
	struct sh_knobs set;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.knobs), &zero, &set))
		die("cannot read the knobs");
	set.any_port = line_number(line, 1);
	set.events_per_100ms = line_number(line, 2);
	put(line, world->director->maps.knobs, &zero, &set);
}

/* {ADDRESS PORT PROTOCOL} from the second word on, as both kinds of key. Returns the family. */
static uint8_t endpoint(const struct line *line, struct sh_endpoint4 *key4, struct sh_endpoint6 *key6)
{
	struct sh_ip address;
	uint8_t family = line_address(line, 1, &address);

	*key4 = (struct sh_endpoint4){address.w[0], line_port(line, 2), line_protocol(line, 3), 0};
	*key6 = (struct sh_endpoint6){.port = line_port(line, 2), .protocol = line_protocol(line, 3)};
	memcpy(key6->addr, address.w, sizeof(key6->addr));
	return family;
}

/* {VIP, port, protocol} as a service's record names them. */
static void name_service(const struct line *line, struct sh_service *service)
{
	service->family = line_address(line, 1, &service->vip);
	service->vip_port = line_port(line, 2);
	service->protocol = line_protocol(line, 3);
}

static void guess(struct world *world, const struct line *line)
{
	struct sh_guess record = {.service = line_number(line, 4)};
	struct sh_service service = {0};
	uint32_t place;

	name_service(line, &service);
	place = sh_guess_of(&service, WORLD_GUESSES);
	put(line, world->director->maps.guesses, &place, &record);
}

/* The service's record names the VIP it was last given, and the VIP's place leads to it: other VIPs of
 * the service, and those that shared the place, are left to the hash maps. */
static void guess_right(struct world *world, const struct line *line, uint32_t index)
{
	struct sh_service service = {0};
	bool there = !bpf_map_lookup_elem(bpf_map__fd(world->director->maps.services), &index, &service);

	name_service(line, &service);
	if (there)
		put(line, world->director->maps.services, &index, &service);
	if (service.vip_port)
		guess(world, line);
}

static void stray(struct world *world, const struct line *line)
{
	uint32_t service = line_number(line, 3);
	struct sh_endpoint4 key4 = {.protocol = line_protocol(line, 2), .zero = SH_ENDPOINT_STRAY};
	struct sh_endpoint6 key6 = {.protocol = line_protocol(line, 2), .zero = SH_ENDPOINT_STRAY};
	struct sh_ip address;

	if (line_address(line, 1, &address) == SH_FAMILY_IPV4) {
		key4.addr = address.w[0];
		put(line, world->director->maps.vips4, &key4, &service);
	} else {
		memcpy(key6.addr, address.w, sizeof(key6.addr));
		put(line, world->director->maps.vips6, &key6, &service);
	}
}

static void mac(struct world *world, const struct line *line)
{
	struct sh_macs record;
	uint8_t bytes[6];
	uint32_t place;
	uint64_t word;
	int way = 0;

	line_mac(line, 1, bytes);
	word = sh_mac_of(bytes);
	place = sh_mac_place(word);
	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.macs), &place, &record))
		die("cannot read the MACs");
	while (way < SH_MACS_WAYS - 1 && record.mac[way] != SH_MAC_NONE)
		way++;
	record.mac[way] = way == SH_MACS_WAYS - 1 ? SH_MAC_ANY : word;
	put(line, world->director->maps.macs, &place, &record);
}

static void vip(struct world *world, const struct line *line)
{
	uint32_t service = line_number(line, 4);
	struct sh_endpoint4 key4;
	struct sh_endpoint6 key6;

	guess_right(world, line, service);
	if (endpoint(line, &key4, &key6) == SH_FAMILY_IPV4)
		put(line, world->director->maps.vips4, &key4, &service);
	else
		put(line, world->director->maps.vips6, &key6, &service);
}

static void restore(struct world *world, const struct line *line)
{
	struct sh_endpoint4 key4;
	struct sh_endpoint6 key6;
	struct sh_ip address;

	if (endpoint(line, &key4, &key6) != line_address(line, 4, &address))
		line_fail(line, "two families");
	if (line_address(line, 4, &address) == SH_FAMILY_IPV4) {
		put(line, world->director->maps.restore4, &key4, &address.w[0]);
		put(line, world->backend->maps.restore4, &key4, &address.w[0]);
	} else {
		put(line, world->director->maps.restore6, &key6, &address);
		put(line, world->backend->maps.restore6, &key6, &address);
	}
}

static void marked(struct world *world, const struct line *line)
{
	uint16_t dscp = line_port(line, 2);
	struct sh_endpoint4 key4 = {.port = dscp};
	struct sh_endpoint6 key6 = {.port = dscp};
	struct sh_ip own, address;

	if (line_address(line, 1, &own) == SH_FAMILY_IPV4) {
		key4.addr = own.w[0];
		line_address(line, 3, &address);
		put(line, world->director->maps.restore4, &key4, &address.w[0]);
		put(line, world->backend->maps.restore4, &key4, &address.w[0]);
	} else {
		memcpy(key6.addr, own.w, sizeof(key6.addr));
		line_address(line, 3, &address);
		put(line, world->director->maps.restore6, &key6, &address);
		put(line, world->backend->maps.restore6, &key6, &address);
	}
}

static void served(struct world *world, const struct line *line)
{
	struct sh_served as = {.as = SH_SERVED_VIP};
	struct sh_address key = {0};

	key.family = line_address(line, 1, &key.ip);
	if (line->count > 2)
		as = (struct sh_served){.as = SH_SERVED_OWN, .port = line_port(line, 2)};
	put(line, world->director->maps.served, &key, &as);
	put(line, world->backend->maps.served, &key, &as);
}

/* Bits to be filled from the hash, as a mask in network order. */
static uint32_t spread_mask(uint32_t bits)
{
	return bits ? htonl((uint32_t)((1ULL << bits) - 1)) : 0;
}

static void tunnel(struct world *world, const struct line *line)
{
	struct sh_knobs set;
	uint32_t zero = 0;
	struct sh_ip source;

	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.knobs), &zero, &set))
		die("cannot read the knobs");
	line_address(line, 1, &source);
	set.tunnel ^= 1;
	set.tunnels[set.tunnel] = (struct sh_tunnel){
		.source4 = source.w[0],
		.spread4 = spread_mask(line_number(line, 2)),
		.spread6 = spread_mask(line_number(line, 4)),
		.port = line_port(line, 5),
	};
	line_address(line, 3, &set.tunnels[set.tunnel].source6);
	put(line, world->director->maps.knobs, &zero, &set);
}

/* quic-id OFFSET BYTES OWNER. Returns the last word's place. */
static int name_backends(const struct line *line, int at, struct sh_service *record)
{
	record->flags |= SH_SERVICE_QUIC_ID;
	record->quic_offset = (uint8_t)line_number(line, at + 1);
	record->quic_bytes = (uint8_t)line_number(line, at + 2);
	record->owner = line_number(line, at + 3);
	return at + 3;
}

static void address(struct world *world, const struct line *line)
{
	uint32_t index = line_number(line, 2);
	struct sh_address key = {0};
	struct sh_service record;

	key.family = line_address(line, 1, &key.ip);
	put(line, world->director->maps.addresses, &key, &index);
	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.services), &index, &record))
		line_fail(line, "no such service");
	record.answers = line->count > 3 && !strcmp(line_word(line, 3), "answers");
	put(line, world->director->maps.services, &index, &record);
}

/* The accounts of every CPU, which are not added to: their time is yet to come. */
static void telling(struct world *world, const struct line *line)
{
	const struct sh_telling set = {.since = UINT64_MAX,
				       .credit = (uint64_t)line_number(line, 1) * SH_TELLING_COST};
	int cpus = libbpf_num_possible_cpus();
	struct sh_telling *each = calloc((size_t)cpus, sizeof(*each));

	if (!each)
		die("calloc");
	for (int i = 0; i < cpus; i++)
		each[i] = set;
	for (uint32_t kind = 0; kind < SH_TELLING_COUNT; kind++)
		put(line, world->director->maps.telling, &kind, each);
	free(each);
}

static void own(struct world *world, const struct line *line)
{
	uint32_t ifindex = line_device(line, 1);
	struct sh_own record;
	struct sh_ip four;

	line_address(line, 2, &four);
	line_address(line, 3, &record.v6);
	record.v4 = four.w[0];
	put(line, world->director->maps.owns, &ifindex, &record);
}

/* The identity that the backends of a ring have. */
static uint64_t owner_of(struct world *world, uint32_t ring)
{
	struct sh_backend backend = {0};
	struct sh_slot slot = {0};

	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.slots), &ring, &slot) ||
	    bpf_map_lookup_elem(bpf_map__fd(world->director->maps.backends), &slot.now, &backend))
		return 0;
	return backend.owner;
}

static void service(struct world *world, const struct line *line)
{
	struct sh_service record;
	uint32_t index = line_number(line, 1);

	/* Its VIP may have been named before. */
	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.services), &index, &record))
		line_fail(line, "no such service");
	if (index >= world->services)
		world->services = index + 1;
	record.ring = line_number(line, 2);
	record.slots = line_number(line, 3);
	record.flags = 0;
	record.owner = owner_of(world, record.ring);
	for (int i = 4; i < line->count; i++) {
		if (!strcmp(line_word(line, i), "random"))
			record.flags |= SH_SERVICE_RANDOM;
		else if (!strcmp(line_word(line, i), "quic-id"))
			i = name_backends(line, i, &record);
	}
	put(line, world->director->maps.services, &index, &record);
}

static void slot(struct world *world, const struct line *line)
{
	struct sh_slot record = {.now = line_number(line, 2)};
	uint32_t index = line_number(line, 1);

	if (line->count > 3)
		record.before = line_number(line, 3);
	if (line->count > 4 && !strcmp(line_word(line, 4), "closed"))
		record.before |= SH_BEFORE_CLOSED;
	put(line, world->director->maps.slots, &index, &record);
}

static void backend(struct world *world, const struct line *line)
{
	static const char *const modes[] = {"none", "l2", "l3", "local", "ipip", "gue"};
	uint32_t index = line_number(line, 1);
	const char *mode = line_word(line, 3);
	struct sh_backend record = {.path = line_number(line, 4), .owner = line_number(line, 5)};

	for (int i = 6; i < line->count; i++) {
		if (!strcmp(line_word(line, i), "left"))
			record.seen = 1;
		else if (!strcmp(line_word(line, i), "id"))
			record.quic_id = line_wide(line, ++i);
		else if (!strcmp(line_word(line, i), "named"))
			record.named = 1;
		else
			record.dscp = (uint8_t)line_number(line, i);
	}
	record.family = line_address(line, 2, &record.address);
	while (record.mode < 6 && strcmp(mode, modes[record.mode]) != 0)
		record.mode++;
	if (record.mode == 6)
		line_fail(line, "no such mode");
	put(line, world->director->maps.backends, &index, &record);
}

static void quic_id(struct world *world, const struct line *line)
{
	struct sh_quic_key key = {.owner = line_number(line, 1), .id = line_wide(line, 2)};
	uint32_t index = line_number(line, 3);

	put(line, world->director->maps.quic_ids, &key, &index);
}

static void path(struct world *world, const struct line *line)
{
	uint32_t index = line_number(line, 1);
	bool limited = line->count > 2 && !strcmp(line_word(line, 2), "mtu");
	int first = limited ? 4 : 2;
	struct sh_path record = {.buckets = (uint16_t)(line->count - first)};

	if (limited)
		record.mtu = (uint16_t)line_number(line, 3);
	if (record.buckets > SH_PATH_BUCKETS)
		line_fail(line, "too many buckets");
	for (int i = 0; i < record.buckets; i++)
		record.nexthop[i] = line_number(line, first + i);
	put(line, world->director->maps.paths, &index, &record);
}

static void nexthop(struct world *world, const struct line *line)
{
	struct sh_nexthop record = {.ifindex = line_device(line, 4), .flags = SH_NEXTHOP_VALID};
	uint32_t index = line_number(line, 1);

	line_mac(line, 2, record.dst_mac);
	line_mac(line, 3, record.src_mac);
	record.mtu = (uint16_t)line_number(line, 5);
	for (int i = 6; i < line->count; i++) {
		const char *word = line_word(line, i);

		if (!strcmp(word, "invalid"))
			record.flags = 0;
		else if (!strcmp(word, "here"))
			record.flags |= SH_NEXTHOP_HERE;
		else if (!strcmp(word, "802.1ad"))
			record.flags |= SH_NEXTHOP_8021AD;
		else
			record.flags |= (uint16_t)(SH_NEXTHOP_TAGGED | line_number(line, i));
	}
	put(line, world->director->maps.nexthops, &index, &record);
}

static void egress(struct world *world, const struct line *line)
{
	uint32_t ifindex = line_device(line, 1);
	struct bpf_devmap_val to = {.ifindex = ifindex};

	put(line, world->director->maps.egress, &ifindex, &to);
}

static struct sh_flow flow_key(const struct world *world, const struct line *line, int index)
{
	struct sh_flow key = {.client_port = line_port(line, index + 1),
			      .vip_port = line_port(line, index + 2)};
	uint32_t at = line_number(line, index + 3);
	struct sh_service record;

	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.services), &at, &record))
		line_fail(line, "no such service");
	key.whose = sh_flow_whose(record.owner, record.protocol);
	line_address(line, index, &key.client);
	return key;
}

static void flow(struct world *world, const struct line *line)
{
	struct sh_flow key = flow_key(world, line, 1);
	struct sh_flow_state state = {.backend = line_number(line, 5)};

	put(line, world->director->maps.flows, &key, &state);
}

/* The only one of its set. */
static void fresh(struct world *world, const struct line *line)
{
	struct sh_flow key = flow_key(world, line, 1);
	uint64_t hash = sh_fresh_hash(&key);
	uint32_t place = sh_fresh_place(hash);
	struct sh_fresh set = {{sh_fresh_word(hash, line_number(line, 5))}};

	put(line, world->director->maps.fresh_sets, &place, &set);
}

static void follow(struct world *world)
{
	if (world->changed)
		derive(world->director->obj);
	world->changed = false;
}

/* Another lane than the one that follows from the records, until they change. */
static void lane(struct world *world, const struct line *line)
{
	uint32_t index = line_number(line, 1);
	struct sh_nexthop by = {0};
	struct sh_lane record;

	follow(world);
	if (line->count > 2) {
		line_mac(line, 2, by.dst_mac);
		line_mac(line, 3, by.src_mac);
		by.ifindex = line_device(line, 4);
		by.mtu = (uint16_t)line_number(line, 5);
		by.flags = SH_NEXTHOP_VALID;
	}
	record = sh_lane_by(&by);
	put(line, world->director->maps.lanes, &index, &record);
}

static void cut(struct world *world, const struct line *line)
{
	(void)line;
	set_further(world, false);
}

static const struct {
	const char *name;
	void (*run)(struct world *world, const struct line *line);
} verbs[] = {
	{"knobs", knobs},     {"vip", vip},	    {"service", service}, {"slot", slot},
	{"backend", backend}, {"path", path},	    {"nexthop", nexthop}, {"egress", egress},
	{"restore", restore}, {"guess", guess},	    {"flow", flow},	  {"fresh", fresh},
	{"tunnel", tunnel},   {"served", served},   {"dscp", marked},	  {"stray", stray},
	{"mac", mac},	      {"quic-id", quic_id}, {"address", address}, {"telling", telling},
	{"own", own},	      {"lane", lane},	    {"cut", cut},
};

bool world_verb(struct world *world, const struct line *line)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(line_word(line, 0), verbs[i].name) != 0)
			continue;
		if (!world)
			line_fail(line, "no world yet");
		verbs[i].run(world, line);
		world->changed |= verbs[i].run != lane;
		return true;
	}
	return false;
}

/* ---- running and reading --------------------------------------------------------------------- */

static int program_fd(const struct world *world, enum world_program program)
{
	if (program != WORLD_DIRECTOR)
		return bpf_program__fd(world->backend->progs.shunt_backend);
	return bpf_program__fd(world->straight || world->cut ? world->director->progs.shunt_director
							     : world->director->progs.shunt_general);
}

uint32_t world_verified(const struct world *world, const struct line *line, int word)
{
	const char *name = line_word(line, word);
	const struct bpf_program *program = bpf_object__find_program_by_name(world->director->obj, name);
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (!program)
		program = bpf_object__find_program_by_name(world->backend->obj, name);
	if (!program)
		line_fail(line, "no such program");
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		die("cannot ask about a program");
	return info.verified_insns;
}

int world_run(struct world *world, struct world_run *run)
{
	struct xdp_md ctx = {.data_end = run->frame_size, .ingress_ifindex = run->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run->frame, .data_size_in = run->frame_size,
		    .data_out = run->out, .data_size_out = run->out_size, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = (int)run->repeat);

	world->counted = false;
	follow(world);
	if (bpf_prog_test_run_opts(program_fd(world, run->program), &opts))
		return -errno;
	run->out_size = opts.data_size_out;
	run->verdict = opts.retval;
	return 0;
}

/* Adds each entry of a per-CPU array, summed over the CPUs, to `out`; an entry has `each` counters. One call
 * for all of them: there are some thousand cases. */
static void sum(struct bpf_map *map, uint32_t entries, uint32_t each, struct sh_count *out)
{
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus(), count = entries, next;
	struct sh_count *all = calloc((size_t)entries * cpus * each, sizeof(*all));
	uint32_t *keys = calloc(entries, sizeof(*keys));

	if (!all || !keys)
		die("calloc");
	if ((bpf_map_lookup_batch(bpf_map__fd(map), NULL, &next, keys, all, &count, NULL) &&
	     errno != ENOENT) ||
	    count != entries)
		die("cannot read the counters");
	for (uint32_t i = 0; i < entries * cpus * each; i++) {
		struct sh_count *to = &out[keys[i / each / cpus] * each + i % each];

		to->packets += all[i].packets;
		to->bytes += all[i].bytes;
	}
	free(all);
	free(keys);
}

static void add(const struct sh_count *count, struct sh_count *to)
{
	to->packets += count->packets;
	to->bytes += count->bytes;
}

/* What went the straight way is counted by service and reason at once (abi.h). Read for each of a million
 * packets, so no further than need be. */
static void add_straight(struct world *world, struct sh_count *reasons, struct sh_count *services)
{
	struct sh_straight_count straight[WORLD_ENTRIES] = {0};

	if (!world->services || !world->straight)
		return;
	sum(world->director->maps.straight_counts, world->services, 2, &straight[0].tx);
	for (uint32_t i = 0; i < world->services; i++) {
		add(&straight[i].tx, &reasons[SH_TX]);
		add(&straight[i].redirect, &reasons[SH_REDIRECT]);
		add(&straight[i].tx, &services[i]);
		add(&straight[i].redirect, &services[i]);
	}
}

void world_counts(struct world *world, struct world_counts *out)
{
	struct world_counts *counts = &world->counts;

	if (!world->counted) {
		*counts = (struct world_counts){0};
		sum(world->director->maps.reasons, SH_REASON_COUNT, 1, counts->reasons[WORLD_DIRECTOR]);
		sum(world->backend->maps.reasons, SH_REASON_COUNT, 1, counts->reasons[WORLD_BACKEND]);
		sum(world->director->maps.service_counts, WORLD_ENTRIES, 1, counts->services);
		sum(world->director->maps.backend_counts, WORLD_ENTRIES, 1, counts->backends);
		add_straight(world, counts->reasons[WORLD_DIRECTOR], counts->services);
	}
	world->counted = true;
	*out = *counts;
}

void world_reasons(struct world *world, enum world_program program, uint64_t out[static SH_REASON_COUNT])
{
	struct sh_count reasons[SH_REASON_COUNT] = {0}, services[WORLD_ENTRIES] = {0};

	if (program == WORLD_DIRECTOR) {
		sum(world->director->maps.reasons, SH_REASON_COUNT, 1, reasons);
		add_straight(world, reasons, services);
	} else {
		sum(world->backend->maps.reasons, SH_REASON_COUNT, 1, reasons);
	}
	for (int i = 0; i < SH_REASON_COUNT; i++)
		out[i] = reasons[i].packets;
}

void world_events(struct world *world, void (*each)(const struct sh_event *, void *), void *arg)
{
	world->each = each;
	world->arg = arg;
	if (ring_buffer__consume(world->events) < 0)
		die("ring_buffer__consume");
}

static uint32_t fresh_flow(struct world *world, const struct sh_flow *key)
{
	uint64_t hash = sh_fresh_hash(key);
	uint32_t place = sh_fresh_place(hash), backend = 0;
	struct sh_fresh set = {0};

	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.fresh_sets), &place, &set))
		die("cannot read the fresh flows");
	for (int i = 0; i < SH_FRESH_WAYS && !backend; i++)
		backend = sh_fresh_backend(set.flow[i], hash);
	return backend;
}

uint32_t world_flow(struct world *world, enum world_table table, const struct line *line, int index)
{
	struct sh_flow key = flow_key(world, line, index);
	struct sh_flow_state state;

	if (table == WORLD_FRESH)
		return fresh_flow(world, &key);
	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.flows), &key, &state))
		return 0;
	return state.backend;
}

uint32_t world_flows(struct world *world)
{
	int fd = bpf_map__fd(world->director->maps.flows);
	struct sh_flow key, *previous = NULL;
	uint32_t count = 0;

	while (!bpf_map_get_next_key(fd, previous, &key)) {
		previous = &key;
		count++;
	}
	return count;
}

struct sh_backend world_record(struct world *world, uint32_t index)
{
	struct sh_backend record;

	if (bpf_map_lookup_elem(bpf_map__fd(world->director->maps.backends), &index, &record))
		die("cannot read a backend");
	return record;
}
