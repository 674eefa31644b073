// SPDX-License-Identifier: Apache-2.0
// HG_ASSERT: our own invariants, checked in every build. Never for bytes from network, REST or disk: those
// are counted and refused. A failed assertion ends the process at once; its supervisor starts it again, which
// is safer than a balancer that goes on with a broken table.
#pragma once

#include <cstdio>
#include <cstdlib>

#define HG_ASSERT(condition)                                                                 \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
