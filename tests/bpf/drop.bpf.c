// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0)
/* Loses packets at random, for kernels that have no netem. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

const volatile __u32 per_thousand = 0;

SEC("xdp")
int drop(struct xdp_md *context)
{
	(void)context;
	return bpf_get_prandom_u32() % 1000 < per_thousand ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
