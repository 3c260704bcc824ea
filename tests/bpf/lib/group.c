// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/group.h"

#include "tests/bpf/lib/scale.h"
#include "tests/bpf/lib/scene.h"
#include "tests/bpf/lib/sender.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS    3
#define FAMILIES  3
#define CASES_MAX 16

static const struct setting settings[GROUPS][FAMILIES] = {
	{{FORWARD_COPY, AF_INET, false, "copy, IPv4", 0},
	 {FORWARD_COPY, AF_INET6, false, "copy, IPv6", 0},
	 {FORWARD_COPY, AF_INET6, true, "copy, IPv4-mapped", 0}},
	{{FORWARD_SPLICE, AF_INET, false, "splice, IPv4", 0},
	 {FORWARD_SPLICE, AF_INET6, false, "splice, IPv6", 0},
	 {FORWARD_SPLICE, AF_INET6, true, "splice, IPv4-mapped", 0}},
	{{FORWARD_SOCKMAP, AF_INET, false, "sockmap, IPv4", 0},
	 {FORWARD_SOCKMAP, AF_INET6, false, "sockmap, IPv6", 0},
	 {FORWARD_SOCKMAP, AF_INET6, true, "sockmap, IPv4-mapped", 0}},
};

static struct bridge *bridge;
static int descriptors_before;

struct bridge *group_bridge(void)
{
	return bridge;
}

/* What a failed test has left would fail all that follow. */
static int clean_up(void **state)
{
	const struct setting *setting = *state;

	senders_stop(state);
	if (bridge_running(bridge) == 0)
		return 0;
	bridge_free(bridge);
	descriptors_before = scene_descriptors();
	bridge = scene_bridge(setting->forwarding, 60 * NS_PER_S, 60 * NS_PER_S);
	return 0;
}

static int open_group(enum stream_forwarding forwarding)
{
	/* What libraries open once for the process is open after the first. */
	bridge_free(scene_bridge(forwarding, 0, 0));
	descriptors_before = scene_descriptors();
	bridge = scene_bridge(forwarding, 60 * NS_PER_S, 60 * NS_PER_S);
	return 0;
}

static void test_nothing_is_left(void **state)
{
	(void)state;
	assert_int_equal(bridge_map_entries(bridge), 0);
	bridge_free(bridge);
	bridge = NULL;
	assert_int_equal(scene_descriptors(), descriptors_before);
}

static int run_group(const struct setting *families, const struct group_case *cases, size_t n_cases)
{
	struct CMUnitTest tests[FAMILIES * CASES_MAX + 1] = {0};
	static char names[FAMILIES * CASES_MAX][80];
	size_t n = 0, n_families = FAMILIES;

	/* Other families are another way through the kernel only for the sockmap. */
	if (is_scaled() && families->forwarding != FORWARD_SOCKMAP)
		n_families = 1;
	for (size_t f = 0; f < n_families; f++)
		for (size_t c = 0; c < n_cases; c++) {
			if (f > 0 && cases[c].one_family)
				continue;
			snprintf(names[n], sizeof(names[n]), "%s: %s", families[f].name,
				 cases[c].name);
			tests[n] = (struct CMUnitTest){names[n], cases[c].function, NULL, clean_up,
						       (void *)(uintptr_t)&families[f]};
			n++;
		}
	tests[n++] = (struct CMUnitTest){"nothing is left", test_nothing_is_left, NULL, NULL, NULL};
	if (open_group(families->forwarding) != 0)
		return 1;
	return _cmocka_run_group_tests(families->name, tests, n, NULL, NULL);
}

/*
 * Each group in a process of its own, all at the same time: they spend their
 * time waiting. What they say is told in order. Returns how many failed.
 */
static int run_all(const struct group_case *cases, size_t n_cases)
{
	pid_t children[GROUPS];
	FILE *outputs[GROUPS];
	int failed = 0;

	for (size_t group = 0; group < GROUPS; group++) {
		outputs[group] = tmpfile();
		children[group] = outputs[group] ? fork() : -1;
		if (children[group] == 0) {
			dup2(fileno(outputs[group]), STDOUT_FILENO);
			dup2(fileno(outputs[group]), STDERR_FILENO);
			exit(run_group(settings[group], cases, n_cases) ? 1 : 0);
		}
	}
	for (size_t group = 0; group < GROUPS; group++) {
		char text[4096];
		int status = 1;
		size_t n;

		if (children[group] > 0)
			waitpid(children[group], &status, 0);
		failed += status != 0;
		if (!outputs[group])
			continue;
		rewind(outputs[group]);
		while ((n = fread(text, 1, sizeof(text), outputs[group])) > 0)
			fwrite(text, 1, n, stdout);
		fclose(outputs[group]);
	}
	return failed;
}

int groups_run(const struct group_case *cases, size_t n)
{
	if (n > CASES_MAX)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	return run_all(cases, n) ? 1 : 0;
}
