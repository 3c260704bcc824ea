// SPDX-License-Identifier: BSD-2-Clause
/*
 * Urgent data (RFC 6093) is bytes like others: none lost, and the reader is not
 * held up by it. Where the kernel's own reader is, for ever, the stream may be
 * reset, but not hang.
 */
#include "tests/bpf/lib/group.h"
#include "tests/bpf/lib/scene.h"
#include "user/plane/sockmap/quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Two urgent bytes among others, and FIN. False: an RST came sooner. */
static bool send_urgent_bytes(struct scene *scene, bool pause)
{
	if (!scene_send_or_reset(scene, 0, 1, MSG_OOB))
		return false;
	if (pause)
		usleep(10000);
	if (!scene_send_or_reset(scene, 0, 1000, 0) || !scene_send_or_reset(scene, 0, 1, MSG_OOB) ||
	    !scene_send_or_reset(scene, 0, 1000, 0))
		return false;
	return shutdown(scene->far[0], SHUT_WR) == 0;
}

static void test_urgent_byte(void **state)
{
	const struct setting *setting = *state;
	bool may_be_reset =
		setting->forwarding == FORWARD_SOCKMAP && quirks_of_this_kernel().stops_at_urgent;

	for (int turn = 0; turn < 4; turn++) {
		struct scene scene = turn & 1 ? scene_open(group_bridge(), *state)
					      : scene_prepare(group_bridge(), *state);
		int on = 1;

		setsockopt(scene.far[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
		/* As listeners hand it down: the byte may be there before the stream starts. */
		setsockopt(scene.near[0], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
		if (!(turn & 1))
			scene_start(&scene);
		if (turn & 2)
			scene_send(&scene, 0, 1000, 0);
		bool sent = send_urgent_bytes(&scene, turn & 2);
		assert_true(sent || may_be_reset);
		if (may_be_reset && !scene_expect_fin_or_reset(&scene, 1)) {
			scene_close(&scene, STREAM_URGENT);
			continue;
		}
		assert_true(sent);
		scene_expect_fin(&scene, 1);
		scene_finish(&scene, 1);
		scene_expect_fin(&scene, 0);
		scene_close(&scene, STREAM_FINISHED);
	}
}

/* And without a FIN that would tell of it. */
static void test_urgent_byte_in_an_open_stream(void **state)
{
	const struct setting *setting = *state;
	struct scene scene = scene_open(group_bridge(), setting);

	scene_send(&scene, 0, 1, MSG_OOB);
	if (setting->forwarding == FORWARD_SOCKMAP && quirks_of_this_kernel().stops_at_urgent) {
		scene_expect_reset(&scene, 1);
		scene_close(&scene, STREAM_URGENT);
		return;
	}
	int on = 1;
	setsockopt(scene.far[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	scene_receive_all(&scene, 1);
	scene_reset(&scene, 0);
	scene_expect_reset(&scene, 1);
	scene_close(&scene, STREAM_RESET_BY_0);
}

int main(void)
{
	static const struct group_case cases[] = {
		{"urgent bytes", test_urgent_byte, false},
		{"an urgent byte in an open stream", test_urgent_byte_in_an_open_stream, true},
	};

	return groups_run(cases, sizeof(cases) / sizeof(cases[0]));
}
