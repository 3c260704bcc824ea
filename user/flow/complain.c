// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/complain.h"

#include "common/log.h"
#include "user/timer.h"

void complain(struct complaints *complaints, const char *from, const char *what)
{
	uint64_t now = timer_now();

	if (complaints->since && now - complaints->since < NS_PER_S) {
		complaints->unsaid++;
		return;
	}
	if (complaints->unsaid)
		log_warn("%s%s%s (and %u more such events)", from ? from : "", from ? ": " : "",
			 what, complaints->unsaid);
	else
		log_warn("%s%s%s", from ? from : "", from ? ": " : "", what);
	complaints->since = now;
	complaints->unsaid = 0;
}
