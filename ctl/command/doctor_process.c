/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding processes in this network namespace, and asking a program. See doctor.h.
 */
#include "doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What a file below /proc/PID holds, up to `size` bytes; its length, or 0. */
static size_t read_proc(const char *pid, const char *name, char *out, size_t size)
{
	char path[NAME_MAX + 32];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, out, size);
	close(fd);
	return got > 0 ? (size_t)got : 0;
}

static bool same_network(const char *pid)
{
	struct stat mine, theirs;
	char path[NAME_MAX + 32];

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	return !stat("/proc/self/ns/net", &mine) && !stat(path, &theirs) && mine.st_ino == theirs.st_ino;
}

static bool is_named(const char *pid, const char *name)
{
	char comm[32];
	size_t length = read_proc(pid, "comm", comm, sizeof(comm));

	return length == strlen(name) + 1 && !memcmp(comm, name, strlen(name));
}

/* "--option" "value", or "-o" "value", as separate words. */
static void find_argument(const char *pid, const char *option, char *out)
{
	char line[4096];
	size_t length = read_proc(pid, "cmdline", line, sizeof(line) - 1), at = 0;

	line[length] = '\0';
	while (at < length) {
		const char *word = line + at;

		at += strlen(word) + 1;
		if (at < length && !strcmp(word, option))
			snprintf(out, PROCESS_ARGUMENT_SIZE, "%s", line + at);
	}
}

bool process_find(const char *name, const char *option, char argument[static PROCESS_ARGUMENT_SIZE])
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	argument[0] = '\0';
	while (proc && !found && (entry = readdir(proc))) {
		found = isdigit((unsigned char)entry->d_name[0]) && is_named(entry->d_name, name) &&
			same_network(entry->d_name);
		if (found)
			find_argument(entry->d_name, option, argument);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* ---- asking a program ------------------------------------------------------------------------ */

static int spawn(char *const argv[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);

	if (err)
		return -err;
	err = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!err)
		err = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!err)
		err = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* Reads all, so that the program is not stopped, and keeps what fits. */
static void read_output(int fd, char *out, size_t size)
{
	char rest[4096];
	size_t used = 0;
	ssize_t got;

	do {
		bool room = used < size - 1;

		got = read(fd, room ? out + used : rest, room ? size - 1 - used : sizeof(rest));
		if (got > 0 && room)
			used += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	out[used] = '\0';
}

int process_output(char *const argv[], char *out, size_t size)
{
	int pipes[2], status, err;
	pid_t pid = -1;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	err = spawn(argv, pipes[1], &pid);
	close(pipes[1]);
	if (!err) {
		read_output(pipes[0], out, size);
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
			err = -EIO;
	}
	close(pipes[0]);
	return err;
}
