/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Files as texts: the least that a row has to say, and what comes of it.
 */
#ifndef SHUNT_TEST_FILE_TEXT_H
#define SHUNT_TEST_FILE_TEXT_H

#include <dirent.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "file.h"

/* One service, with what the row is about in place of a right value. */
#define SERVICE(vip, ports, forward, backends)                                                             \
	"services:\n- name: web\n  vip: " vip "\n  ports: " ports "\n  " forward "\n  backends: " backends \
	"\n"
#define VIP(text)      SERVICE(text, "[80/tcp]", "forward: l3", "[198.51.100.11]")
#define PORTS(text)    SERVICE("203.0.113.10", text, "forward: l3", "[198.51.100.11]")
#define FORWARD(text)  SERVICE("203.0.113.10", "[80/tcp]", text, "[198.51.100.11]")
#define BACKENDS(text) SERVICE("203.0.113.10", "[80/tcp]", "forward: l3", text)
#define ONE(name, vip, ports, forward, backends) \
	"- {name: " name ", vip: " vip ", ports: " ports ", forward: " forward ", backends: " backends "}\n"
#define MANY16(text) text text text text text text text text text text text text text text text text

/* "path:line:col: text", as file_error_format begins. */
static inline const char *first_line(const struct file_error *error, char out[static 1024])
{
	size_t length = file_error_format(error, out, 1024);
	char *end = strchr(out, '\n');

	assert_int_equal(length, strlen(out));
	assert_non_null(end);
	*end = 0;
	return out;
}

static inline struct config *parse(const char *text)
{
	struct config *config = NULL;
	struct file_error error = {0};
	char got[1024];

	if (file_parse("f", text, strlen(text), &config, &error))
		print_error("%s\n", first_line(&error, got));
	assert_non_null(config);
	return config;
}

/* Returns how many files there were. */
static inline unsigned each_file(const char *folder, void (*check)(const char *path))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	if (!dir) {
		fail_msg("no %s: run this from the top of the tree", folder);
		return 0;
	}
	while ((entry = readdir(dir))) {
		char path[512];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		check(path);
		count++;
	}
	closedir(dir);
	return count;
}

#endif
