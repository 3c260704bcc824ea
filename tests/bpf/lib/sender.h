/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that sends while the test does something else. cmocka leaves a test
 * that fails by a jump, and the next one gets the same stack: a thread that
 * went on with what lies there would send its bytes into the connections of
 * that test. So it knows nothing but its own memory, and senders_stop() in the
 * teardown ends those that a test has left.
 */
#pragma once

#include "tests/bpf/lib/scene.h"

#include <stdint.h>

struct sender;

/* `bytes` from far[from], then FIN. */
struct sender *sender_start(const struct scene *scene, int from, uint64_t bytes);

/* Wait for it, fail the test if it could not send, count its bytes in `scene`, and free it. */
void sender_join(struct sender *sender, struct scene *scene);

/* Shut the connections of the senders that run, and wait for them. A teardown: returns 0. */
int senders_stop(void **state);
