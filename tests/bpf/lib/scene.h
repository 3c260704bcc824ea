/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One bridged pair of connections, acted out step by step: who sends, who
 * reads, who leaves. far[i] are the peers, 0 outside and 1 inside; the plane
 * has near[]. Content knows its place, and a step that goes wrong fails the
 * cmocka test that runs.
 */
#pragma once

#include "tests/bpf/lib/bridge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct setting {
	enum stream_forwarding forwarding;
	int family;
	bool mapped; /* an IPv4 client at an IPv6 socket */
	const char *name;
	int rcvbuf; /* of the far ends; 0: the system's */
};

/* The same, with a reader that soon blocks its sender. */
struct setting setting_with_small_reader(const struct setting *setting);

struct scene {
	const struct setting *setting;
	struct bridge *bridge; /* not owned */
	int near[2], far[2];
	uint64_t sent[2], received[2]; /* by far[i] */
	int pair;
};

/* With a budget of 256 KiB and 4 MiB of memory a direction; time-outs in ns. */
struct bridge *scene_bridge(enum stream_forwarding forwarding, uint64_t idle, uint64_t drain);

/* Connected, not yet bridged. */
struct scene scene_prepare(struct bridge *bridge, const struct setting *setting);
void scene_start(struct scene *scene);
/* A few turns, after which the path that the setting asks for carries both directions. */
void scene_talk(struct scene *scene);
/* All three. */
struct scene scene_open(struct bridge *bridge, const struct setting *setting);

void scene_send(struct scene *scene, int from, size_t n, int flags);
/* The same; or an RST has come, before or amidst: false. */
bool scene_send_or_reset(struct scene *scene, int from, size_t n, int flags);
/* Until nothing moves any more, because the other side does not read. */
void scene_send_until_blocked(struct scene *scene, int from);
/*
 * More than the reader and one socket of the plane hold, less than both: the
 * FIN that follows reaches the plane. Wants a setting with a small rcvbuf.
 */
void scene_send_unread(struct scene *scene, int from);
void scene_finish(struct scene *scene, int from); /* FIN */
void scene_reset(struct scene *scene, int from);  /* RST */

/* `n` bytes that far[!at] has sent, each in its place; or all of them. */
void scene_receive(struct scene *scene, int at, uint64_t n);
void scene_receive_all(struct scene *scene, int at);
/* All bytes, then FIN. */
void scene_expect_fin(struct scene *scene, int at);
/* The same; or an RST, before which whatever comes is in its place: false. */
bool scene_expect_fin_or_reset(struct scene *scene, int at);
/* Neither bytes nor an end. */
void scene_expect_silence(struct scene *scene, int at, int ms);
/* RST, without reading what may lie before it. */
void scene_expect_reset(struct scene *scene, int at);
void scene_expect_no_reset(struct scene *scene, int at, int ms);

/* The stream ends for this reason, and leaves nothing in the maps. Closes far[]. */
void scene_close(struct scene *scene, enum stream_end_reason reason);

int scene_descriptors(void); /* open ones of this process */
