/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time, in ms since the epoch, as messages write them: RFC 3339. */
#pragma once

#include <stdint.h>

#define TIMESTAMP_TEXT_MAX 32

int64_t timestamp_now(void);

/* "2026-11-22T09:35:31Z", "...31.5+01:00"; -EINVAL for anything else. */
int timestamp_parse(const char *text, int64_t *ret);

/* In UTC; milliseconds only when there are any. */
void timestamp_format(int64_t ms, char ret[TIMESTAMP_TEXT_MAX]);
