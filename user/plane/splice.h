/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splice() through a pipe, which the worker lends only while bytes are in it;
 * by copying while no pipe is to be had.
 */
#pragma once

#include "user/plane/path.h"

extern const struct path_ops splice_path;
