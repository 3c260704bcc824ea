/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of type `file`, which is the originals'. Their file is read once
 * and left as it is, so that the way back to them stays open; what changes from
 * then on is kept in a SQLite file beside it.
 */
#pragma once

#include "user/store/store.h"

extern const struct store_ops originals_file_store_ops;
