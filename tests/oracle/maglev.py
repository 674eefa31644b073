# SPDX-License-Identifier: Apache-2.0
"""Maglev's look-up table, as section 3.4 of the paper populates it (Eisenbud et al., NSDI 2016)."""
import functools

import agreed


@functools.cache
def populate(weights):
    """The position of a target by slot. `weights`: (name, weight) in the order of the names; none has one: no slots.

    The paper has weights "by altering the relative frequency of the backends' turns": a target of the largest weight has
    one in every round, another as soon as its weights of the rounds make up the largest.
    """
    heaviest = max((weight for _, weight in weights), default=0)
    if heaviest == 0:
        return []
    size = agreed.maglev_size(len(weights))
    offsets = [agreed.maglev_offset_hash(name) % size for name, _ in weights]
    skips = [agreed.maglev_skip_hash(name) % (size - 1) + 1 for name, _ in weights]
    entry = [None] * size
    following = [0] * len(weights)
    due = [0] * len(weights)
    filled = 0
    while True:
        for i, (_, weight) in enumerate(weights):
            due[i] += weight
            if due[i] < heaviest:
                continue
            due[i] -= heaviest
            while True:
                candidate = (offsets[i] + following[i] * skips[i]) % size
                following[i] += 1
                if entry[candidate] is None:
                    break
            entry[candidate] = i
            filled += 1
            if filled == size:
                return entry
