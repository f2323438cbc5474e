/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the operator has drained. See drains.h.
 *
 * One line for each: "vip 203.0.113.10" or "backend 198.51.100.11 web".
 */
#include "drains.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_value.h"
#include "log.h"

#define VIP_WORD     "vip"
#define BACKEND_WORD "backend"

struct drain {
	struct addr address;
	char service[NAME_LENGTH_MAX + 1]; /* empty: a VIP */
};

struct drains {
	char *path;
	struct drain *items;
	size_t count;
};

static size_t position(const struct drains *drains, const struct addr *address, const char *service)
{
	size_t i = 0;

	while (i < drains->count && (addr_compare(&drains->items[i].address, address) ||
				     strcmp(drains->items[i].service, service ? service : "") != 0))
		i++;
	return i;
}

bool drains_has(const struct drains *drains, const struct addr *address, const char *service)
{
	return position(drains, address, service) < drains->count;
}

bool drains_at(const struct drains *drains, size_t index, struct addr *address, const char **service)
{
	if (index >= drains->count)
		return false;
	*address = drains->items[index].address;
	*service = drains->items[index].service[0] ? drains->items[index].service : NULL;
	return true;
}

int drains_set(struct drains *drains, const struct addr *address, const char *service, bool drained)
{
	size_t at = position(drains, address, service);
	struct drain *items;

	if (drained == (at < drains->count))
		return 0;
	if (!drained) {
		drains->items[at] = drains->items[--drains->count];
		return 0;
	}
	items = reallocarray(drains->items, drains->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	drains->items = items;
	items[at] = (struct drain){.address = *address};
	snprintf(items[at].service, sizeof(items[at].service), "%s", service ? service : "");
	drains->count++;
	return 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Cuts the line into its words. */
static int read_line(struct drains *drains, char *line)
{
	char *rest = NULL;
	const char *kind = strtok_r(line, " \n", &rest);
	const char *text = strtok_r(NULL, " \n", &rest);
	const char *service = strtok_r(NULL, " \n", &rest);
	struct addr address;

	if (!kind || !text || addr_parse(text, &address))
		return -EINVAL;
	if (strcmp(kind, service ? BACKEND_WORD : VIP_WORD) != 0 ||
	    (service && strlen(service) > NAME_LENGTH_MAX))
		return -EINVAL;
	return drains_set(drains, &address, service, true);
}

static int read_file(struct drains *drains)
{
	char line[NAME_LENGTH_MAX + ADDR_TEXT_SIZE + 16];
	FILE *file = fopen(drains->path, "re");
	int err = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!err && fgets(line, sizeof(line), file))
		err = read_line(drains, line);
	if (!err && ferror(file))
		err = -EIO;
	fclose(file);
	return err;
}

int drains_open(const char *path, struct drains **out)
{
	struct drains *drains = calloc(1, sizeof(*drains));
	int err = -ENOMEM;

	if (drains)
		drains->path = strdup(path);
	if (drains && drains->path)
		err = read_file(drains);
	if (err) {
		log_error("cannot read what is drained from %s: %s%s", path, strerror(-err),
			  err == -EINVAL ? "; remove that file" : "");
		drains_close(drains);
		return err;
	}
	*out = drains;
	return 0;
}

void drains_close(struct drains *drains)
{
	if (!drains)
		return;
	free(drains->path);
	free(drains->items);
	free(drains);
}

static int write_all(const struct drains *drains, FILE *file)
{
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < drains->count; i++) {
		const struct drain *drain = &drains->items[i];

		addr_format(&drain->address, text);
		if (drain->service[0])
			fprintf(file, BACKEND_WORD " %s %s\n", text, drain->service);
		else
			fprintf(file, VIP_WORD " %s\n", text);
	}
	return fflush(file) || ferror(file) ? -EIO : 0;
}

static int write_beside(const struct drains *drains, const char *beside)
{
	int err, fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	err = write_all(drains, file);
	if (fclose(file) && !err)
		err = -errno;
	if (!err && rename(beside, drains->path))
		err = -errno;
	if (err)
		(void)unlink(beside);
	return err;
}

int drains_save(const struct drains *drains)
{
	char beside[512];

	if (!drains->count)
		return unlink(drains->path) && errno != ENOENT ? -errno : 0;
	if (snprintf(beside, sizeof(beside), "%s.new", drains->path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	return write_beside(drains, beside);
}
