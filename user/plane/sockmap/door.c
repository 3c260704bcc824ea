// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/door.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/capability.h>
#include <sys/socket.h>

/* Of <linux/capability.h>; kernels before 5.8 have CAP_SYS_ADMIN in its place. */
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

int door_shut(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* flags */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_RST, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_FIN, 7, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12), /* length of the header, in words */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

void door_open(int fd)
{
	int unused = 0;

	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

/* Of the calling thread, as capabilities are. */
static int keep_effective(cap_t now, cap_t ret_kept)
{
	static const cap_value_t kept[] = {CAP_BPF, CAP_NET_ADMIN};

	for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		cap_flag_value_t has = CAP_CLEAR;

		if (cap_get_flag(now, kept[i], CAP_PERMITTED, &has) == 0 && has == CAP_SET)
			(void)cap_set_flag(ret_kept, CAP_EFFECTIVE, 1, &kept[i], CAP_SET);
	}
	return cap_set_proc(ret_kept) < 0 ? -errno : 0;
}

int door_check(int fd)
{
	cap_t now = cap_get_proc();
	cap_t kept = now ? cap_dup(now) : NULL;
	int r = -ENOMEM;

	if (kept && cap_clear_flag(kept, CAP_EFFECTIVE) == 0) {
		r = keep_effective(now, kept);
		if (r == 0)
			r = door_shut(fd);
		if (r == 0)
			door_open(fd);
		(void)cap_set_proc(now);
	}
	cap_free(kept);
	cap_free(now);
	return r;
}
