// SPDX-License-Identifier: BSD-2-Clause
#include "user/private/demand.h"

void demand_init(struct demand *demand, unsigned min, unsigned max)
{
	*demand = (struct demand){.min = min, .max = max, .target = min};
}

void demand_came(struct demand *demand)
{
	demand->waiting++;
}

void demand_lost(struct demand *demand)
{
	demand->waiting--;
}

bool demand_taken(struct demand *demand)
{
	demand->waiting--;
	if (demand->waiting < demand->lowest)
		demand->lowest = demand->waiting;
	if (2 * demand->waiting >= demand->target || demand->target >= demand->max)
		return false;
	demand->target = 2 * demand->target < demand->max ? 2 * demand->target : demand->max;
	return true;
}

bool demand_calm(struct demand *demand)
{
	unsigned used = demand->lowest < demand->target ? demand->target - demand->lowest : 0;

	if (4 * used <= demand->target)
		demand->target =
			demand->target / 2 > demand->min ? demand->target / 2 : demand->min;
	demand->lowest = demand->waiting;
	return demand->target > demand->min;
}
