/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pin folder on a machine where nobody has mounted a BPF file system, in a mount namespace of the test's
 * own.
 */
#include "live.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "bpffs.h"

#define ROOT	 "/sys/fs/bpf"
#define STARTERS 8

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* Mount namespaces go with the process: so each test runs in a child. */
static int bare_machine(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	while (is_bpffs(ROOT))
		if (umount2(ROOT, MNT_DETACH))
			return -1;
	return 0;
}

static int in_child(int (*body)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		_exit(body());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int prepare(void)
{
	char error[256];
	int rc = bpffs_prepare(ROOT "/a/b", error, sizeof(error));

	if (rc)
		print_message("%s\n", error);
	return rc ? 1 : 0;
}

static int alone(void)
{
	struct stat folder;

	if (bare_machine() || prepare() || prepare())
		return 1;
	return is_bpffs(ROOT "/a/b") && stat(ROOT "/a", &folder) == 0 && (folder.st_mode & 0777) == 0700 ? 0
													 : 2;
}

/* All wait for the pipe to close, so that they start together; then one mount must be there, not several. */
static int together(void)
{
	int gate[2];
	int failed = 0;
	char byte;

	if (bare_machine() || pipe(gate))
		return 1;
	for (int i = 0; i < STARTERS; i++) {
		pid_t child = fork();

		if (child)
			continue;
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) == 0 ? prepare() : 1);
	}
	close(gate[1]);
	for (int i = 0; i < STARTERS; i++) {
		int status;

		failed |= wait(&status) < 0 || status != 0;
	}
	if (failed || !is_bpffs(ROOT) || umount2(ROOT, MNT_DETACH))
		return 2;
	return is_bpffs(ROOT) ? 3 : 0;
}

static void mounted_where_it_is_missing(void **state)
{
	(void)state;
	assert_int_equal(in_child(alone), 0);
}

static void mounted_once_when_many_start(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(in_child(together), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounted_where_it_is_missing),
		cmocka_unit_test(mounted_once_when_many_start),
	};

	(void)argc;
	return live_possible(argv[0]) ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
