/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs on real links as they appear, are renamed, move and vanish; the rows say what is.
 */
#include "live.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>

#include <shunt/rt.h>

#include "interfaces.h"
#include "observed.h"

struct bench {
	char pin_dir[64];
	char match[16];
	struct config_interface interface;
	struct config config;
	struct interface_programs programs;
	struct rt_query *query;
	struct rt_state *state;
	struct interfaces *interfaces;
	char told[256]; /* what `changed` was called with since the last sync */
};

static void on_change(const struct interface_row *row, void *arg)
{
	struct bench *bench = arg;
	size_t used = strlen(bench->told);

	snprintf(bench->told + used, sizeof(bench->told) - used, "%s%s:%s", used ? " " : "", row->name,
		 interface_state_name(row->state));
}

static void start(struct bench *bench)
{
	assert_int_equal(interfaces_open(bench->pin_dir, on_change, bench, &bench->interfaces), 0);
}

/* Observes anew and syncs: `told` is what must have been told, "name:state ...". */
static void sync_tells(struct bench *bench, const char *told)
{
	bench->told[0] = '\0';
	assert_int_equal(rt_state_load(bench->state, bench->query), 0);
	assert_int_equal(interfaces_sync(bench->interfaces, &bench->config, bench->state, bench->config.role,
					 &bench->programs),
			 0);
	assert_string_equal(bench->told, told);
}

static const struct interface_row *row_of(const struct bench *bench, const char *name)
{
	const struct interface_row *rows;
	size_t count = interfaces_rows(bench->interfaces, &rows);

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	fail_msg("no row for %s", name);
	return NULL;
}

static uint32_t program_on(const char *name)
{
	bool native;

	return live_found(live_ifindex(name), &native);
}

static bool pins_left(const struct bench *bench)
{
	char path[96];
	DIR *dir;
	const struct dirent *entry;
	bool any = false;

	snprintf(path, sizeof(path), "%s/links", bench->pin_dir);
	dir = opendir(path);
	if (!dir) {
		assert_int_equal(errno, ENOENT);
		return false;
	}
	while ((entry = readdir(dir))) // NOLINT(concurrency-mt-unsafe): one thread
		any |= entry->d_name[0] != '.';
	closedir(dir);
	return any;
}

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return -1;
	*state = bench;
	if (live_enter())
		return -1;
	snprintf(bench->pin_dir, sizeof(bench->pin_dir), "/sys/fs/bpf/shunt-test-%d", (int)getpid());
	strcpy(bench->match, "v*");
	bench->interface = (struct config_interface){.match = bench->match};
	bench->config = (struct config){
		.role = ROLE_DIRECTOR, .interfaces = &bench->interface, .interfaces_count = 1};
	bench->programs = (struct interface_programs){live_program(), live_program()};
	live_run("ip link add v0 type veth peer name w0");
	if (rt_query_open(&bench->query) || rt_state_new(&bench->state))
		return -1;
	start(bench);
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	interfaces_close(bench->interfaces);
	rt_state_free(bench->state);
	rt_query_close(bench->query);
	close(bench->programs.director);
	close(bench->programs.backend);
	live_run("rm -rf %s", bench->pin_dir);
	free(bench);
	return 0;
}

static void a_link_appears_and_vanishes(void **state)
{
	struct bench *bench = *state;

	sync_tells(bench, "v0:attached");
	assert_int_equal(row_of(bench, "v0")->mode, ATTACH_GENERIC);
	assert_string_equal(row_of(bench, "v0")->reason,
			    "veth: the peer cannot be seen to take native frames");
	sync_tells(bench, "");
	live_run("ip link add v1 type veth peer name w1");
	sync_tells(bench, "v1:attached");
	assert_int_equal(program_on("v1"), live_program_id(bench->programs.director));
	live_run("ip link del v1");
	sync_tells(bench, "v1:detached");
	live_run("ip link del v0");
	sync_tells(bench, "v0:detached");
	assert_false(pins_left(bench));
}

/* The program would take what a tun receives, which is IP, for Ethernet. */
static void a_link_without_ethernet(void **state)
{
	struct bench *bench = *state;

	live_run("ip tuntap add v1 mode tun");
	sync_tells(bench, "v0:attached v1:failed");
	assert_int_equal(strncmp(row_of(bench, "v1")->reason, "no Ethernet device: ", 20), 0);
	assert_int_equal(program_on("v1"), 0);
	live_run("ip link del v1");
	sync_tells(bench, "v1:detached");
	live_run("ip tuntap add v1 mode tap");
	sync_tells(bench, "v1:attached");
}

static void the_same_name_with_a_new_index(void **state)
{
	struct bench *bench = *state;
	int before;

	sync_tells(bench, "v0:attached");
	before = row_of(bench, "v0")->ifindex;
	live_run("ip link del v0; ip link add v0 index 77 type veth peer name w0");
	sync_tells(bench, "v0:detached v0:attached");
	assert_int_not_equal(before, 77);
	assert_int_equal(row_of(bench, "v0")->ifindex, 77);
	assert_int_equal(program_on("v0"), live_program_id(bench->programs.director));
}

static void a_renamed_link(void **state)
{
	struct bench *bench = *state;

	sync_tells(bench, "v0:attached");
	live_run("ip link set v0 name v9");
	sync_tells(bench, "v9:attached");
	live_run("ip link set v9 name lan0");
	sync_tells(bench, "v9:detached");
	assert_int_equal(program_on("lan0"), 0);
	assert_false(pins_left(bench));
}

static void a_link_that_moves_away(void **state)
{
	struct bench *bench = *state;
	int home = live_namespace();
	int away;

	sync_tells(bench, "v0:attached");
	assert_int_equal(live_enter(), 0);
	away = live_namespace();
	live_run("nsenter --net=/proc/%d/fd/%d ip link set v0 netns %d", (int)getpid(), home, (int)getpid());
	assert_int_not_equal(program_on("v0"), 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	sync_tells(bench, "v0:detached");
	assert_int_equal(setns(away, CLONE_NEWNET), 0);
	assert_int_equal(program_on("v0"), 0);
	close(home);
	close(away);
}

static void a_foreign_program_blocks(void **state)
{
	struct bench *bench = *state;
	char reason[160];
	int ifindex = live_ifindex("v0");
	int foreign = live_program();
	int command;

	assert_int_equal(bpf_xdp_attach(ifindex, foreign, XDP_FLAGS_SKB_MODE, NULL), 0);
	sync_tells(bench, "v0:blocked");
	command = snprintf(
		reason, sizeof(reason),
		"another XDP program (id %u) is attached; remove it with: ", live_program_id(foreign));
	snprintf(reason + command, sizeof(reason) - (size_t)command, "ip link set dev v0 xdpgeneric off");
	assert_string_equal(row_of(bench, "v0")->reason, reason);
	assert_int_equal(row_of(bench, "v0")->mode, ATTACH_AUTO);
	assert_int_equal(program_on("v0"), live_program_id(foreign));
	sync_tells(bench, "");
	live_run("%s", reason + command);
	sync_tells(bench, "v0:attached");
	close(foreign);
}

/* As another shuntd's is, say: `ip link` cannot take that away, so it is not what is advised. */
static void a_foreign_link_blocks(void **state)
{
	struct bench *bench = *state;
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	int foreign = live_program();
	int link = bpf_link_create(foreign, live_ifindex("v0"), BPF_XDP, &opts);
	char reason[160];

	assert_true(link >= 0);
	sync_tells(bench, "v0:blocked");
	snprintf(reason, sizeof(reason),
		 "another XDP program (id %u) is attached by a bpf_link: `bpftool -f link` shows whose",
		 live_program_id(foreign));
	assert_string_equal(row_of(bench, "v0")->reason, reason);
	assert_int_equal(program_on("v0"), live_program_id(foreign));
	close(link);
	sync_tells(bench, "v0:attached");
	close(foreign);
}

static void a_mode_that_the_device_refuses(void **state)
{
	struct bench *bench = *state;

	live_run("ip link set w0 up; ip link set w0 mtu 9000; ip link set v0 mtu 9000");
	bench->interface.mode = ATTACH_NATIVE;
	sync_tells(bench, "v0:failed");
	assert_non_null(strstr(row_of(bench, "v0")->reason, "native mode was refused: "));
	assert_non_null(strstr(row_of(bench, "v0")->reason, "`mode: generic`"));
	bench->interface.mode = ATTACH_GENERIC;
	sync_tells(bench, "v0:attached");
	assert_string_equal(row_of(bench, "v0")->reason, "");
}

static void a_restart_and_new_programs(void **state)
{
	struct bench *bench = *state;
	uint32_t before;

	sync_tells(bench, "v0:attached");
	before = program_on("v0");
	interfaces_close(bench->interfaces);
	assert_int_equal(program_on("v0"), before);
	start(bench);
	close(bench->programs.director);
	bench->programs.director = live_program();
	sync_tells(bench, "v0:attached");
	assert_int_not_equal(program_on("v0"), before);
	assert_int_equal(program_on("v0"), live_program_id(bench->programs.director));
}

static void a_backend_has_its_own_program(void **state)
{
	struct bench *bench = *state;
	char name[] = "web";
	struct config_backend backend = {.address = test_addr("198.51.100.11"), .weight = 1};
	struct config_service service = {
		.name = name, .forward = FORWARD_L3, .backends = &backend, .backends_count = 1};

	live_run("ip addr add 198.51.100.11/24 dev w0");
	bench->config.services = &service;
	bench->config.services_count = 1;
	bench->config.role = ROLE_BACKEND;
	sync_tells(bench, "w0:attached");
	assert_int_equal(row_of(bench, "w0")->mode, ATTACH_NATIVE);
	assert_int_equal(program_on("w0"), live_program_id(bench->programs.backend));
	bench->config.role = ROLE_BOTH;
	bench->interface.mode = ATTACH_NATIVE;
	live_run(
		"ip link del v0; ip link add v0 type veth peer name w0; ip addr add 198.51.100.11/24 dev w0");
	bench->told[0] = '\0';
	assert_int_equal(rt_state_load(bench->state, bench->query), 0);
	assert_int_equal(
		interfaces_sync(bench->interfaces, &bench->config, bench->state, ROLE_BOTH, &bench->programs),
		0);
	assert_int_equal(row_of(bench, "w0")->program, INTERFACE_BOTH);
	assert_int_equal(program_on("w0"), live_program_id(bench->programs.director));
	assert_int_equal(program_on("v0"), live_program_id(bench->programs.director));
}

static void down_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	const struct interface_row *rows;

	live_run("ip link add v1 type veth peer name w1");
	sync_tells(bench, "v0:attached v1:attached");
	bench->told[0] = '\0';
	interfaces_down(bench->interfaces);
	assert_string_equal(bench->told, "v0:detached v1:detached");
	assert_int_equal(interfaces_rows(bench->interfaces, &rows), 0);
	assert_int_equal(program_on("v0"), 0);
	assert_int_equal(program_on("v1"), 0);
	assert_false(pins_left(bench));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FACT(a_link_appears_and_vanishes),
		FACT(a_link_without_ethernet),
		FACT(the_same_name_with_a_new_index),
		FACT(a_renamed_link),
		FACT(a_link_that_moves_away),
		FACT(a_foreign_program_blocks),
		FACT(a_foreign_link_blocks),
		FACT(a_mode_that_the_device_refuses),
		FACT(a_restart_and_new_programs),
		FACT(a_backend_has_its_own_program),
		FACT(down_leaves_nothing),
	};

	(void)argc;
	return live_possible(argv[0]) ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
