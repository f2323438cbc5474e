/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The runner's network namespace.
 */
#include "net.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define TAGS 32

struct net {
	FILE *batch; /* of `ip -batch`, while lines are being collected */
	char *tags[TAGS];
	int tags_count;
};

struct net *net_new(void)
{
	struct net *net = calloc(1, sizeof(*net));

	if (!net || unshare(CLONE_NEWNET)) {
		fprintf(stderr, "a network namespace: %s (root is needed)\n", strerror(errno));
		exit(2);
	}
	return net;
}

void net_free(struct net *net)
{
	for (int i = 0; i < net->tags_count; i++)
		free(net->tags[i]);
	free(net);
}

static void collect(struct net *net, const struct line *line)
{
	char text[512];

	line_rest(line, 1, text, sizeof(text));
	if (!net->batch)
		net->batch = popen("ip -batch -", "w");
	if (!net->batch || fprintf(net->batch, "%s\n", text) < 0)
		line_fail(line, "cannot run ip -batch");
}

void net_settle(struct net *net, const struct line *line)
{
	FILE *batch = net->batch;

	net->batch = NULL;
	if (batch && pclose(batch))
		line_fail(line, "ip -batch failed before this line");
}

static void set(const struct line *line)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/%s", line_word(line, 1));
	file = fopen(path, "we");
	if (!file || fputs(line_word(line, 2), file) < 0 || fclose(file))
		line_fail(line, "cannot set it");
}

static void attempt(struct net *net, const struct line *line)
{
	char text[512];

	line_rest(line, 2, text, sizeof(text) - 1);
	if (system(text))
		return;
	if (net->tags_count == TAGS)
		line_fail(line, "too many tags");
	net->tags[net->tags_count++] = strdup(line_word(line, 1));
}

bool net_verb(struct net *net, const struct line *line)
{
	const char *verb = line_word(line, 0);

	if (!strcmp(verb, "ip")) {
		collect(net, line);
		return true;
	}
	net_settle(net, line);
	if (!strcmp(verb, "sysctl"))
		set(line);
	else if (!strcmp(verb, "try"))
		attempt(net, line);
	else
		return false;
	return true;
}

bool net_has(const struct net *net, const char *tag)
{
	for (int i = 0; i < net->tags_count; i++)
		if (!strcmp(net->tags[i], tag))
			return true;
	return false;
}
