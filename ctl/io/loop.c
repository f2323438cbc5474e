/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event loop over epoll(7), timerfd_create(2) and signalfd(2).
 *
 * Everything is a watched descriptor: a timer owns a timerfd, signals share one signalfd. epoll
 * hands back pointers to the handles, several at a time, and a handler may remove a handle that
 * is still ahead in the same batch. A removed handle is therefore only marked and moved to
 * `removed`, and dies before the next epoll_wait, when no pointer to it can come any more. The
 * memory of a timer is free at once: only its handle is in the batch.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BATCH 64

struct loop_fd {
	LIST_ENTRY(loop_fd) link; /* in `watched` or in `removed` */
	struct loop *loop;
	int fd;
	bool gone; /* removed: its events are no longer wanted */
	void (*ready)(uint32_t events, void *arg);
	void *arg;
};

LIST_HEAD(loop_fds, loop_fd);

struct loop_timer {
	LIST_ENTRY(loop_timer) link;
	struct loop_fd *handle;
	int fd;
	bool armed, again;
	void (*fire)(void *arg);
	void *arg;
};

LIST_HEAD(loop_timers, loop_timer);

struct loop_task {
	LIST_ENTRY(loop_task) link; /* in `tasks` or in `finished` */
	struct loop *loop;
	bool wanted;
	void (*run)(void *arg);
	void *arg;
};

LIST_HEAD(loop_tasks, loop_task);

struct loop {
	int epoll;
	unsigned wanted;		   /* tasks */
	struct loop_tasks tasks, finished; /* finished: removed, dies like a handle */
	bool stop;
	struct loop_fds watched, removed;
	struct loop_timers timers;
	int signals; /* signalfd, or -1 */
	void (*on_signal)(int signal, void *arg);
	void *on_signal_arg;
};

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		int error = -errno;

		free(loop);
		return error;
	}
	loop->signals = -1;
	LIST_INIT(&loop->watched);
	LIST_INIT(&loop->removed);
	LIST_INIT(&loop->timers);
	LIST_INIT(&loop->tasks);
	LIST_INIT(&loop->finished);
	*out = loop;
	return 0;
}

static void free_handles(struct loop_fds *handles)
{
	struct loop_fd *handle = LIST_FIRST(handles);

	while (handle) {
		struct loop_fd *next = LIST_NEXT(handle, link);

		free(handle);
		handle = next;
	}
	LIST_INIT(handles);
}

static void free_tasks(struct loop_tasks *tasks)
{
	struct loop_task *task = LIST_FIRST(tasks);

	while (task) {
		struct loop_task *next = LIST_NEXT(task, link);

		free(task);
		task = next;
	}
	LIST_INIT(tasks);
}

void loop_free(struct loop *loop)
{
	struct loop_timer *timer, *next;

	if (!loop)
		return;
	for (timer = LIST_FIRST(&loop->timers); timer; timer = next) {
		next = LIST_NEXT(timer, link);
		loop_timer_remove(timer);
	}
	free_handles(&loop->watched);
	free_handles(&loop->removed);
	free_tasks(&loop->tasks);
	free_tasks(&loop->finished);
	if (loop->signals >= 0)
		close(loop->signals);
	close(loop->epoll);
	free(loop);
}

/* ---- descriptors --------------------------------------------------------------------------- */

int loop_fd_add(struct loop *loop, int fd, uint32_t events, void (*ready)(uint32_t events, void *arg),
		void *arg, struct loop_fd **out)
{
	struct loop_fd *handle = calloc(1, sizeof(*handle));
	struct epoll_event event = {.events = events, .data.ptr = handle};

	if (!handle)
		return -ENOMEM;
	*handle = (struct loop_fd){.loop = loop, .fd = fd, .ready = ready, .arg = arg};
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event)) {
		int error = -errno;

		free(handle);
		return error;
	}
	LIST_INSERT_HEAD(&loop->watched, handle, link);
	*out = handle;
	return 0;
}

int loop_fd_events(struct loop_fd *handle, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = handle};

	return epoll_ctl(handle->loop->epoll, EPOLL_CTL_MOD, handle->fd, &event) ? -errno : 0;
}

void loop_fd_remove(struct loop_fd *handle)
{
	if (!handle || handle->gone)
		return;
	/* Fails where the caller has closed the descriptor before: epoll has forgotten it then. */
	(void)epoll_ctl(handle->loop->epoll, EPOLL_CTL_DEL, handle->fd, NULL);
	handle->gone = true;
	LIST_REMOVE(handle, link);
	LIST_INSERT_HEAD(&handle->loop->removed, handle, link);
}

/* ---- timers -------------------------------------------------------------------------------- */

static void timer_ready(uint32_t events, void *arg)
{
	struct loop_timer *timer = arg;
	uint64_t expirations;

	(void)events;
	/* EAGAIN: set anew by another handler of this batch after it had run out. */
	if (read(timer->fd, &expirations, sizeof(expirations)) != sizeof(expirations))
		return;
	timer->armed = timer->again;
	timer->fire(timer->arg); /* may remove the timer: not touched after this */
}

int loop_timer_add(struct loop *loop, void (*fire)(void *arg), void *arg, struct loop_timer **out)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	int error;

	if (!timer)
		return -ENOMEM;
	*timer = (struct loop_timer){.fire = fire, .arg = arg};
	timer->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (timer->fd < 0) {
		error = -errno;
		goto free_timer;
	}
	error = loop_fd_add(loop, timer->fd, EPOLLIN, timer_ready, timer, &timer->handle);
	if (error)
		goto close_fd;
	LIST_INSERT_HEAD(&loop->timers, timer, link);
	*out = timer;
	return 0;

close_fd:
	close(timer->fd);
free_timer:
	free(timer);
	return error;
}

static struct timespec from_ms(uint64_t ms)
{
	return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

int loop_timer_set(struct loop_timer *timer, uint64_t first_ms, uint64_t every_ms)
{
	bool arm = first_ms || every_ms;
	struct itimerspec spec = {.it_value = from_ms(first_ms), .it_interval = from_ms(every_ms)};

	if (arm && !first_ms)
		spec.it_value.tv_nsec = 1; /* at once: zero would disarm */
	if (timerfd_settime(timer->fd, 0, &spec, NULL))
		return -errno;
	timer->armed = arm;
	timer->again = every_ms;
	return 0;
}

bool loop_timer_armed(const struct loop_timer *timer)
{
	return timer->armed;
}

void loop_timer_remove(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_fd_remove(timer->handle);
	LIST_REMOVE(timer, link);
	close(timer->fd);
	free(timer);
}

/* ---- tasks --------------------------------------------------------------------------------- */

int loop_task_add(struct loop *loop, void (*run)(void *arg), void *arg, struct loop_task **out)
{
	struct loop_task *task = calloc(1, sizeof(*task));

	if (!task)
		return -ENOMEM;
	*task = (struct loop_task){.loop = loop, .run = run, .arg = arg};
	LIST_INSERT_HEAD(&loop->tasks, task, link);
	*out = task;
	return 0;
}

void loop_task_want(struct loop_task *task, bool wanted)
{
	task->loop->wanted += wanted && !task->wanted;
	task->loop->wanted -= !wanted && task->wanted;
	task->wanted = wanted;
}

bool loop_task_wanted(const struct loop_task *task)
{
	return task->wanted;
}

void loop_task_remove(struct loop_task *task)
{
	if (!task)
		return;
	loop_task_want(task, false);
	LIST_REMOVE(task, link);
	LIST_INSERT_HEAD(&task->loop->finished, task, link);
}

/* One that is removed meanwhile leads into `finished`, where nothing is wanted. */
static void run_tasks(struct loop *loop)
{
	for (struct loop_task *task = LIST_FIRST(&loop->tasks); task && loop->wanted && !loop->stop;
	     task = LIST_NEXT(task, link)) {
		if (task->wanted)
			task->run(task->arg);
	}
	free_tasks(&loop->finished);
}

/* ---- signals ------------------------------------------------------------------------------- */

static void signals_ready(uint32_t events, void *arg)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(loop->signals, &info, sizeof(info)) == sizeof(info))
		loop->on_signal((int)info.ssi_signo, loop->on_signal_arg);
}

int loop_signals(struct loop *loop, void (*on_signal)(int signal, void *arg), void *arg)
{
	struct loop_fd *handle = NULL;
	sigset_t wanted;
	int error;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGUSR2);
	if (loop->signals >= 0)
		return -EALREADY;
	loop->signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop->signals < 0)
		return -errno;
	loop->on_signal = on_signal;
	loop->on_signal_arg = arg;
	error = loop_fd_add(loop, loop->signals, EPOLLIN, signals_ready, loop, &handle);
	if (!error && sigprocmask(SIG_BLOCK, &wanted, NULL)) {
		error = -errno;
		loop_fd_remove(handle);
	}
	if (error) {
		close(loop->signals);
		loop->signals = -1;
	}
	return error;
}

/* ---- running ------------------------------------------------------------------------------- */

int loop_run(struct loop *loop)
{
	struct epoll_event ready[BATCH];

	while (!loop->stop) {
		int count = epoll_wait(loop->epoll, ready, BATCH, loop->wanted ? 0 : -1);

		if (count < 0 && errno != EINTR)
			return -errno;
		/* What a stop leaves undelivered is still ready when the loop runs again. */
		for (int i = 0; i < count && !loop->stop; i++) {
			struct loop_fd *handle = ready[i].data.ptr;

			if (!handle->gone)
				handle->ready(ready[i].events, handle->arg);
		}
		run_tasks(loop);
		free_handles(&loop->removed);
	}
	loop->stop = false;
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
