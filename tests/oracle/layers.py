# SPDX-License-Identifier: Apache-2.0
"""Layers of scapy's, built one on the other. Its operator / copies all that is below each time, and its build() copies each
layer again, as a field may stand for several values; none of ours does.
"""


def build(*layers):
    for lower, upper in zip(layers, layers[1:]):
        lower.add_payload(upper)
    for layer in layers:
        layer.explicit = 1
    return bytes(layers[0])
