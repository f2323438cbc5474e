/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths: one for all who are reached by the same next hops in the same shares. Its record never changes. See
 * tables.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables_private.h"

/* As much of a path as is used: what follows is zero. */
static size_t path_size(const struct sh_path *path)
{
	return offsetof(struct sh_path, nexthop) + path->buckets * sizeof(path->nexthop[0]);
}

static struct table_path *new_path(const struct sh_path *key)
{
	struct table_path *path = calloc(1, offsetof(struct table_path, key) + path_size(key));

	if (path)
		memcpy(&path->key, key, path_size(key));
	return path;
}

static void enter_path(struct tables *tables, struct table_path *path)
{
	HASH_ADD_KEYPTR(hh, tables->paths, &path->key, path_size(&path->key), path);
}

int path_adopt(struct tables *tables, uint32_t index)
{
	struct table_path *path = new_path(&tables->port->paths[index]);

	if (!path)
		return -ENOMEM;
	path->word = index;
	enter_path(tables, path);
	index_claim(&tables->free_paths, index);
	return 0;
}

/* A path to one next hop needs no record: its word says it all. 0 or -errno. */
static int path_record(struct tables *tables, struct table_path *path)
{
	int err;

	if (path->key.buckets == 1 && !path->key.mtu) {
		path->word = SH_PATH_ONE | path->key.nexthop[0];
		return 0;
	}
	err = index_take(&tables->free_paths, &path->word);
	if (err)
		return err;
	memcpy(&tables->port->paths[path->word], &path->key, path_size(&path->key));
	tables->writes++;
	return 0;
}

struct table_path *tables_path(struct tables *tables, const struct sh_path *key)
{
	struct table_path *path;
	int err;

	HASH_FIND(hh, tables->paths, key, path_size(key), path);
	if (path) {
		path->refs++;
		return path;
	}
	path = new_path(key);
	err = path ? path_record(tables, path) : -ENOMEM;
	if (err) {
		free(path);
		errno = -err;
		return NULL;
	}
	path->refs = 1;
	enter_path(tables, path);
	return path;
}

void tables_path_hold(struct table_path *path)
{
	path->refs++;
}

void tables_path_put(struct tables *tables, struct table_path *path)
{
	if (!path || --path->refs)
		return;
	HASH_DEL(tables->paths, path);
	if (!(path->word & SH_PATH_ONE))
		index_give_up(&tables->free_paths, path->word);
	free(path);
}

void path_clear(uint32_t record, void *port)
{
	memset(&((struct port *)port)->paths[record], 0, sizeof(struct sh_path));
}

uint32_t tables_path_word(const struct table_path *path)
{
	return path->word;
}

void tables_path_read(const struct port *port, uint32_t word, struct sh_path *out)
{
	if (word & SH_PATH_ONE)
		*out = (struct sh_path){.buckets = 1, .nexthop = {word & ~SH_PATH_ONE}};
	else if (word < port->paths_size)
		*out = port->paths[word];
	else
		*out = (struct sh_path){0};
}

const struct sh_path *tables_path_record(const struct table_path *path)
{
	return &path->key;
}
