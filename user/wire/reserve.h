/* SPDX-License-Identifier: BSD-2-Clause */
/* reserveConnections: what both proxies know about it. */
#pragma once

#define RESERVE_MAX 64 /* tokens in one call */
