/* SPDX-License-Identifier: BSD-2-Clause */
/* A listening Unix socket in the file system, and who may connect to it. */
#pragma once

#include <sys/types.h>

struct unix_socket {
	const char *path;
	mode_t mode; /* who may connect: needs the permission to write */
	uid_t owner; /* (uid_t)-1: who runs the process */
	gid_t group; /* (gid_t)-1: likewise */
};

/*
 * Listen, non-blocking and close-on-exec. A socket that a process which has
 * died left behind is replaced; nothing else is. The name stays in the file
 * system when *ret_fd is closed. -EADDRINUSE: somebody listens there, or it is
 * no socket; -ENAMETOOLONG; or another negative errno.
 */
int unix_socket_listen(const struct unix_socket *unix_socket, int backlog, int *ret_fd);
