/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The director's program itself through random changes of the pool: no packet of an established flow goes
 * astray (crowd.h). The tables lie in the program's own maps; the kernel that is asked, and the clock, are
 * the test's.
 */
#include "live_dataplane.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "crowd.h"

/* Far above the machine's uptime, so that the program's marks can be told from ours. */
#define EPOCH (1U << 30)

#define SLOTS (3 * RING_MAX)

static struct dataplane *dataplane;
static struct heap_port heap; /* what world_down is to free */
static int ingress;

struct segment {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static struct segment segment_of(const struct crowd_flow *flow, bool begins)
{
	return (struct segment){
		.eth = {.h_dest = {0x02}, .h_source = {0x02, 1}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_TCP,
		       .tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
		       .saddr = htonl(0xc6336401U + flow->number % 200),
		       .daddr = htonl(0xcb007101)},
		.tcp = {.source = htons((uint16_t)(1024 + flow->number / 200)),
			.dest = htons(80),
			.doff = 5,
			.syn = begins,
			.ack = !begins},
	};
}

/* Packets renew marks by the kernel's clock; to the controller it is always now. */
static void set_clocks(void)
{
	struct sh_backend *backends = world->heap->port.backends;

	for (uint32_t i = 0; i < world->heap->port.backends_size; i++) {
		if (backends[i].seen && backends[i].seen < EPOCH)
			backends[i].seen = world->now;
	}
}

/* Where the program sends it: l3 has the backend's address in it. */
static struct addr pick(struct crowd_flow *flow, bool begins)
{
	struct segment segment = segment_of(flow, begins), out[8];
	struct xdp_md context = {.data_end = sizeof(segment), .ingress_ifindex = (uint32_t)ingress};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &segment, .data_size_in = sizeof(segment),
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);
	struct addr address = {.family = ADDR_IPV4};

	assert_int_equal(bpf_prog_test_run_opts(dataplane_director_fd(dataplane), &opts), 0);
	set_clocks();
	if (opts.retval != XDP_TX)
		return (struct addr){0};
	memcpy(address.bytes, &out[0].ip.daddr, sizeof(out[0].ip.daddr));
	return address;
}

static void lead_to_service(void)
{
	uint32_t entry[4] = {0};

	*(struct sh_endpoint4 *)entry = (struct sh_endpoint4){htonl(0xcb007101), htons(80), IPPROTO_TCP, 0};
	entry[2] = tables_service_index(world->apply.model->services[0].entries[0]);
	assert_int_equal(dataplane_put(dataplane, HASH_VIPS4, entry), 0);
}

static void the_program_loses_no_flow_in_any_order_of_changes(void **state)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	(void)state;
	*crowd = (struct crowd){
		.pick = pick, .flows_count = 400, .changes = 150, .ifindex = ingress, .dice = crowd_seed()};
	crowd_gather(crowd);
	lead_to_service();
	crowd_live_through(crowd);
	print_message("  %u flows began\n", crowd->begun);
	free(crowd);
}

/* ---- up and down ---------------------------------------------------------------------------- */

/* The tables into the program's maps. */
static void move_in(void)
{
	struct port *maps = dataplane_port(dataplane), *port = &world->heap->port;

	tables_free(world->apply.tables);
	heap = *world->heap;
	port->knobs = maps->knobs;
	port->services = maps->services;
	port->backends = maps->backends;
	port->paths = maps->paths;
	port->nexthops = maps->nexthops;
	port->services_size = maps->services_size;
	port->backends_size = maps->backends_size;
	port->paths_size = maps->paths_size;
	port->nexthops_size = maps->nexthops_size;
	port->slots_size = maps->slots_size;
	world->heap->slots = maps->slots(maps, 0, maps->slots_size);
	assert_non_null(world->heap->slots);
	assert_int_equal(tables_new(port, &world->apply.tables), 0);
}

static int setup(void **state)
{
	if (live_enter() || world_up(state))
		return -1;
	live_run("ip link add c0 type veth peer name c1 && ip link set c0 up && ip link set c1 up");
	ingress = live_ifindex("c0");
	put_link(ingress, "c0");
	dataplane = live_dataplane(SLOTS);
	move_in();
	world->now = EPOCH;
	return 0;
}

static int teardown(void **state)
{
	struct port *maps = dataplane_port(dataplane);

	model_free(world->apply.model, world->apply.tables);
	world->apply.model = NULL;
	tables_free(world->apply.tables);
	world->apply.tables = NULL;
	maps->slots_done(maps);
	*world->heap = heap;
	dataplane_close(dataplane);
	return world_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_program_loses_no_flow_in_any_order_of_changes, setup,
						teardown),
	};

	if (!live_possible("transition_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
