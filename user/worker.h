/* SPDX-License-Identifier: BSD-2-Clause */
/* A data-path thread: its own listeners, its own epoll, its own connections. */
#pragma once

#include "user/mailbox.h"

struct worker;

/* Puts mail into the worker's box. Any thread. */
void worker_mail(struct worker *worker, struct mail *mail);
