/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where to look. The file is the daemon's own unless another is named; links, routes, sysctls and routing
 * daemons are those of one network namespace, and the daemon may be in another than whoever asks. See
 * doctor.h.
 *
 * The daemon tells its namespace's number in `status`. Where it is another one, the doctor goes there
 * (setns(2) by /proc/PID/ns/net), if it may and the process of that number is the daemon: a PID may be one of
 * another PID namespace.
 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NETNS_PATH_SIZE 48

static json_int_t number_of(const struct stat *stat)
{
	return (json_int_t)stat->st_ino;
}

/* 0 or -errno: -ESRCH where that is not the daemon's. */
static int enter(const char *path, json_int_t netns)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) || number_of(&stat) != netns)
		err = -ESRCH;
	else if (setns(fd, CLONE_NEWNET))
		err = -errno;
	close(fd);
	return err;
}

static void go_to(struct doctor *doctor, json_int_t netns, json_int_t pid)
{
	char path[NETNS_PATH_SIZE], remedy[NETNS_PATH_SIZE + 64];
	int err;

	snprintf(path, sizeof(path), "/proc/%" JSON_INTEGER_FORMAT "/ns/net", pid);
	snprintf(remedy, sizeof(remedy), "run it as root there: nsenter --net=%s shunt doctor", path);
	err = enter(path, netns);
	if (err)
		doctor_note(doctor, VERDICT_FAIL, "netns", remedy,
			    "shuntd is in another network namespace, %" JSON_INTEGER_FORMAT
			    ", which cannot be entered (%s): what follows is about this one",
			    netns, strerror(-err));
	else
		doctor_note(doctor, VERDICT_OK, "netns", "",
			    "the network namespace of shuntd (%s) is looked at, not that of this command",
			    path);
}

/* A path of the daemon's says nothing here where it begins at the folder that the daemon was started in. */
static void find_file(struct doctor *doctor)
{
	const char *file = json_string_value(json_object_get(doctor->status, "file"));

	if (doctor->command->arguments_count)
		doctor->path = doctor->command->arguments[0];
	else
		doctor->path = file && file[0] == '/' ? file : COMMAND_FILE;
}

void doctor_place(struct doctor *doctor)
{
	json_int_t netns, pid;
	struct stat own;

	doctor->status = doctor_ask(doctor, json_pack("{s:s}", "command", "status"));
	netns = json_integer_value(json_object_get(doctor->status, "netns"));
	pid = json_integer_value(json_object_get(doctor->status, "pid"));
	find_file(doctor);
	/* A daemon that does not answer is found out later, and one that does not tell is an older one. */
	if (netns && !stat("/proc/self/ns/net", &own) && number_of(&own) != netns)
		go_to(doctor, netns, pid);
}
