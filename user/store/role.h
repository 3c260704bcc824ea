/* SPDX-License-Identifier: BSD-2-Clause */
/* The two kinds of proxy. A store belongs to one of them, and says to which. */
#pragma once

enum proxy_role {
	ROLE_PUBLIC,
	ROLE_PRIVATE,
};
