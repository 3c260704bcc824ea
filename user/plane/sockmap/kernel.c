// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/kernel.h"

#include "common/base/cleanup.h"
#include "forward.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define EVENT_KINDS 3                                /* of enum flow_event */
#define RING_RECORD (8 + sizeof(struct flow_record)) /* libbpf's header and ours */

struct kernel {
	struct forward *skeleton;
	struct flow *flows; /* mapped, shared with the program */
	size_t flows_bytes;
	uint32_t slots_per_worker;
	int peers, slots, rings;
	struct kernel_quirks quirks;
};

struct kernel_share {
	struct kernel *kernel;
	struct ring_buffer *ring;
	int ring_map;
	kernel_event event;
	uint32_t first; /* slots first … first + count − 1 of the map are this worker's */
	uint32_t count;
	uint32_t n_free;
	uint32_t *free_slots;                 /* as a stack */
	struct stream_direction **directions; /* by slot − first; NULL: free */
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static void explain(char why[KERNEL_WHY], const char *what, int r)
{
	snprintf(why, KERNEL_WHY, "%s: %s%s", what, strerror(-r),
		 r == -EPERM || r == -EACCES || r == -EINVAL
			 ? " (needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)"
			 : "");
}

static uint32_t round_up_power_of_two(uint32_t n)
{
	uint32_t power = 4096;

	while (power < n)
		power *= 2;
	return power;
}

/*
 * How many entries the maps have is said before they are loaded. The rings are
 * not among them: each worker makes its own, see make_ring().
 */
static int size_maps(struct kernel *kernel, const struct kernel_options *options)
{
	struct forward *skeleton = kernel->skeleton;
	/* Connections spread over the workers by a hash: leave room for an uneven one. */
	uint32_t share = options->connections / options->workers;

	share += share / 2 + 16;
	if (share > options->connections)
		share = options->connections;
	kernel->slots_per_worker = 2 * share;
	uint32_t total = kernel->slots_per_worker * options->workers;

	int r = bpf_map__set_max_entries(skeleton->maps.peers, total);
	if (r == 0)
		r = bpf_map__set_max_entries(skeleton->maps.slots, total);
	if (r == 0)
		r = bpf_map__set_max_entries(skeleton->maps.flows, total);
	skeleton->rodata->trim_overlaps = !options->no_trimming;
	if (kernel->quirks.passes_out_of_order)
		skeleton->rodata->queue_passed =
			kernel->quirks.worker_locks ? QUEUE_BEHIND_OTHERS : QUEUE_ALWAYS;
	kernel->flows_bytes = (size_t)total * sizeof(struct flow);
	kernel->flows_bytes = (kernel->flows_bytes + 4095) / 4096 * 4096;
	return r;
}

int kernel_open(const struct kernel_options *options, struct kernel **ret, char why[KERNEL_WHY])
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int r;

	if (!kernel) {
		explain(why, "loading the BPF program", -ENOMEM);
		return -ENOMEM;
	}
	libbpf_set_print(quiet);
	kernel->quirks = quirks_of_this_kernel();
	kernel->skeleton = forward__open();
	if (!kernel->skeleton) {
		r = -errno;
		explain(why, "opening the BPF object", r);
		goto fail;
	}
	r = size_maps(kernel, options);
	if (r == 0)
		r = forward__load(kernel->skeleton);
	if (r < 0) {
		explain(why, "the kernel does not load the BPF program", r);
		goto fail;
	}
	kernel->peers = bpf_map__fd(kernel->skeleton->maps.peers);
	kernel->slots = bpf_map__fd(kernel->skeleton->maps.slots);
	kernel->rings = bpf_map__fd(kernel->skeleton->maps.rings);
	/* bpf_program__attach_sockmap() is not in libbpf 1.1, and links need 6.10. */
	r = bpf_prog_attach(bpf_program__fd(kernel->skeleton->progs.forward), kernel->peers,
			    BPF_SK_SKB_STREAM_VERDICT, 0);
	if (r < 0) {
		explain(why, "attaching the BPF program to the sockhash", r);
		goto fail;
	}
	void *flows = mmap(NULL, kernel->flows_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   bpf_map__fd(kernel->skeleton->maps.flows), 0);
	if (flows == MAP_FAILED) {
		r = -errno;
		explain(why, "mapping the flows", r);
		goto fail;
	}
	kernel->flows = flows;
	*ret = kernel;
	return 0;
fail:
	kernel_close(kernel);
	return r;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	if (kernel->flows)
		munmap(kernel->flows, kernel->flows_bytes);
	forward__destroy(kernel->skeleton);
	free(kernel);
}

static int on_record(void *arg, void *data, size_t size)
{
	struct kernel_share *share = arg;
	const struct flow_record *record = data;

	if (size != sizeof(*record) || record->slot - share->first >= share->count)
		return 0;
	struct stream_direction *direction = share->directions[record->slot - share->first];
	uint32_t generation = share->kernel->flows[record->slot].generation;
	if (direction && record->generation == (uint16_t)generation)
		share->event(direction, (enum flow_event)record->event);
	return 0;
}

/*
 * The ring cannot overflow: a direction has at most one event of each kind
 * that has not been consumed: user space offers a direction again only after
 * it has consumed the event that gave it back, and the program tells that it
 * is busy only after the last time has been acknowledged. libbpf counts a
 * record's header and rounds up to 8 bytes.
 */
static int make_ring(struct kernel_share *share, unsigned worker)
{
	uint32_t bytes =
		round_up_power_of_two((share->count * EVENT_KINDS + 1) * (uint32_t)RING_RECORD);
	uint32_t key = worker;

	share->ring_map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, bytes, NULL);
	if (share->ring_map < 0)
		return -errno;
	if (bpf_map_update_elem(share->kernel->rings, &key, &share->ring_map, BPF_ANY) < 0)
		return -errno;
	share->ring = ring_buffer__new(share->ring_map, on_record, share, NULL);
	return share->ring ? 0 : -errno;
}

int kernel_share_new(struct kernel *kernel, unsigned worker, kernel_event event,
		     struct kernel_share **ret)
{
	struct kernel_share *share = calloc(1, sizeof(*share));
	int r = -ENOMEM;

	if (!share)
		return -ENOMEM;
	share->kernel = kernel;
	share->ring_map = -1;
	share->event = event;
	share->count = kernel->slots_per_worker;
	share->first = worker * share->count;
	share->free_slots = calloc(share->count, sizeof(*share->free_slots));
	share->directions = calloc(share->count, sizeof(struct stream_direction *));
	if (!share->free_slots || !share->directions)
		goto fail;
	for (uint32_t i = 0; i < share->count; i++) {
		struct flow *flow = &kernel->flows[share->first + i];

		flow->ring = worker;
		share->free_slots[i] = share->first + share->count - 1 - i;
	}
	share->n_free = share->count;
	r = make_ring(share, worker);
	if (r < 0)
		goto fail;
	*ret = share;
	return 0;
fail:
	kernel_share_free(share);
	return r;
}

void kernel_share_free(struct kernel_share *share)
{
	if (!share)
		return;
	ring_buffer__free(share->ring);
	cleanup_close(&share->ring_map);
	free(share->free_slots);
	free(share->directions);
	free(share);
}

int kernel_share_fd(const struct kernel_share *share)
{
	return ring_buffer__epoll_fd(share->ring);
}

void kernel_share_consume(struct kernel_share *share)
{
	(void)ring_buffer__consume(share->ring);
}

const struct kernel_quirks *kernel_quirks(const struct kernel_share *share)
{
	return &share->kernel->quirks;
}

volatile struct flow *kernel_flow(struct kernel_share *share, uint32_t slot)
{
	return &share->kernel->flows[slot];
}

int kernel_slot_take(struct kernel_share *share, uint64_t cookie, uint32_t budget,
		     struct stream_direction *direction, uint32_t *ret)
{
	if (share->n_free == 0)
		return -ENOSPC;
	uint32_t slot = share->free_slots[share->n_free - 1];
	struct flow *flow = &share->kernel->flows[slot];
	struct flow fresh = {
		.cookie = cookie,
		.budget = budget,
		.ring = flow->ring,
		.generation = flow->generation,
	};

	*flow = fresh;
	if (bpf_map_update_elem(share->kernel->slots, &cookie, &slot, BPF_ANY) < 0) {
		int r = -errno;

		flow->cookie = 0;
		return r;
	}
	share->n_free--;
	share->directions[slot - share->first] = direction;
	*ret = slot;
	return 0;
}

void kernel_slot_give_back(struct kernel_share *share, uint32_t slot)
{
	struct flow *flow = &share->kernel->flows[slot];
	__u64 cookie = flow->cookie;

	(void)bpf_map_delete_elem(share->kernel->slots, &cookie);
	flow->cookie = 0;
	flow->generation++;
	share->directions[slot - share->first] = NULL;
	share->free_slots[share->n_free++] = slot;
}

int kernel_peer_add(struct kernel_share *share, uint64_t cookie, int peer_fd)
{
	__u64 value = (__u64)peer_fd;

	if (bpf_map_update_elem(share->kernel->peers, &cookie, &value, BPF_NOEXIST) < 0)
		return -errno;
	return 0;
}

int kernel_peer_remove(struct kernel_share *share, uint64_t cookie)
{
	if (bpf_map_delete_elem(share->kernel->peers, &cookie) < 0)
		return -errno;
	return 0;
}

static unsigned count_entries(int map)
{
	__u64 key;
	unsigned n = 0;

	for (int r = bpf_map_get_next_key(map, NULL, &key); r == 0;
	     r = bpf_map_get_next_key(map, &key, &key))
		n++;
	return n;
}

unsigned kernel_entries(struct kernel *kernel)
{
	return count_entries(kernel->peers) + count_entries(kernel->slots);
}
