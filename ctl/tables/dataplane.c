/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loading, adopting and growing the maps, and loading the programs. See dataplane.h.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend.skel.h"
#include "dataplane.h"
#include "dataplane_counts.h"
#include "dataplane_maps.h"
#include "director.skel.h"
#include "log.h"
#include "twin.h"

struct dataplane {
	struct port port; /* first: slots() gets back from it */
	char pin_dir[DATAPLANE_PATH];
	struct director_bpf *director;
	struct backend_bpf *backend;
	struct dataplane_map maps[DATAPLANE_MAPS];
	void *window; /* the slots that are mapped now */
	size_t window_size;
	int cpus;
	struct twin *twins[DATAPLANE_PROGRAMS]; /* those that were asked for */
};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[1024];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_line(LOG_WARN, "%s", text);
	return 0;
}

/* ---- maps as memory ---------------------------------------------------------------------- */

static struct sh_slot *window_open(struct port *port, uint32_t first, uint32_t count)
{
	struct dataplane *dataplane = (struct dataplane *)port;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t begin = first * sizeof(struct sh_slot);
	size_t end = begin + count * sizeof(struct sh_slot);
	size_t offset = begin / page * page;
	void *window;

	window = mmap(NULL, end - offset, PROT_READ | PROT_WRITE, MAP_SHARED, dataplane->maps[MAP_SLOTS].fd,
		      (off_t)offset);
	if (window == MAP_FAILED)
		return NULL;
	dataplane->window = window;
	dataplane->window_size = end - offset;
	return (struct sh_slot *)((char *)window + (begin - offset));
}

static void window_close(struct port *port)
{
	struct dataplane *dataplane = (struct dataplane *)port;

	munmap(dataplane->window, dataplane->window_size);
	dataplane->window = NULL;
}

static void reset_service(struct port *port, uint32_t index)
{
	(void)dataplane_count_reset((struct dataplane *)port, COUNTS_SERVICES, index);
}

static void reset_backend(struct port *port, uint32_t index)
{
	(void)dataplane_count_reset((struct dataplane *)port, COUNTS_BACKENDS, index);
}

static int open_port(struct dataplane *dataplane)
{
	struct dataplane_map *maps = dataplane->maps;

	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		int err = dataplane_map_memory(&maps[i]);

		if (err) {
			log_error("cannot map %s into memory: %s", maps[i].spec->name, strerror(-err));
			return err;
		}
	}
	dataplane->port = (struct port){
		.knobs = maps[MAP_KNOBS].memory,
		.guesses = maps[MAP_GUESSES].memory,
		.services = maps[MAP_SERVICES].memory,
		.backends = maps[MAP_BACKENDS].memory,
		.paths = maps[MAP_PATHS].memory,
		.nexthops = maps[MAP_NEXTHOPS].memory,
		.lanes = maps[MAP_LANES].memory,
		.macs = maps[MAP_MACS].memory,
		.guesses_size = maps[MAP_GUESSES].entries,
		.services_size = maps[MAP_SERVICES].entries,
		.backends_size = maps[MAP_BACKENDS].entries,
		.paths_size = maps[MAP_PATHS].entries,
		.nexthops_size = maps[MAP_NEXTHOPS].entries,
		.lanes_size = maps[MAP_LANES].entries,
		.slots_size = maps[MAP_SLOTS].entries,
		.slots = window_open,
		.slots_done = window_close,
		.reset_service = reset_service,
		.reset_backend = reset_backend,
	};
	dataplane->port.knobs->abi = SH_ABI_VERSION;
	return 0;
}

/* ---- loading ------------------------------------------------------------------------------ */

/* Were the pinned maps filled by a shunt whose records mean what ours do? */
static bool same_abi(const struct dataplane *dataplane)
{
	const struct bpf_map *knobs = dataplane->director->maps.knobs;
	int fd = dataplane_map_pinned(dataplane->pin_dir, &dataplane->maps[MAP_KNOBS]);
	const uint32_t only = 0;
	struct sh_knobs there;
	bool same;

	if (fd < 0)
		return false;
	same = dataplane_map_suits(fd, knobs, 1) && !bpf_map_lookup_elem(fd, &only, &there) &&
	       there.abi == SH_ABI_VERSION;
	close(fd);
	if (!same)
		log_note("the maps pinned in %s are another version's: starting with empty ones",
			 dataplane->pin_dir);
	return same;
}

/* Looks for the predecessors that are pinned. */
static void find_maps(struct dataplane *dataplane, bool adopt)
{
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		struct dataplane_map *map = &dataplane->maps[i];

		map->bpf = bpf_object__find_map_by_name(dataplane->director->obj, map->spec->name);
		if (!map->needed)
			map->needed = bpf_map__max_entries(map->bpf);
		if (adopt && map->spec->copy != COPY_ANEW)
			map->old_fd = dataplane_map_pinned(dataplane->pin_dir, map);
		map->adopted = map->old_fd >= 0 && dataplane_map_suits(map->old_fd, map->bpf, map->needed);
	}
}

static bool any_joined_outgrown(const struct dataplane *dataplane)
{
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		const struct dataplane_map *map = &dataplane->maps[i];

		if (map->spec->joined && map->old_fd >= 0 && !map->adopted)
			return true;
	}
	return false;
}

/* What is copied is copied whole. */
static void leave_joined(struct dataplane *dataplane)
{
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		struct dataplane_map *map = &dataplane->maps[i];
		uint32_t entries;

		if (!map->spec->joined || map->old_fd < 0)
			continue;
		entries = dataplane_map_entries(map->old_fd);
		if (map->adopted && entries > map->needed)
			map->needed = entries;
		map->adopted = false;
	}
}

/* Gives the object's map its predecessor, or its size. */
static int prepare_map(const struct dataplane_map *map)
{
	int err = map->adopted ? bpf_map__reuse_fd(map->bpf, map->old_fd)
			       : bpf_map__set_max_entries(map->bpf, map->needed);

	if (err)
		log_error("cannot prepare map %s: %s", map->spec->name, strerror(-err));
	return err;
}

static int load_director(struct dataplane *dataplane, bool restore)
{
	int err;

	dataplane->director = director_bpf__open();
	if (!dataplane->director)
		return -errno;
	dataplane->director->rodata->load.restore = restore;
	find_maps(dataplane, same_abi(dataplane));
	if (any_joined_outgrown(dataplane))
		leave_joined(dataplane);
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		err = prepare_map(&dataplane->maps[i]);
		if (err)
			return err;
	}
	dataplane->director->rodata->load.guesses = bpf_map__max_entries(dataplane->director->maps.guesses);
	err = director_bpf__load(dataplane->director);
	if (err) {
		log_error("cannot load the director's program: %s; shunt needs CAP_BPF, CAP_NET_ADMIN and "
			  "CAP_PERFMON, and Linux 5.15 or later",
			  strerror(-err));
		return err;
	}
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		struct dataplane_map *map = &dataplane->maps[i];

		map->fd = bpf_map__fd(map->bpf);
		map->entries = bpf_map__max_entries(map->bpf);
	}
	return 0;
}

/* The backend's program shares reasons and restore maps with the director's. */
static int load_backend(struct dataplane *dataplane)
{
	struct bpf_map *map;
	int err;

	dataplane->backend = backend_bpf__open();
	if (!dataplane->backend)
		return -errno;
	bpf_object__for_each_map(map, dataplane->backend->obj)
	{
		struct bpf_map *shared = bpf_object__find_map_by_name(dataplane->director->obj,
								      bpf_map__name(map));

		if (!shared || bpf_map__is_internal(map))
			continue;
		err = bpf_map__reuse_fd(map, bpf_map__fd(shared));
		if (err)
			return err;
	}
	err = backend_bpf__load(dataplane->backend);
	if (err)
		log_error("cannot load the backend's program: %s", strerror(-err));
	return err;
}

/* Carries the contents of outgrown maps over into the new ones. */
static int copy_outgrown(struct dataplane *dataplane)
{
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		struct dataplane_map *map = &dataplane->maps[i];
		int err;

		if (map->old_fd < 0 || map->adopted)
			continue;
		err = dataplane_map_copy(map, dataplane->cpus);
		if (err) {
			log_error("cannot copy map %s: %s", map->spec->name, strerror(-err));
			return err;
		}
	}
	return 0;
}

static void set_needs(struct dataplane_map *maps, const struct dataplane_sizes *sizes)
{
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		maps[i].spec = &dataplane_specs[i];
		maps[i].fd = maps[i].old_fd = -1;
		maps[i].needed = dataplane_needed(maps[i].spec, sizes);
	}
}

int dataplane_open(const char *pin_dir, const struct dataplane_sizes *sizes, bool restore,
		   struct dataplane **out)
{
	struct dataplane *dataplane = calloc(1, sizeof(*dataplane));
	int err;

	if (!dataplane)
		return -ENOMEM;
	libbpf_set_print(print_libbpf);
	dataplane->cpus = libbpf_num_possible_cpus();
	err = snprintf(dataplane->pin_dir, sizeof(dataplane->pin_dir), "%s/maps", pin_dir) <
			      (int)sizeof(dataplane->pin_dir) - DATAPLANE_NAME
		      ? 0
		      : -ENAMETOOLONG;
	set_needs(dataplane->maps, sizes);
	if (!err)
		err = load_director(dataplane, restore);
	if (!err)
		err = load_backend(dataplane);
	if (!err)
		err = copy_outgrown(dataplane);
	if (!err)
		err = open_port(dataplane);
	if (err) {
		dataplane_close(dataplane);
		return err;
	}
	*out = dataplane;
	return 0;
}

void dataplane_close(struct dataplane *dataplane)
{
	if (!dataplane)
		return;
	for (int i = 0; i < DATAPLANE_PROGRAMS; i++)
		twin_close(dataplane->twins[i]);
	for (int i = 0; i < DATAPLANE_MAPS; i++)
		dataplane_map_close(&dataplane->maps[i]);
	backend_bpf__destroy(dataplane->backend);
	director_bpf__destroy(dataplane->director);
	free(dataplane);
}

/* They have ended with the grace period that the kernel waits for here; a kernel that does not know the call
 * has long gone on. */
void dataplane_wait_for_packets(void)
{
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* What was counted up to the switch. */
static void carry_counts(struct dataplane *dataplane)
{
	bool waited = false;

	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		struct dataplane_map *map = &dataplane->maps[i];
		int err;

		if (map->spec->copy != COPY_CARRY || map->old_fd < 0 || map->adopted)
			continue;
		if (!waited)
			dataplane_wait_for_packets();
		waited = true;
		err = dataplane_counts_carry(map, dataplane->cpus);
		if (err)
			log_warn("cannot carry over the counters in %s: %s", map->spec->name, strerror(-err));
	}
}

int dataplane_commit(struct dataplane *dataplane)
{
	carry_counts(dataplane);
	if (mkdir(dataplane->pin_dir, 0700) && errno != EEXIST) {
		log_error("cannot create %s: %s", dataplane->pin_dir, strerror(errno));
		return -errno;
	}
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		struct dataplane_map *map = &dataplane->maps[i];
		int err = map->adopted ? 0 : dataplane_map_pin(dataplane->pin_dir, map);

		if (err) {
			log_error("cannot pin map %s in %s: %s", map->spec->name, dataplane->pin_dir,
				  strerror(-err));
			return err;
		}
		map->adopted = true;
	}
	return 0;
}

int dataplane_unpin(const char *pin_dir)
{
	char path[DATAPLANE_PATH];

	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		if (snprintf(path, sizeof(path), "%s/maps/%s", pin_dir, dataplane_specs[i].name) >=
		    (int)sizeof(path))
			return -ENAMETOOLONG;
		if (unlink(path) && errno != ENOENT)
			return -errno;
	}
	snprintf(path, sizeof(path), "%s/maps", pin_dir);
	return rmdir(path) && errno != ENOENT ? -errno : 0;
}

bool dataplane_fits(const struct dataplane *dataplane, const struct dataplane_sizes *sizes)
{
	for (int i = 0; i < DATAPLANE_MAPS; i++) {
		if (dataplane_needed(&dataplane_specs[i], sizes) > dataplane->maps[i].entries)
			return false;
	}
	return true;
}

/* ---- what the controller uses -------------------------------------------------------------- */

int dataplane_director_fd(const struct dataplane *dataplane)
{
	/* The straight way knows nothing of what is to be restored. */
	return bpf_program__fd(dataplane->director->rodata->load.restore
				       ? dataplane->director->progs.shunt_general
				       : dataplane->director->progs.shunt_director);
}

int dataplane_backend_fd(const struct dataplane *dataplane)
{
	return bpf_program__fd(dataplane->backend->progs.shunt_backend);
}

int dataplane_twin(struct dataplane *dataplane, enum dataplane_program program, struct twin **out)
{
	struct twin_original original = {.object = dataplane->director->obj, .program = "shunt_general"};
	int err = 0;

	if (program == PROGRAM_BACKEND) {
		original = (struct twin_original){.object = dataplane->backend->obj,
						  .program = "shunt_backend"};
		original.elf = backend_bpf__elf_bytes(&original.elf_size);
	} else {
		original.elf = director_bpf__elf_bytes(&original.elf_size);
	}
	if (!dataplane->twins[program])
		err = twin_open(&original, &dataplane->twins[program]);
	if (!err)
		*out = dataplane->twins[program];
	return err;
}

int dataplane_events_fd(const struct dataplane *dataplane)
{
	return dataplane->maps[MAP_EVENTS].fd;
}

void dataplane_forget_missed(struct dataplane *dataplane)
{
	struct bpf_map *budget = dataplane->director->maps.event_budget;
	void *zero = calloc((size_t)dataplane->cpus, (bpf_map__value_size(budget) + 7U) & ~7U);
	const uint32_t only = 0;

	if (!zero || bpf_map_update_elem(bpf_map__fd(budget), &only, zero, BPF_ANY))
		log_warn("cannot reset the count of missed events: %s", strerror(errno));
	free(zero);
}

struct port *dataplane_port(struct dataplane *dataplane)
{
	return &dataplane->port;
}

size_t dataplane_entry_size(enum dataplane_hash hash)
{
	return dataplane_hash_entry(hash);
}

int dataplane_sync(struct dataplane *dataplane, enum dataplane_hash hash, void *want, size_t count,
		   uint64_t *writes)
{
	return dataplane_hash_sync(dataplane->maps[dataplane_hash_map(hash)].fd, hash, want, count, writes);
}

int dataplane_put(struct dataplane *dataplane, enum dataplane_hash hash, const void *entry)
{
	return dataplane_hash_put(dataplane->maps[dataplane_hash_map(hash)].fd, hash, entry);
}

int dataplane_compare(const struct dataplane *dataplane, enum dataplane_hash hash, void *want, size_t count,
		      size_t *differences)
{
	return dataplane_hash_compare(dataplane->maps[dataplane_hash_map(hash)].fd, hash, want, count,
				      differences);
}

int dataplane_read(const struct dataplane *dataplane, enum dataplane_hash hash, void **out, size_t *count)
{
	return dataplane_hash_read(dataplane->maps[dataplane_hash_map(hash)].fd, hash, out, count);
}

int dataplane_count(const struct dataplane *dataplane, enum dataplane_counts counts, uint32_t index,
		    struct sh_count *out)
{
	return dataplane_counts_read(dataplane->maps, dataplane->cpus, counts, index, out);
}

int dataplane_reasons(const struct dataplane *dataplane, struct sh_count out[static SH_REASON_COUNT])
{
	return dataplane_counts_reasons(dataplane->maps, dataplane->cpus, out);
}

int dataplane_count_reset(struct dataplane *dataplane, enum dataplane_counts counts, uint32_t index)
{
	return dataplane_counts_reset(dataplane->maps, dataplane->cpus, counts, index);
}
