/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sysctls of a backend. See sysctls.h.
 *
 * The saved file has one line for each sysctl that we changed: its path below the base, the value
 * that it had, the value that we wrote.
 */
#include "sysctls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* arp_ignore 1 answers only for addresses of the interface that was asked; 2 and 8 answer still less. 3
 * would answer for the VIP, whose scope is global, and 4 to 7 are not defined. */
static bool ignore_suffices(long value)
{
	return value == 1 || value == 2 || value == 8;
}

static bool announce_suffices(long value)
{
	return value == 2;
}

struct wish {
	const char *path;
	long value;
	bool (*suffices)(long value);
};

#define WISHES 2
static const struct wish wishes[WISHES] = {
	{"net/ipv4/conf/all/arp_ignore", 1, ignore_suffices},
	{"net/ipv4/conf/all/arp_announce", 2, announce_suffices},
};

struct saved {
	bool held; /* we changed it */
	long former, written;
	int error; /* the last one logged, 0 for none */
};

struct sysctls {
	char *base, *file;
	struct saved saved[WISHES];
};

/* ---- one sysctl ---------------------------------------------------------------------------- */

static int open_sysctl(const struct sysctls *sysctls, const struct wish *wish, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", sysctls->base, wish->path);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_sysctl(const struct sysctls *sysctls, const struct wish *wish, long *out)
{
	int fd = open_sysctl(sysctls, wish, O_RDONLY);
	char text[32];
	char *end;
	long value;
	ssize_t length;
	int rc;

	if (fd < 0)
		return fd;
	length = read(fd, text, sizeof(text) - 1);
	rc = length < 0 ? -errno : 0;
	close(fd);
	if (rc)
		return rc;
	text[length] = '\0';
	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || errno)
		return -EINVAL;
	*out = value;
	return 0;
}

static int write_sysctl(const struct sysctls *sysctls, const struct wish *wish, long value)
{
	int fd = open_sysctl(sysctls, wish, O_WRONLY | O_TRUNC);
	int length;
	int rc;

	if (fd < 0)
		return fd;
	length = dprintf(fd, "%ld\n", value);
	rc = length < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* ---- the saved file ------------------------------------------------------------------------ */

static bool anything_held(const struct sysctls *sysctls)
{
	for (size_t i = 0; i < WISHES; i++)
		if (sysctls->saved[i].held)
			return true;
	return false;
}

static int write_lines(const struct sysctls *sysctls, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = 0;

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < WISHES && !rc; i++) {
		const struct saved *saved = &sysctls->saved[i];

		if (saved->held &&
		    dprintf(fd, "%s %ld %ld\n", wishes[i].path, saved->former, saved->written) < 0)
			rc = -errno;
	}
	if (!rc && fsync(fd))
		rc = -errno;
	close(fd);
	return rc;
}

static int save(const struct sysctls *sysctls)
{
	char path[PATH_MAX];
	int rc;

	if (!anything_held(sysctls))
		return unlink(sysctls->file) == 0 || errno == ENOENT ? 0 : -errno;
	if (snprintf(path, sizeof(path), "%s.new", sysctls->file) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	rc = write_lines(sysctls, path);
	if (!rc && rename(path, sysctls->file))
		rc = -errno;
	if (rc)
		unlink(path);
	return rc;
}

static int take_line(struct sysctls *sysctls, const char *line)
{
	for (size_t i = 0; i < WISHES; i++) {
		struct saved saved = {.held = true};
		size_t length = strlen(wishes[i].path);
		char *end;
		char *last;

		if (strncmp(line, wishes[i].path, length) != 0 || line[length] != ' ')
			continue;
		saved.former = strtol(line + length, &end, 10);
		saved.written = strtol(end, &last, 10);
		if (end == line + length || last == end || strcmp(last, "\n") != 0)
			return -EINVAL;
		sysctls->saved[i] = saved;
		return 0;
	}
	return -EINVAL;
}

static int load(struct sysctls *sysctls)
{
	FILE *file = fopen(sysctls->file, "re");
	char line[256];
	int rc = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!rc && fgets(line, sizeof(line), file))
		rc = take_line(sysctls, line);
	if (!rc && ferror(file))
		rc = -EIO;
	fclose(file);
	return rc;
}

/* ---- making it so -------------------------------------------------------------------------- */

/* Saved before it is changed: a crash in between leaves a saved value that equals the present one. */
static int hold(struct sysctls *sysctls, size_t i, long former)
{
	struct saved *saved = &sysctls->saved[i];
	int rc;

	if (saved->held && saved->written == wishes[i].value)
		return 0;
	*saved = (struct saved){
		.held = true, .former = former, .written = wishes[i].value, .error = saved->error};
	rc = save(sysctls);
	if (rc)
		saved->held = false;
	return rc;
}

static int set(struct sysctls *sysctls, size_t i)
{
	const struct wish *wish = &wishes[i];
	bool again = sysctls->saved[i].held;
	long value;
	int rc = read_sysctl(sysctls, wish, &value);

	if (rc || wish->suffices(value))
		return rc;
	rc = hold(sysctls, i, value);
	if (!rc)
		rc = write_sysctl(sysctls, wish, wish->value);
	if (!rc)
		log_note("sysctl %s: %ld -> %ld%s", wish->path, value, wish->value,
			 again ? " (again: somebody changed it)" : "");
	return rc;
}

/* What somebody else has set since is his. */
static int put_back(struct sysctls *sysctls, size_t i)
{
	const struct wish *wish = &wishes[i];
	struct saved *saved = &sysctls->saved[i];
	long value;
	int rc;

	if (!saved->held)
		return 0;
	rc = read_sysctl(sysctls, wish, &value);
	if (!rc && value == saved->written)
		rc = write_sysctl(sysctls, wish, saved->former);
	if (rc)
		return rc;
	if (value == saved->written)
		log_note("sysctl %s: %ld -> %ld (as it was)", wish->path, value, saved->former);
	else
		log_note("sysctl %s: left at %ld, somebody changed it", wish->path, value);
	saved->held = false;
	return save(sysctls);
}

static void log_once(struct sysctls *sysctls, size_t i, bool wanted, int rc)
{
	if (rc && rc != sysctls->saved[i].error) {
		if (wanted)
			log_error("cannot set sysctl %s to %ld (its former value is saved in %s first): %s; "
				  "until it is set this node may answer ARP for VIPs",
				  wishes[i].path, wishes[i].value, sysctls->file, strerror(-rc));
		else
			log_error("cannot put sysctl %s back to %ld: %s", wishes[i].path,
				  sysctls->saved[i].former, strerror(-rc));
	}
	sysctls->saved[i].error = rc;
}

int sysctls_sync(struct sysctls *sysctls, bool wanted)
{
	int first = 0;

	for (size_t i = 0; i < WISHES; i++) {
		int rc = wanted ? set(sysctls, i) : put_back(sysctls, i);

		log_once(sysctls, i, wanted, rc);
		if (!first)
			first = rc;
	}
	return first;
}

int sysctls_down(struct sysctls *sysctls)
{
	return sysctls_sync(sysctls, false);
}

int sysctls_open(const char *base, const char *saved, struct sysctls **out)
{
	struct sysctls *sysctls = calloc(1, sizeof(*sysctls));
	int rc = -ENOMEM;

	if (!sysctls)
		return rc;
	sysctls->base = strdup(base ? base : "/proc/sys");
	sysctls->file = strdup(saved);
	if (sysctls->base && sysctls->file)
		rc = load(sysctls);
	if (rc) {
		log_error("cannot read %s, the sysctls as they were: %s; remove it to go on without", saved,
			  strerror(-rc));
		sysctls_close(sysctls);
		return rc;
	}
	*out = sysctls;
	return 0;
}

void sysctls_close(struct sysctls *sysctls)
{
	if (!sysctls)
		return;
	free(sysctls->base);
	free(sysctls->file);
	free(sysctls);
}
