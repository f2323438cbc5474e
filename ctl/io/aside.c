/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A child and its pidfd. See aside.h.
 */
#include "aside.h"
#include "loop.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct aside {
	struct aside_job job;
	pid_t child; /* 0: it was waited for */
	int pidfd;
	struct loop_fd *handle;
};

/* Others have their turn before it, even where this process runs by real-time priority. */
static void live(const struct aside_job *job)
{
	const struct sched_param param = {0};
	sigset_t none;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sched_setscheduler(0, SCHED_OTHER, &param);
	(void)signal(SIGTERM, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	job->work(job->arg);
	_exit(0);
}

static void on_end(uint32_t events, void *arg)
{
	struct aside *aside = arg;
	int status = -1;

	(void)events;
	(void)waitpid(aside->child, &status, 0);
	aside->child = 0;
	loop_fd_remove(aside->handle);
	aside->handle = NULL;
	aside->job.done(status == 0, aside->job.arg);
}

static int watch(struct aside *aside, struct loop *loop)
{
	aside->pidfd = (int)syscall(SYS_pidfd_open, aside->child, 0);
	if (aside->pidfd < 0)
		return -errno;
	return loop_fd_add(loop, aside->pidfd, EPOLLIN, on_end, aside, &aside->handle);
}

int aside_begin(struct loop *loop, const struct aside_job *job, struct aside **out)
{
	struct aside *aside = calloc(1, sizeof(*aside));
	int err;

	if (!aside)
		return -ENOMEM;
	*aside = (struct aside){.job = *job, .pidfd = -1};
	aside->child = fork();
	if (!aside->child)
		live(job);
	err = aside->child < 0 ? -errno : watch(aside, loop);
	if (err) {
		aside_free(aside);
		return err;
	}
	*out = aside;
	return 0;
}

void aside_free(struct aside *aside)
{
	if (!aside)
		return;
	loop_fd_remove(aside->handle);
	if (aside->child > 0) {
		(void)kill(aside->child, SIGKILL);
		(void)waitpid(aside->child, NULL, 0);
	}
	if (aside->pidfd >= 0)
		close(aside->pidfd);
	free(aside);
}
