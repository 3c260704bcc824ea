// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/unix_socket.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Only a socket at which nobody listens any more is in nobody's way. */
static int remove_stale(const struct sockaddr_un *address)
{
	AUTO_CLOSE int fd = open_socket();

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return errno == ENOENT ? 0 : -EADDRINUSE;
	struct stat st;
	if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_name(int fd, const struct sockaddr_un *address)
{
	/* The name gets the descriptor's mode: until the owner is set, nobody else may connect. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	return 0;
}

static int publish(int fd, const struct unix_socket *unix_socket, int backlog)
{
	if (chown(unix_socket->path, unix_socket->owner, unix_socket->group) < 0 ||
	    chmod(unix_socket->path, unix_socket->mode) < 0 || listen(fd, backlog) < 0)
		return -errno;
	return 0;
}

int unix_socket_listen(const struct unix_socket *unix_socket, int backlog, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = open_socket();

	if (fd < 0)
		return fd;
	if (strlen(unix_socket->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, unix_socket->path);
	int r = bind_name(fd, &address);
	if (r == -EADDRINUSE) {
		r = remove_stale(&address);
		if (r == 0)
			r = bind_name(fd, &address);
	}
	if (r < 0)
		return r;
	r = publish(fd, unix_socket, backlog);
	if (r < 0) {
		(void)unlink(unix_socket->path);
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}
