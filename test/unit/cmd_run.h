/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Running the command `shunt` as a user does, and comparing all that it prints.
 */
#ifndef SHUNT_TEST_CMD_RUN_H
#define SHUNT_TEST_CMD_RUN_H

#include "cmd_answers.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/mman.h>

struct result {
	int status;
	char out[16384], err[4096];
};

/* build/shunt, seen from build/test/unit/cmd_test. */
static inline const char *command_path(char out[static PATH_MAX])
{
	char self[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_true(snprintf(out, PATH_MAX, "%s/../../shunt", dirname(self)) < PATH_MAX);
	return out;
}

static inline void read_back(int fd, char *out, size_t size)
{
	ssize_t length = pread(fd, out, size - 1, 0);

	assert_true(length >= 0);
	out[length] = '\0';
	close(fd);
}

/* Splits `words` at blanks; a final "@" in one stands for `socket`. */
static inline void exec_command(const char *socket, const char *words)
{
	char path[PATH_MAX], copy[256], *argv[16] = {path};
	size_t count = 1;

	command_path(path);
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok(copy, " "); word && count < 15; word = strtok(NULL, " ")) {
		const char *at = strchr(word, '@');

		argv[count] = word;
		if (at && asprintf(&argv[count], "%.*s%s", (int)(at - word), word, socket) < 0)
			_exit(127);
		count++;
	}
	setenv("TZ", "UTC", 1);
	execv(path, argv);
	_exit(127);
}

/* The exit status and stderr; stdout goes to `out`, and result->out is untouched. */
static inline void run_into(int out, const char *socket, const char *words, struct result *result)
{
	int err = memfd_create("err", 0), status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		exec_command(socket, words);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	result->status = WEXITSTATUS(status);
	read_back(err, result->err, sizeof(result->err));
}

static inline void run(const char *socket, const char *words, struct result *result)
{
	int out = memfd_create("out", 0);

	run_into(out, socket, words, result);
	read_back(out, result->out, sizeof(result->out));
}

static inline void assert_run(const char *socket, const char *words, int status, const char *out,
			      const char *err)
{
	struct result result;

	run(socket, words, &result);
	assert_string_equal(result.err, err);
	assert_string_equal(result.out, out);
	assert_int_equal(result.status, status);
}

static inline const char *socket_of(void **state)
{
	return ((const struct fake *)*state)->socket;
}

#endif
