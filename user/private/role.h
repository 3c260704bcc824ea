/* SPDX-License-Identifier: BSD-2-Clause */
/* The control thread of a private proxy. */
#pragma once

struct role_ops;

extern const struct role_ops role_private;
