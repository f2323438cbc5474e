/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stand-in for the daemon: control.c in a child process with the verbs that a test gives it.
 *
 * It lives in a folder of its own under /tmp, ends with the test program whatever happens to
 * that, and fails the test in fake_stop where it did not end well (a sanitizer's report, say).
 */
#ifndef SHUNT_TEST_FAKE_DAEMON_H
#define SHUNT_TEST_FAKE_DAEMON_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "control.h"
#include "loop.h"

struct fake {
	char folder[64];
	char socket[96];
	pid_t pid;
};

/* What the verbs get as `arg`; in the child. */
struct fake_daemon {
	struct loop *loop;
	struct control *control;
	unsigned changes; /* calls of the subscribers' callback */
};

static inline void fake_changed(bool any, void *arg)
{
	struct fake_daemon *daemon = arg;

	(void)any;
	daemon->changes++;
}

static inline void fake_on_signal(int signal, void *arg)
{
	struct fake_daemon *daemon = arg;

	(void)signal;
	loop_stop(daemon->loop);
}

static inline int fake_run(const char *path, const struct control_verb *verbs, int ready)
{
	struct fake_daemon daemon = {0};

	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails leaves nothing behind either */
	if (loop_new(&daemon.loop) || loop_signals(daemon.loop, fake_on_signal, &daemon) ||
	    control_open(daemon.loop, path, verbs, &daemon, &daemon.control))
		return 1;
	control_on_subscribers(daemon.control, fake_changed, &daemon);
	if (write(ready, "", 1) != 1 || loop_run(daemon.loop))
		return 1;
	control_close(daemon.control);
	loop_free(daemon.loop);
	return 0;
}

static inline void fake_remove_folder(const struct fake *fake)
{
	char run[96];

	unlink(fake->socket);
	snprintf(run, sizeof(run), "%s/run", fake->folder);
	rmdir(run);
	rmdir(fake->folder);
}

/* In the child: 0, or 2 where the socket has outlived control_close. */
static inline int fake_live(const struct fake *fake, const struct control_verb *verbs, int ready)
{
	int status = fake_run(fake->socket, verbs, ready);

	if (!status && !access(fake->socket, F_OK))
		status = 2;
	fake_remove_folder(fake);
	return status;
}

static inline void fake_start(struct fake *fake, const struct control_verb *verbs)
{
	int ready[2];
	char byte;

	snprintf(fake->folder, sizeof(fake->folder), "/tmp/shunt-test-XXXXXX");
	assert_non_null(mkdtemp(fake->folder));
	snprintf(fake->socket, sizeof(fake->socket), "%s/run/shunt.sock", fake->folder);
	assert_int_equal(pipe(ready), 0);
	fflush(NULL);
	fake->pid = fork();
	assert_true(fake->pid >= 0);
	if (!fake->pid) {
		close(ready[0]);
		exit(fake_live(fake, verbs, ready[1]));
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static inline void fake_stop(const struct fake *fake)
{
	int status;

	kill(fake->pid, SIGTERM);
	assert_int_equal(waitpid(fake->pid, &status, 0), fake->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
