/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pinned XDP links on real devices: adopted, updated, refused, and cleaned up after.
 */
#include "live.h"

#include <dirent.h>
#include <linux/if_link.h>
#include <sys/stat.h>

#include "attach.h"

struct bench {
	char pin_dir[64];
	int first, second; /* programs */
	int veth;	   /* ifindex of v0, whose peer is v1 */
	struct attach *attach;
};

static int count_pins(const struct bench *bench)
{
	char path[96];
	struct dirent **names;
	int count;

	snprintf(path, sizeof(path), "%s/links", bench->pin_dir);
	count = scandir(path, &names, NULL, NULL);
	for (int i = 0; i < count; i++)
		free(names[i]);
	if (count >= 0)
		free(names);
	return count - 2; /* . and .. */
}

/* The id of the link that is pinned under that name; 0 for none. */
static uint32_t pinned_id(const struct bench *bench, const char *mode)
{
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/links/%d-%s", bench->pin_dir, bench->veth, mode);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.id;
}

static void expect_program(int ifindex, int program_fd, bool native)
{
	bool is_native;

	assert_int_equal(live_found(ifindex, &is_native), program_fd < 0 ? 0 : live_program_id(program_fd));
	assert_int_equal(is_native, program_fd >= 0 && native);
}

static int try_set(struct bench *bench, int program_fd, enum attach_mode mode, struct attach_result *how)
{
	assert_int_equal(attach_observe(bench->attach), 0);
	return attach_set(bench->attach, bench->veth, program_fd, mode, how);
}

static void set(struct bench *bench, int program_fd, enum attach_mode mode, bool native)
{
	struct attach_result how;

	assert_int_equal(try_set(bench, program_fd, mode, &how), 0);
	assert_int_equal(how.native, native);
	expect_program(bench->veth, program_fd, native);
}

static void start(struct bench *bench)
{
	assert_int_equal(attach_open(bench->pin_dir, &bench->attach), 0);
}

static void stop(struct bench *bench)
{
	attach_close(bench->attach);
	bench->attach = NULL;
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
	live_run("ip link add v0 type veth peer name v1");
	live_run("ip link set v0 up; ip link set v1 up");
	bench->veth = live_ifindex("v0");
	bench->first = live_program();
	bench->second = live_program();
	start(bench);
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	stop(bench);
	close(bench->first);
	close(bench->second);
	live_run("rm -rf %s", bench->pin_dir);
	free(bench);
	return 0;
}

static void a_restart_adopts(void **state)
{
	struct bench *bench = *state;
	uint32_t id;

	set(bench, bench->first, ATTACH_AUTO, true);
	id = pinned_id(bench, "native");
	assert_int_not_equal(id, 0);
	stop(bench);
	expect_program(bench->veth, bench->first, true);
	start(bench);
	assert_true(attach_has(bench->attach, bench->veth));
	set(bench, bench->first, ATTACH_AUTO, true);
	assert_int_equal(pinned_id(bench, "native"), id);
}

static void an_update_keeps_the_link(void **state)
{
	struct bench *bench = *state;
	uint32_t id;

	set(bench, bench->first, ATTACH_NATIVE, true);
	id = pinned_id(bench, "native");
	set(bench, bench->second, ATTACH_NATIVE, true);
	assert_int_equal(pinned_id(bench, "native"), id);
	stop(bench);
	start(bench);
	set(bench, bench->first, ATTACH_NATIVE, true);
	assert_int_equal(pinned_id(bench, "native"), id);
}

static void a_mode_changes(void **state)
{
	struct bench *bench = *state;

	set(bench, bench->first, ATTACH_GENERIC, false);
	set(bench, bench->first, ATTACH_NATIVE, true);
	set(bench, bench->second, ATTACH_GENERIC, false);
	set(bench, bench->second, ATTACH_AUTO, true);
	assert_int_equal(count_pins(bench), 1);
}

/* A loopback has no native mode. What was refused is known after a restart and not tried again. */
static void auto_falls_back(void **state)
{
	struct bench *bench = *state;
	struct attach_result how;
	char mode[32];
	uint32_t id;

	bench->veth = live_ifindex("lo");
	assert_true(try_set(bench, bench->first, ATTACH_NATIVE, &how) < 0);
	assert_false(attach_has(bench->attach, bench->veth));
	assert_int_equal(try_set(bench, bench->first, ATTACH_AUTO, &how), 0);
	assert_false(how.native);
	assert_int_equal(how.refused, EOPNOTSUPP);
	snprintf(mode, sizeof(mode), "refused-%d", how.refused);
	id = pinned_id(bench, mode);
	assert_int_not_equal(id, 0);
	stop(bench);
	start(bench);
	set(bench, bench->second, ATTACH_AUTO, false);
	set(bench, bench->second, ATTACH_GENERIC, false);
	assert_int_equal(pinned_id(bench, mode), id);
}

static void a_foreign_netlink_program_stays(void **state)
{
	static const struct {
		__u32 flags;
		enum attach_mode mode;
		int rc;
	} facts[] = {
		{XDP_FLAGS_DRV_MODE, ATTACH_AUTO, -EBUSY},
		{XDP_FLAGS_SKB_MODE, ATTACH_GENERIC, -EBUSY},
		{XDP_FLAGS_SKB_MODE, ATTACH_AUTO, -EEXIST},
		{XDP_FLAGS_DRV_MODE, ATTACH_GENERIC, -EEXIST},
	};
	struct bench *bench = *state;
	struct attach_result how;

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		__u32 flags = facts[i].flags;

		assert_int_equal(bpf_xdp_attach(bench->veth, bench->second, flags, NULL), 0);
		assert_int_equal(try_set(bench, bench->first, facts[i].mode, &how), facts[i].rc);
		expect_program(bench->veth, bench->second, flags == XDP_FLAGS_DRV_MODE);
		assert_int_equal(count_pins(bench), 0);
		assert_int_equal(bpf_xdp_detach(bench->veth, flags, NULL), 0);
	}
	set(bench, bench->first, ATTACH_AUTO, true);
}

static void a_foreign_link_stays(void **state)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	struct bench *bench = *state;
	struct attach_result how;
	int foreign = bpf_link_create(bench->second, bench->veth, BPF_XDP, &opts);

	assert_true(foreign >= 0);
	assert_int_equal(try_set(bench, bench->first, ATTACH_AUTO, &how), -EBUSY);
	expect_program(bench->veth, bench->second, true);
	close(foreign);
	set(bench, bench->first, ATTACH_AUTO, true);
}

static void no_such_link(void **state)
{
	struct bench *bench = *state;
	struct attach_result how;

	assert_int_equal(attach_set(bench->attach, 9999, bench->first, ATTACH_AUTO, &how), -ENODEV);
	assert_int_equal(attach_remove(bench->attach, 9999), 0);
}

static void a_deleted_device_leaves_no_pin(void **state)
{
	struct bench *bench = *state;

	set(bench, bench->first, ATTACH_AUTO, true);
	live_run("ip link del v0");
	assert_int_equal(attach_remove(bench->attach, bench->veth), 0);
	assert_int_equal(count_pins(bench), 0);
}

static void a_device_deleted_while_nobody_runs(void **state)
{
	struct bench *bench = *state;

	set(bench, bench->first, ATTACH_AUTO, true);
	stop(bench);
	live_run("ip link del v0");
	start(bench);
	assert_false(attach_has(bench->attach, bench->veth));
	assert_int_equal(count_pins(bench), 0);
}

/* The same index again, before anybody was told that the device is another one. */
static void the_index_means_another_device(void **state)
{
	struct bench *bench = *state;

	set(bench, bench->first, ATTACH_AUTO, true);
	live_run("ip link del v0; ip link add w0 index %d type veth peer name w1", bench->veth);
	set(bench, bench->second, ATTACH_AUTO, true);
	assert_int_equal(count_pins(bench), 1);
}

static void remove_detaches_what_moved_away(void **state)
{
	struct bench *bench = *state;
	int home = live_namespace();

	set(bench, bench->first, ATTACH_AUTO, true);
	assert_int_equal(live_enter(), 0);
	live_run("nsenter --net=/proc/%d/fd/%d ip link set v0 netns %d", (int)getpid(), home, (int)getpid());
	expect_program(live_ifindex("v0"), bench->first, true);
	assert_int_equal(attach_remove(bench->attach, bench->veth), 0);
	expect_program(live_ifindex("v0"), -1, false);
	assert_int_equal(count_pins(bench), 0);
	close(home);
}

/* Closing is not enough where somebody else looks at the link. */
static void remove_detaches_what_somebody_holds(void **state)
{
	struct bench *bench = *state;
	char path[128];
	int other;

	set(bench, bench->first, ATTACH_AUTO, true);
	snprintf(path, sizeof(path), "%s/links/%d-native", bench->pin_dir, bench->veth);
	other = bpf_obj_get(path);
	assert_true(other >= 0);
	assert_int_equal(attach_remove(bench->attach, bench->veth), 0);
	expect_program(bench->veth, -1, false);
	close(other);
}

/* The device keeps its index in the other namespace, where it is free: only the kernel's answer about the
 * index here tells the two apart. */
static void the_index_is_reused_after_a_move(void **state)
{
	struct bench *bench = *state;
	int home = live_namespace();

	set(bench, bench->first, ATTACH_AUTO, true);
	assert_int_equal(live_enter(), 0);
	live_run("nsenter --net=/proc/%d/fd/%d ip link set v0 netns %d", (int)getpid(), home, (int)getpid());
	assert_int_equal(live_ifindex("v0"), bench->veth);
	expect_program(bench->veth, bench->first, true);
	int away = live_namespace();

	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	live_run("ip link add w0 index %d type veth peer name w1", bench->veth);
	set(bench, bench->first, ATTACH_AUTO, true);
	assert_int_equal(count_pins(bench), 1);
	assert_int_equal(setns(away, CLONE_NEWNET), 0);
	expect_program(bench->veth, -1, false);
	close(home);
	close(away);
}

static void a_pin_removed_by_hand_comes_back(void **state)
{
	struct bench *bench = *state;

	set(bench, bench->first, ATTACH_AUTO, true);
	live_run("rm %s/links/*", bench->pin_dir);
	set(bench, bench->first, ATTACH_AUTO, true);
	stop(bench);
	expect_program(bench->veth, bench->first, true);
	start(bench);
	assert_true(attach_has(bench->attach, bench->veth));
}

static void one_owner_at_a_time(void **state)
{
	struct bench *bench = *state;
	struct attach *other = NULL;

	assert_int_equal(attach_open(bench->pin_dir, &other), -EADDRINUSE);
	assert_null(other);
}

static void a_pin_folder_must_be_on_bpffs(void **state)
{
	struct attach *other = NULL;

	(void)state;
	assert_int_equal(attach_open("/tmp/shunt-no-such-folder", &other), -EMEDIUMTYPE);
	assert_int_equal(access("/tmp/shunt-no-such-folder", F_OK), -1);
	assert_int_equal(attach_open("relative", &other), -EINVAL);
	assert_int_equal(attach_open("/sys/fs/bpf/../shunt", &other), -EINVAL);
	assert_null(other);
}

static void held_ones_are_listed_in_order(void **state)
{
	struct bench *bench = *state;
	struct attach_result how;
	int peer = live_ifindex("v1");
	int held[2] = {0, 0};
	int low = peer < bench->veth ? peer : bench->veth;

	set(bench, bench->first, ATTACH_AUTO, true);
	assert_int_equal(attach_set(bench->attach, peer, bench->second, ATTACH_AUTO, &how), 0);
	stop(bench);
	start(bench);
	assert_int_equal(attach_held(bench->attach, held, 2), 2);
	assert_int_equal(held[0], low);
	assert_int_equal(held[1], low == peer ? bench->veth : peer);
	assert_int_equal(attach_remove(bench->attach, low), 0);
	assert_int_equal(attach_held(bench->attach, NULL, 0), 1);
	assert_int_equal(count_pins(bench), 1);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FACT(a_restart_adopts),
		FACT(an_update_keeps_the_link),
		FACT(a_mode_changes),
		FACT(auto_falls_back),
		FACT(a_foreign_netlink_program_stays),
		FACT(a_foreign_link_stays),
		FACT(no_such_link),
		FACT(a_deleted_device_leaves_no_pin),
		FACT(a_device_deleted_while_nobody_runs),
		FACT(the_index_means_another_device),
		FACT(remove_detaches_what_moved_away),
		FACT(remove_detaches_what_somebody_holds),
		FACT(the_index_is_reused_after_a_move),
		FACT(a_pin_removed_by_hand_comes_back),
		FACT(one_owner_at_a_time),
		FACT(a_pin_folder_must_be_on_bpffs),
		FACT(held_ones_are_listed_in_order),
	};

	(void)argc;
	return live_possible(argv[0]) ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
