/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * No packet sees half of a change: one thread stores into the director's maps as fast as it can, by the code
 * that the daemon uses, and another runs packets through the program. What comes out must belong together.
 *
 * The number of a state is written into all that makes it up: both MACs of a next hop and the interface that
 * it leaves by, the addresses of backends and the next hops that lead to each of them. XDP_TX means the
 * interface that the packet came in by, XDP_REDIRECT the other one.
 */
#include "live_dataplane.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <time.h>

#include <shunt/macs.h>

#include "ring.h"
#include "tables.h"
#include "tables_private.h"
#include "transition.h"

#define OWNER	 7U
#define BACKENDS 8U
#define LEGS	 3U
#define PACKETS	 300000U /* SHUNT_TORN_PACKETS=N: so many */

struct world {
	struct dataplane *dataplane;
	struct tables *tables;
	struct table_backend *backends[BACKENDS];
	struct table_nexthop *hops[BACKENDS][LEGS];
	struct table_path *paths[BACKENDS][2]; /* by one next hop, and by all */
	struct table_ring *rings[2];
	struct table_service *service;
	int in, out; /* interfaces */
	bool over;
	uint64_t changes;
};

/* ---- states --------------------------------------------------------------------------------- */

/* The next hop's state number `version`: of each MAC one byte says whose, and four which. */
static struct sh_nexthop state_of(const struct world *world, uint32_t backend, uint32_t leg, uint32_t version)
{
	const struct sh_nexthop *identity = tables_nexthop_record(world->tables, world->hops[backend][leg]);
	struct sh_nexthop record = {.neighbour = identity->neighbour, .family = identity->family};

	record.ifindex = (uint32_t)(version % 2 ? world->in : world->out);
	record.flags = SH_NEXTHOP_VALID;
	record.mtu = 1500;
	record.dst_mac[0] = 0x02;
	record.dst_mac[1] = (uint8_t)(backend << 4 | leg);
	memcpy(record.dst_mac + 2, &version, sizeof(version));
	memcpy(record.src_mac, record.dst_mac, sizeof(record.src_mac));
	record.src_mac[0] = 0x06;
	return record;
}

static struct addr address_of(uint32_t backend)
{
	return (struct addr){ADDR_IPV4, {198, 51, 100, (uint8_t)(10 + backend)}};
}

/* Whether the packet that came out is of one state. A drop is: the next hop was being changed. */
static bool belongs(uint32_t verdict, const uint8_t *out)
{
	const struct ethhdr *eth = (const void *)out;
	struct iphdr ip; /* a copy: behind 14 bytes it is not aligned */
	uint32_t version;

	if (verdict == XDP_DROP)
		return true;
	memcpy(&ip, eth + 1, sizeof(ip));
	memcpy(&version, eth->h_dest + 2, sizeof(version));
	return verdict == (version % 2 ? XDP_TX : XDP_REDIRECT) && eth->h_dest[0] == 0x02 &&
	       eth->h_source[0] == 0x06 && !memcmp(eth->h_dest + 1, eth->h_source + 1, 5) &&
	       (ntohl(ip.daddr) & 0xff) == 10U + (eth->h_dest[1] >> 4);
}

/* ---- changes -------------------------------------------------------------------------------- */

/* One backend's for a while, as often as can be: a packet is a few nanoseconds between two loads. */
static void change_nexthop(struct world *world, uint32_t turn)
{
	uint32_t backend = turn / 8192 % BACKENDS, leg = turn % LEGS;
	struct sh_nexthop record = state_of(world, backend, leg, turn);

	tables_store_nexthop(world->tables, world->hops[backend][leg], &record);
}

static void change_path(struct world *world, uint32_t turn)
{
	uint32_t backend = turn / 512 % BACKENDS;
	struct sh_path before;

	tables_route_backend(world->tables, world->backends[backend], SH_MODE_L3,
			     world->paths[backend][turn / 32 % 2], &before);
}

static void change_ring(struct world *world, uint32_t turn)
{
	static uint32_t want[1024];
	static uint8_t fates[256];
	struct transition transition = {.fates = fates, .fates_size = sizeof(fates)};
	struct ring_change change = {.want = want, .now = turn, .idle = 100, .transition = &transition};
	struct table_ring *ring = world->rings[turn / 2048 % 2];

	memset(fates, FATE_STEADY, sizeof(fates));
	for (uint32_t i = 0; i < tables_ring_size(ring); i++)
		want[i] = tables_backend_index(world->backends[(i + turn) % BACKENDS]);
	/* In parts, as rings are stored. */
	for (size_t budget = 300; tables_store_ring(world->tables, ring, &change, &budget); budget = 300)
		assert_int_equal(budget, 0);
	tables_point_service(world->tables, world->service, OWNER, ring, 0);
}

static void *hammer(void *arg)
{
	struct world *world = arg;
	uint32_t turn = 1;

	while (!__atomic_load_n(&world->over, __ATOMIC_ACQUIRE)) {
		change_nexthop(world, turn);
		if (turn % 32 == 0)
			change_path(world, turn);
		if (turn % 2048 == 0)
			change_ring(world, turn);
		turn++;
	}
	world->changes = turn;
	return NULL;
}

/* ---- packets -------------------------------------------------------------------------------- */

struct packet {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static struct packet packet_of(uint32_t flow)
{
	return (struct packet){
		.eth = {.h_dest = {0x02}, .h_source = {0x02, 1}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_TCP,
		       .tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
		       .saddr = htonl(0xc6120000U + flow % 1000),
		       .daddr = htonl(0xcb00710a)},
		.tcp = {.source = htons((uint16_t)(1024 + flow % 30000)),
			.dest = htons(80),
			.doff = 5,
			.ack = 1},
	};
}

/* The packets are addressed to this node. */
static void be_addressed(const struct world *world)
{
	const struct packet packet = packet_of(0);
	uint64_t word = sh_mac_of(packet.eth.h_dest);

	dataplane_port(world->dataplane)->macs[sh_mac_place(word)].mac[0] = word;
}

static uint32_t run_packet(const struct world *world, uint32_t flow, uint8_t *out, uint32_t size)
{
	struct packet packet = packet_of(flow);
	struct xdp_md context = {.data_end = sizeof(packet), .ingress_ifindex = (uint32_t)world->in};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &packet, .data_size_in = sizeof(packet),
		    .data_out = out, .data_size_out = size, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(dataplane_director_fd(world->dataplane), &opts), 0);
	return opts.retval;
}

static void no_packet_sees_half_of_a_change(void **state)
{
	const char *wanted = getenv("SHUNT_TORN_PACKETS"); // NOLINT(concurrency-mt-unsafe): before any thread
	const uint32_t packets = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : PACKETS;
	struct world *world = *state;
	uint32_t torn = 0, drops = 0;
	uint8_t out[2048];
	pthread_t thread;

	be_addressed(world);
	assert_int_equal(pthread_create(&thread, NULL, hammer, world), 0);
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t verdict = run_packet(world, i, out, sizeof(out));

		torn += !belongs(verdict, out);
		drops += verdict == XDP_DROP;
	}
	__atomic_store_n(&world->over, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	print_message("  %u packets beside %llu changes: %u of two states, %u came in the midst of one\n",
		      packets, (unsigned long long)world->changes, torn, drops);
	assert_int_equal(torn, 0);
	assert_true(world->changes > 1000);
	assert_true(drops < packets / 2);
}

/* ---- up and down ---------------------------------------------------------------------------- */

static void make_ways(struct world *world, uint32_t backend)
{
	struct sh_path one = {.buckets = 1}, all = {.buckets = LEGS};
	struct addr address = address_of(backend);
	struct sh_path before;

	for (uint32_t leg = 0; leg < LEGS; leg++) {
		struct rt_neigh_key key = {
			.ifindex = world->out,
			.addr = {ADDR_IPV4, {192, 0, (uint8_t)(2 + leg), (uint8_t)(10 + backend)}}};
		struct sh_nexthop record;

		world->hops[backend][leg] = tables_nexthop(world->tables, &key);
		assert_non_null(world->hops[backend][leg]);
		record = state_of(world, backend, leg, 0);
		tables_store_nexthop(world->tables, world->hops[backend][leg], &record);
		all.nexthop[leg] = tables_nexthop_index(world->hops[backend][leg]);
	}
	one.nexthop[0] = all.nexthop[0];
	world->paths[backend][0] = tables_path(world->tables, &one);
	world->paths[backend][1] = tables_path(world->tables, &all);
	world->backends[backend] = tables_backend(world->tables, OWNER, &address);
	assert_non_null(world->backends[backend]);
	tables_route_backend(world->tables, world->backends[backend], SH_MODE_L3, world->paths[backend][0],
			     &before);
}

static void make_service(struct world *world)
{
	const struct addr vip = {ADDR_IPV4, {203, 0, 113, 10}};
	const struct config_port port = {80, IPPROTO_TCP};
	uint32_t entry[4] = {0};
	uint64_t writes = 0;

	world->rings[0] = tables_ring(world->tables, OWNER, 128);
	world->rings[1] = tables_ring(world->tables, OWNER, 1024);
	world->service = tables_service(world->tables, &vip, &port);
	assert_true(world->rings[0] && world->rings[1] && world->service);
	change_ring(world, 0);
	change_ring(world, 2048);
	*(struct sh_endpoint4 *)entry = (struct sh_endpoint4){htonl(0xcb00710a), htons(80), IPPROTO_TCP, 0};
	entry[2] = tables_service_index(world->service);
	assert_int_equal(dataplane_sync(world->dataplane, HASH_VIPS4, entry, 1, &writes), 0);
}

static void make_egress(struct world *world)
{
	uint32_t entry[3] = {(uint32_t)world->out, (uint32_t)world->out, 0};
	uint64_t writes = 0;

	assert_int_equal(dataplane_sync(world->dataplane, HASH_EGRESS, entry, 1, &writes), 0);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	*state = world;
	if (!world || live_enter())
		return -1;
	live_run("ip link add c0 type veth peer name c1 && ip link set c0 up && ip link set c1 up");
	live_run("ip link add c2 type veth peer name c3 && ip link set c2 up && ip link set c3 up");
	world->in = live_ifindex("c0");
	world->out = live_ifindex("c2");
	world->dataplane = live_dataplane(4096);
	assert_int_equal(tables_new(dataplane_port(world->dataplane), &world->tables), 0);
	for (uint32_t i = 0; i < BACKENDS; i++)
		make_ways(world, i);
	make_service(world);
	make_egress(world);
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	tables_free(world->tables);
	dataplane_close(world->dataplane);
	free(world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_packet_sees_half_of_a_change, setup, teardown),
	};

	if (!live_possible("torn_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
