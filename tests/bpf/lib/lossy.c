// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/lib/lossy.h"

#include "drop.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK 1 /* the first interface of every namespace */

static struct drop *dropper;

static int request(int fd, unsigned long what, struct ifreq *ifr)
{
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "lo");
	return ioctl(fd, what, ifr) < 0 ? -errno : 0;
}

static void offload_off(int fd, __u32 command)
{
	struct ethtool_value value = {.cmd = command, .data = 0};
	struct ifreq ifr = {.ifr_data = (char *)&value};

	(void)request(fd, SIOCETHTOOL,
		      &ifr); /* what a device does not have need not be switched off */
}

int lossy_enter(void)
{
	struct ifreq ifr = {0};

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = request(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	if (r == 0)
		r = request(fd, SIOCSIFFLAGS, &ifr);
	ifr = (struct ifreq){.ifr_mtu = 1500};
	if (r == 0)
		r = request(fd, SIOCSIFMTU, &ifr);
	offload_off(fd, ETHTOOL_STSO);
	offload_off(fd, ETHTOOL_SGSO);
	offload_off(fd, ETHTOOL_SGRO);
	close(fd);
	return r;
}

int lossy_drop(unsigned per_thousand)
{
	if (dropper) {
		bpf_xdp_detach(LOOPBACK, XDP_FLAGS_SKB_MODE, NULL);
		drop__destroy(dropper);
		dropper = NULL;
	}
	if (!per_thousand)
		return 0;
	dropper = drop__open();
	if (!dropper)
		return -errno;
	dropper->rodata->per_thousand = per_thousand;
	int r = drop__load(dropper);
	if (r == 0)
		r = bpf_xdp_attach(LOOPBACK, bpf_program__fd(dropper->progs.drop),
				   XDP_FLAGS_SKB_MODE, NULL);
	return r;
}

int lossy_sysctl(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -EIO : 0;
}
