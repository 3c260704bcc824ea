/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scope-bound ownership: a variable marked with one of these gives its
 * resource back when it leaves scope; TAKE_PTR and TAKE_FD hand it on.
 */
#pragma once

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

#define TAKE_PTR(p)                     \
	__extension__({                 \
		__typeof__(p) _p = (p); \
		(p) = NULL;             \
		_p;                     \
	})

#define TAKE_FD(fd)             \
	__extension__({         \
		int _fd = (fd); \
		(fd) = -1;      \
		_fd;            \
	})

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define AUTO_FREE  CLEANUP(cleanup_free)
#define AUTO_CLOSE CLEANUP(cleanup_close)
#define AUTO_JSON  CLEANUP(cleanup_json)
