/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Both families' services side by side in one set of maps. The backends of l2 are neighbours of their own,
 * those of the others lie behind one router.
 */
#include "director.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/guess.h>
#include <shunt/lane.h>
#include <shunt/macs.h>

#include "die.h"
#include "director.skel.h"
#include "frames.h"

#define SERVICES (1U + 2U * (DIRECTOR_SERVICES + DIRECTOR_OTHER_VIPS))
#define BACKENDS (1U + 2U * DIRECTOR_SERVICES * DIRECTOR_BACKENDS)
#define GUESSES	 (SERVICES * SH_GUESSES_PER_VIP)

struct director {
	struct director_bpf *bpf;
	uint32_t ifindex;
	uint32_t services; /* records used of each array */
	uint32_t slots;
	uint32_t backends;
	uint32_t nexthops;
};

static void put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		die(bpf_map__name(map));
}

static void size_maps(struct director_bpf *bpf)
{
	const struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{bpf->maps.guesses, GUESSES},
		{bpf->maps.vips4, SERVICES},
		{bpf->maps.vips6, SERVICES},
		{bpf->maps.services, SERVICES},
		{bpf->maps.service_counts, SERVICES},
		{bpf->maps.straight_counts, SERVICES},
		{bpf->maps.slots, 2 * (DIRECTOR_SERVICES * DIRECTOR_RING + DIRECTOR_RING_MAX)},
		{bpf->maps.backends, BACKENDS},
		{bpf->maps.nexthops, BACKENDS},
		{bpf->maps.lanes, BACKENDS},
		{bpf->maps.backend_counts, BACKENDS},
		{bpf->maps.fresh_sets, SH_FRESH_SIZE},
		{bpf->maps.flows, SH_FLOWS_SIZE},
	};

	bpf->rodata->load.guesses = GUESSES;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		if (bpf_map__set_max_entries(sizes[i].map, sizes[i].entries))
			die("bpf_map__set_max_entries");
}

/* A path to one next hop. */
static uint32_t add_path(struct director *director, uint32_t neighbour)
{
	struct sh_nexthop nexthop = {.flags = SH_NEXTHOP_VALID,
				     .ifindex = director->ifindex,
				     .link = director->ifindex,
				     .family = SH_FAMILY_IPV4};
	uint32_t index = ++director->nexthops;

	frame_backend_mac(neighbour, nexthop.dst_mac);
	frame_own_mac(nexthop.src_mac);
	nexthop.mtu = 1500;
	put(director->bpf->maps.nexthops, &index, &nexthop);
	return SH_PATH_ONE | index;
}

static void add_backend(struct director *director, uint8_t family, uint32_t number, uint32_t mode,
			uint32_t path)
{
	struct sh_backend record = {.address = frame_backend(family, number),
				    .owner = 1,
				    .weight = 1,
				    .family = family,
				    .path = path,
				    .mode = mode};
	uint32_t index = ++director->backends, by = sh_lane_nexthop(record.how);
	struct sh_nexthop nexthop;
	struct sh_lane lane;

	put(director->bpf->maps.backends, &index, &record);
	if (bpf_map_lookup_elem(bpf_map__fd(director->bpf->maps.nexthops), &by, &nexthop))
		die("cannot read a next hop");
	lane = sh_lane_by(&nexthop);
	put(director->bpf->maps.lanes, &index, &lane);
}

/* Slots by turns to the backends from `first` on. */
static uint32_t add_ring(struct director *director, uint32_t first, uint32_t size, bool moving)
{
	static struct sh_slot slots[DIRECTOR_RING_MAX];
	static uint32_t indices[DIRECTOR_RING_MAX];
	uint32_t ring = director->slots, count = size;

	for (uint32_t i = 0; i < size; i++) {
		slots[i] = (struct sh_slot){.now = first + (i * 31) % DIRECTOR_BACKENDS};
		if (moving)
			slots[i].before = first + (i * 31 + 1) % DIRECTOR_BACKENDS;
		indices[i] = ring + i;
	}
	if (bpf_map_update_batch(bpf_map__fd(director->bpf->maps.slots), indices, slots, &count, NULL))
		die("cannot fill the slots");
	director->slots += size;
	return ring;
}

/* The VIP's service, with its guess. */
static void add_service(struct director *director, uint8_t family, const struct sh_ip *vip, uint32_t ring,
			uint32_t slots)
{
	struct sh_service record = {.ring = ring,
				    .slots = slots,
				    .owner = 1,
				    .vip = *vip,
				    .vip_port = htons(FRAME_PORT),
				    .protocol = IPPROTO_TCP,
				    .family = family};
	struct sh_endpoint4 key4 = {vip->w[0], htons(FRAME_PORT), IPPROTO_TCP, 0};
	struct sh_endpoint6 key6 = {.port = htons(FRAME_PORT), .protocol = IPPROTO_TCP};
	uint32_t index = ++director->services, place = sh_guess_of(&record, GUESSES);
	struct sh_guess guess = sh_guess_by(&record, index, 0);

	memcpy(key6.addr, vip->w, sizeof(key6.addr));
	put(director->bpf->maps.services, &index, &record);
	put(director->bpf->maps.guesses, &place, &guess);
	if (family == SH_FAMILY_IPV4)
		put(director->bpf->maps.vips4, &key4, &index);
	else
		put(director->bpf->maps.vips6, &key6, &index);
}

static void fill_service(struct director *director, uint8_t family, enum director_service kind)
{
	static const uint32_t modes[DIRECTOR_SERVICES] = {
		[DIRECTOR_L2] = SH_MODE_L2,   [DIRECTOR_L3] = SH_MODE_L3,     [DIRECTOR_IPIP] = SH_MODE_IPIP,
		[DIRECTOR_GUE] = SH_MODE_GUE, [DIRECTOR_MOVING] = SH_MODE_L2, [DIRECTOR_LARGE] = SH_MODE_L2,
	};
	uint32_t router = modes[kind] == SH_MODE_L2 ? 0 : add_path(director, 0);
	uint32_t size = kind == DIRECTOR_LARGE ? DIRECTOR_RING_MAX : DIRECTOR_RING;
	uint32_t first = director->backends + 1, ring;
	struct sh_ip vip = frame_vip(family, kind);

	for (uint32_t i = 0; i < DIRECTOR_BACKENDS; i++)
		add_backend(director, family, DIRECTOR_FIRST + i, modes[kind],
			    router ? router : add_path(director, DIRECTOR_FIRST + i));
	ring = add_ring(director, first, size, kind == DIRECTOR_MOVING);
	add_service(director, family, &vip, ring, size);
}

/* VIPs of no backend, beside those that packets are for. */
static void fill_others(struct director *director, uint8_t family)
{
	for (uint32_t i = 0; i < DIRECTOR_OTHER_VIPS; i++) {
		struct sh_ip vip = frame_vip(family, 0);

		if (family == SH_FAMILY_IPV4)
			vip.w[0] = htonl(0xc6130000 + i); /* 198.19.0.0 on */
		else
			vip.w[3] = htonl(0x10000 + i);
		add_service(director, family, &vip, 0, 0);
	}
}

/* Tunnels come from the addresses of bed.c, and the hash fills no bit of those. */
static void set_tunnel(struct director *director)
{
	struct sh_knobs knobs = {0};
	uint32_t only = 0;

	knobs.tunnels[0].source4 = frame_backend(SH_FAMILY_IPV4, FRAME_OWN).w[0];
	knobs.tunnels[0].source6 = frame_backend(SH_FAMILY_IPV6, FRAME_OWN);
	knobs.tunnels[0].port = htons(FRAME_GUE_PORT);
	put(director->bpf->maps.knobs, &only, &knobs);
}

/* The frames are addressed to it. */
static void set_mac(struct director *director)
{
	struct sh_macs macs = {0};
	uint8_t mac[6];
	uint32_t place;

	frame_own_mac(mac);
	macs.mac[0] = sh_mac_of(mac);
	place = sh_mac_place(macs.mac[0]);
	put(director->bpf->maps.macs, &place, &macs);
}

static void fill(struct director *director)
{
	static const uint8_t families[] = {SH_FAMILY_IPV4, SH_FAMILY_IPV6};

	set_tunnel(director);
	set_mac(director);
	for (int f = 0; f < 2; f++) {
		for (uint32_t kind = DIRECTOR_NONE + 1; kind < DIRECTOR_SERVICES; kind++)
			fill_service(director, families[f], kind);
		fill_others(director, families[f]);
	}
}

struct director *director_new(uint32_t ifindex)
{
	struct director *director = calloc(1, sizeof(*director));

	if (!director)
		die("calloc");
	director->ifindex = ifindex;
	director->bpf = director_bpf__open();
	if (!director->bpf)
		die("cannot open the director");
	size_maps(director->bpf);
	if (director_bpf__load(director->bpf))
		die("cannot load the director");
	fill(director);
	return director;
}

void director_free(struct director *director)
{
	director_bpf__destroy(director->bpf);
	free(director);
}

int director_fd(const struct director *director)
{
	return bpf_program__fd(director->bpf->progs.shunt_director);
}
