/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which the addresses of a name are to be tried. */
#pragma once

#include "common/base/addr.h"

/*
 * Both families in turns (RFC 8305, section 4), each in the order given, the
 * preferred one first. Up to `max` into `ret`; returns how many.
 */
unsigned order_addresses(const struct addr *v6, unsigned n_v6, const struct addr *v4, unsigned n_v4,
			 struct addr *ret, unsigned max);
