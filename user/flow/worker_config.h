/* SPDX-License-Identifier: BSD-2-Clause */
/* How a worker takes settings: its first ones, and others while it runs. */
#pragma once

struct config;
struct worker;

/*
 * Takes the reference. New connections, the next time-out of an open one and
 * the next look at a stream go by it; over a lower limit nobody is sent away.
 */
void worker_configure(struct worker *worker, const struct config *config);
