/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event loop: epoll for descriptors, timerfd for time, signalfd for signals, tasks in between. One
 * thread.
 *
 * A watch or timer is owned by the loop; the handle is valid until it is removed or the loop is
 * freed. A handler may remove its own or any other handle.
 */
#ifndef SHUNT_LOOP_H
#define SHUNT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_fd;
struct loop_task;
struct loop_timer;

int loop_new(struct loop **out);
void loop_free(struct loop *loop); /* NULL is fine; does not close watched descriptors */

/* Calls `ready` with the epoll events (EPOLLIN, EPOLLOUT, ...), level triggered. The
 * descriptor stays the caller's. */
int loop_fd_add(struct loop *loop, int fd, uint32_t events, void (*ready)(uint32_t events, void *arg),
		void *arg, struct loop_fd **out);
int loop_fd_events(struct loop_fd *handle, uint32_t events); /* changes the events of interest */
void loop_fd_remove(struct loop_fd *handle);		     /* NULL is fine */

/* A timer, not armed. loop_timer_set arms it once `first_ms` from now and then every
 * `every_ms` (0: not again); first_ms 0 with every_ms 0 disarms. */
int loop_timer_add(struct loop *loop, void (*fire)(void *arg), void *arg, struct loop_timer **out);
int loop_timer_set(struct loop_timer *timer, uint64_t first_ms, uint64_t every_ms);
bool loop_timer_armed(const struct loop_timer *timer);
void loop_timer_remove(struct loop_timer *timer); /* NULL is fine */

/* Work that is done bit by bit: while it is wanted, `run` is called once in each round of the loop, after
 * whatever was ready in it. Not wanted at first; it may change that, and remove the task. */
int loop_task_add(struct loop *loop, void (*run)(void *arg), void *arg, struct loop_task **out);
void loop_task_want(struct loop_task *task, bool wanted);
bool loop_task_wanted(const struct loop_task *task);
void loop_task_remove(struct loop_task *task); /* NULL is fine */

/* Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR2 for the process and delivers them to `on_signal`. */
int loop_signals(struct loop *loop, void (*on_signal)(int signal, void *arg), void *arg);

/* Runs until loop_stop. 0, or -errno where epoll itself fails. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
