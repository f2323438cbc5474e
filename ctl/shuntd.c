/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * shuntd: the daemon. Options, the file, the loop, signals.
 *
 * SIGHUP reloads the file. SIGTERM and SIGINT drain the adverts, withdraw them and end the process; a
 * second one does not wait. SIGUSR2 ends it and leaves the adverts: for a restart in place. All leave
 * programs, maps and aliases, so that packets flow until it is started again. `shunt down`
 * removes them.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "controller.h"
#include "file.h"
#include "log.h"
#include "loop.h"

static const char usage[] =
	"usage: shuntd [-c FILE] [--socket PATH] [--pin-dir DIR]\n"
	"              [--rcvbuf BYTES] [-t]\n"
	"\n"
	"Directs packets for virtual IPs to backends that answer directly, and keeps the way there in step\n"
	"with the kernel's routes and neighbours. The same file on every node; `shunt` talks to it.\n"
	"\n"
	"  -c, --config FILE   the file (/etc/shunt/shunt.yaml)\n"
	"      --socket PATH   where `shunt` connects to (/run/shunt/shunt.sock)\n"
	"      --pin-dir DIR   where maps and programs are pinned (/sys/fs/bpf/shunt)\n"
	"      --rcvbuf BYTES  room for the kernel's events, from 4096 (8388608)\n"
	"  -t, --test          check the file and exit: 0 or 1\n"
	"  -V, --version       print the version and exit\n"
	"  -h, --help          print this and exit\n";

struct options {
	struct controller_options controller;
	bool test;
};

#define RCVBUF_MIN 4096
#define RCVBUF_MAX (1UL << 30)

/* -1 to go on, else the exit status. */
static int parse_rcvbuf(const char *text, size_t *out)
{
	char *end = NULL;
	unsigned long bytes;

	errno = 0;
	bytes = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || bytes < RCVBUF_MIN || bytes > RCVBUF_MAX) {
		fprintf(stderr, "shuntd: --rcvbuf '%s': write a number of bytes from %d to %lu\n", text,
			RCVBUF_MIN, RCVBUF_MAX);
		return 2;
	}
	*out = bytes;
	return -1;
}

/* -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},  {"socket", required_argument, NULL, 's'},
		{"pin-dir", required_argument, NULL, 'p'}, {"rcvbuf", required_argument, NULL, 'r'},
		{"test", no_argument, NULL, 't'},	   {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},	   {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:tVh", longs, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->controller.file = optarg;
			break;
		case 's':
			options->controller.socket = optarg;
			break;
		case 'p':
			options->controller.pin_dir = optarg;
			break;
		case 'r':
			if (parse_rcvbuf(optarg, &options->controller.rcvbuf) >= 0)
				return 2;
			break;
		case 't':
			options->test = true;
			break;
		case 'V':
			puts("shuntd " SHUNT_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "shuntd: unexpected argument '%s'\n%s", argv[optind], usage);
	return 2;
}

static void on_signal(int number, void *arg)
{
	struct controller *controller = arg;
	char text[1024];

	if (number == SIGHUP)
		(void)load_file(controller, text, sizeof(text));
	else if (number == SIGUSR2)
		loop_stop(controller->loop);
	else
		controller_leave(controller, ENDING_STOP);
}

static int run(const struct options *options, struct config *config)
{
	struct controller controller = {0};
	struct loop *loop;
	int err = loop_new(&loop);

	/* Who reads the log may go away: that must not end us. */
	(void)signal(SIGPIPE, SIG_IGN);

	if (err) {
		log_error("cannot make an event loop: %s", strerror(-err));
		config_free(config);
		return 1;
	}
	err = loop_signals(loop, on_signal, &controller);
	if (!err)
		err = controller_start(&controller, loop, &options->controller, config);
	if (controller.apply.model == NULL)
		config_free(config);
	if (!err) {
		log_note("shuntd " SHUNT_VERSION " runs with %s", options->controller.file);
		err = loop_run(loop);
	}
	controller_stop(&controller);
	loop_free(loop);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.controller = {"/etc/shunt/shunt.yaml", "/run/shunt/shunt.sock", "/sys/fs/bpf/shunt"}};
	int status = parse_options(argc, argv, &options);
	struct file_error error;
	struct config *config;
	char text[1024];

	if (status >= 0)
		return status;
	if (file_load(options.controller.file, &config, &error)) {
		file_error_format(&error, text, sizeof(text));
		fputs(text, stderr);
		return 1;
	}
	if (!options.test)
		return run(&options, config);
	printf("%s: ok, %zu services\n", options.controller.file, config->services_count);
	config_free(config);
	return 0;
}
