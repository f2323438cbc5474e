/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * No packet on the straight way sees half of a change: as torn_live_test has it for the general one, for what
 * is copied together for that way. Lanes change with their next hops and go over to others and back, and one
 * guess goes over from one service to another.
 *
 * The number of a state is in both MACs of a next hop, and decides by which interface it leaves; whose it is,
 * too. XDP_TX means the interface that the packet came in by, XDP_REDIRECT the other one.
 */
#include "live_dataplane.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>

#include <shunt/guess.h>
#include <shunt/macs.h>

#include "guesses.h"
#include "tables.h"

#define SERVICES 2U
#define EACH	 4U /* backends of a service */
#define LEGS	 2U
#define SLOTS	 128U
#define PACKETS	 300000U /* SHUNT_TORN_PACKETS=N: so many */

struct world {
	struct dataplane *dataplane;
	struct tables *tables;
	struct table_service *services[SERVICES];
	struct table_backend *backends[SERVICES * EACH];
	struct table_nexthop *hops[SERVICES * EACH][LEGS];
	struct table_path *paths[SERVICES * EACH][LEGS];
	int in, out; /* interfaces */
	bool over;
	uint64_t changes;
};

static struct addr vip_of(uint32_t service)
{
	return (struct addr){ADDR_IPV4, {203, 0, 113, (uint8_t)(10 + service)}};
}

static struct sh_nexthop state_of(const struct world *world, uint32_t backend, uint32_t leg, uint32_t version)
{
	struct sh_nexthop record = {.flags = SH_NEXTHOP_VALID, .mtu = 1500};

	record.ifindex = (uint32_t)(version % 2 ? world->in : world->out);
	record.dst_mac[0] = 0x02;
	record.dst_mac[1] = (uint8_t)(backend << 4 | leg);
	memcpy(record.dst_mac + 2, &version, sizeof(version));
	memcpy(record.src_mac, record.dst_mac, sizeof(record.src_mac));
	record.src_mac[0] = 0x06;
	return record;
}

/* A drop is of one state: the next hop was being changed. */
static bool belongs(uint32_t verdict, const uint8_t *out, uint32_t service)
{
	const struct ethhdr *eth = (const void *)out;
	uint32_t version;

	if (verdict == XDP_DROP)
		return true;
	memcpy(&version, eth->h_dest + 2, sizeof(version));
	return verdict == (version % 2 ? XDP_TX : XDP_REDIRECT) && eth->h_dest[0] == 0x02 &&
	       eth->h_source[0] == 0x06 && !memcmp(eth->h_dest + 1, eth->h_source + 1, 5) &&
	       (eth->h_dest[1] >> 4) / EACH == service;
}

/* ---- changes -------------------------------------------------------------------------------- */

/* One backend's for a while: a packet is a few nanoseconds between two loads. */
static void change_nexthop(struct world *world, uint32_t turn)
{
	uint32_t backend = turn / 8192 % (SERVICES * EACH), leg = turn % LEGS;
	struct sh_nexthop record = state_of(world, backend, leg, turn);

	tables_store_nexthop(world->tables, world->hops[backend][leg], &record);
}

static void change_path(struct world *world, uint32_t turn)
{
	uint32_t backend = turn / 8192 % (SERVICES * EACH);
	struct sh_path before;

	tables_route_backend(world->tables, world->backends[backend], SH_MODE_L2,
			     world->paths[backend][turn / 4 % LEGS], &before);
}

static void change_guess(struct world *world, uint32_t service)
{
	struct port *port = dataplane_port(world->dataplane);
	uint32_t index = tables_service_index(world->services[service]);
	struct sh_guess *want = calloc(port->guesses_size, sizeof(*want));

	assert_non_null(want);
	want[sh_guess_of(&port->services[index], port->guesses_size)] = sh_guess_by(&port->services[index],
										    index, 0);
	guesses_store(port, want, dataplane_wait_for_packets);
	free(want);
}

static void *hammer(void *arg)
{
	struct world *world = arg;
	uint32_t turn = 1;

	while (!__atomic_load_n(&world->over, __ATOMIC_ACQUIRE)) {
		change_nexthop(world, turn);
		if (turn % 4 == 0)
			change_path(world, turn);
		if (turn % 65536 == 0)
			change_guess(world, turn / 65536 % SERVICES);
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

static struct packet packet_of(uint32_t flow, uint32_t service)
{
	return (struct packet){
		.eth = {.h_dest = {0x02}, .h_source = {0x02, 1}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_TCP,
		       .tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
		       .saddr = htonl(0xc6120000U + flow % 1000),
		       .daddr = htonl(0xcb00710a + service)},
		.tcp = {.source = htons((uint16_t)(1024 + flow % 30000)),
			.dest = htons(80),
			.doff = 5,
			.ack = 1},
	};
}

static uint32_t run_packet(const struct world *world, uint32_t flow, uint8_t *out, uint32_t size)
{
	struct packet packet = packet_of(flow, flow % SERVICES);
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

	assert_int_equal(pthread_create(&thread, NULL, hammer, world), 0);
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t verdict = run_packet(world, i, out, sizeof(out));

		torn += !belongs(verdict, out, i % SERVICES);
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
	const struct addr address = {ADDR_IPV4, {198, 51, 100, (uint8_t)(10 + backend)}};
	struct sh_path before;

	for (uint32_t leg = 0; leg < LEGS; leg++) {
		const struct rt_neigh_key key = {
			.ifindex = world->out,
			.addr = {ADDR_IPV4, {192, 0, (uint8_t)(2 + leg), (uint8_t)(10 + backend)}}};
		const struct sh_nexthop record = state_of(world, backend, leg, 0);
		struct sh_path one = {.buckets = 1};

		world->hops[backend][leg] = tables_nexthop(world->tables, &key);
		assert_non_null(world->hops[backend][leg]);
		tables_store_nexthop(world->tables, world->hops[backend][leg], &record);
		one.nexthop[0] = tables_nexthop_index(world->hops[backend][leg]);
		world->paths[backend][leg] = tables_path(world->tables, &one);
	}
	world->backends[backend] = tables_backend(world->tables, 1 + backend / EACH, &address);
	assert_non_null(world->backends[backend]);
	tables_route_backend(world->tables, world->backends[backend], SH_MODE_L2, world->paths[backend][0],
			     &before);
}

static void make_service(struct world *world, uint32_t number)
{
	const struct config_port port = {80, IPPROTO_TCP};
	const struct addr vip = vip_of(number);
	struct table_ring *ring = tables_ring(world->tables, 1 + number, SLOTS);
	uint32_t want[SLOTS];
	struct ring_change change = {.want = want};
	size_t budget = 2 * (size_t)SLOTS;

	world->services[number] = tables_service(world->tables, &vip, &port);
	assert_true(ring && world->services[number]);
	for (uint32_t i = 0; i < SLOTS; i++)
		want[i] = tables_backend_index(world->backends[number * EACH + i % EACH]);
	assert_int_equal(tables_store_ring(world->tables, ring, &change, &budget), 0);
	tables_point_service(world->tables, world->services[number], 1 + number, ring, 0);
}

static void make_maps(struct world *world)
{
	const struct packet packet = packet_of(0, 0);
	uint64_t word = sh_mac_of(packet.eth.h_dest), writes = 0;
	uint32_t egress[3] = {(uint32_t)world->out, (uint32_t)world->out, 0};
	struct {
		struct sh_endpoint4 key;
		uint32_t service;
		uint32_t zero; /* entries are as dataplane_entry_size says */
	} vips[SERVICES] = {{.zero = 0}};

	assert_int_equal(sizeof(vips[0]), dataplane_entry_size(HASH_VIPS4));

	for (uint32_t i = 0; i < SERVICES; i++) {
		vips[i].key = (struct sh_endpoint4){htonl(0xcb00710a + i), htons(80), IPPROTO_TCP, 0};
		vips[i].service = tables_service_index(world->services[i]);
	}
	assert_int_equal(dataplane_sync(world->dataplane, HASH_VIPS4, vips, SERVICES, &writes), 0);
	assert_int_equal(dataplane_sync(world->dataplane, HASH_EGRESS, egress, 1, &writes), 0);
	dataplane_port(world->dataplane)->macs[sh_mac_place(word)].mac[0] = word;
	change_guess(world, 0);
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
	for (uint32_t i = 0; i < SERVICES * EACH; i++)
		make_ways(world, i);
	for (uint32_t i = 0; i < SERVICES; i++)
		make_service(world, i);
	make_maps(world);
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

	if (!live_possible("torn_lane_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
