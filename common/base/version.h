/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#define PASSAGE_VERSION "0.2.0-dev"
