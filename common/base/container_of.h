/* SPDX-License-Identifier: BSD-2-Clause */
/* The struct that `pointer` is a member of. */
#pragma once

#include <stddef.h>

#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
