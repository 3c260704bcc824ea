/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/lib/cases.h"
#include "tests/bench/lib/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double cpu_at_start;

static double processor_seconds(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

void say(json_t *json)
{
	char *line;

	if (!json || json_object_set_new(json, "load_cpu",
					 json_real(processor_seconds() - cpu_at_start)) < 0)
		die("out of memory");
	line = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (!line)
		die("out of memory");
	(void)puts(line);
	(void)fflush(stdout);
	free(line);
	json_decref(json);
}

void say_start(void)
{
	cpu_at_start = processor_seconds();
	say(json_pack("{s:s}", "event", "start"));
}
