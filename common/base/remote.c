// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/remote.h"

#include "common/base/backoff.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

void remote_init(struct remote *remote, const struct remote_pace *pace, bool here)
{
	*remote = (struct remote){.pace = *pace, .here = here, .gone_at = INT64_MIN / 2};
}

void remote_clear(struct remote *remote)
{
	free(remote->problem);
	remote->problem = NULL;
}

void remote_found(struct remote *remote)
{
	remote->here = true;
}

bool remote_well(struct remote *remote)
{
	bool told = remote->problem != NULL;

	remote_clear(remote);
	remote->here = true;
	remote->failures = 0;
	return told;
}

static int64_t wait_after(struct remote *remote, int64_t longest)
{
	if (remote->failures < UINT_MAX)
		remote->failures++;
	return backoff_ms(remote->pace.min, longest, remote->failures);
}

int64_t remote_failed(struct remote *remote, int64_t now)
{
	const struct remote_pace *pace = &remote->pace;

	if (remote->here)
		remote->gone_at = now;
	remote->here = false;
	bool early = now - remote->gone_at < pace->early && pace->early_max < pace->max;
	return wait_after(remote, early ? pace->early_max : pace->max);
}

int64_t remote_bounced(struct remote *remote)
{
	return wait_after(remote, remote->pace.max);
}

bool remote_is_news(struct remote *remote, const char *problem)
{
	if (remote->problem && strcmp(remote->problem, problem) == 0)
		return false;
	free(remote->problem);
	remote->problem = strdup(problem);
	return true;
}
