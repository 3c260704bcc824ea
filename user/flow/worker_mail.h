/* SPDX-License-Identifier: BSD-2-Clause */
/* What each mail makes a worker do, and what an order to stop does. */
#pragma once

struct worker;

/* All that is in its box. */
void worker_read_mail(struct worker *worker);
