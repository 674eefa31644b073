# SPDX-License-Identifier: Apache-2.0
"""What the model takes over from headgate-l4, because no RFC says it and the Maglev paper leaves it open. Nothing else of
the product is known to the model; whoever changes one of these changes it here too, and on purpose.
"""
import xxhash

# A flow's hash is XXH3 of its addresses, ports, protocol and three zero bytes. Every node and every release must choose
# alike, so the seed is a constant of the product (dataplane/l4/flow_hash.hpp).
FLOW_SEED = 0x6865616467617465


def flow_hash(src, dst, src_port, dst_port, protocol):
    ports = src_port.to_bytes(2, "big") + dst_port.to_bytes(2, "big")
    return xxhash.xxh3_64_intdigest(src + dst + ports + bytes([protocol, 0, 0, 0]), FLOW_SEED)


# Maglev's h1 and h2 over a target's name: the paper wants two independent hash functions, and says no more.
def maglev_offset_hash(name):
    return xxhash.xxh3_64_intdigest(name.encode(), 1)


def maglev_skip_hash(name):
    return xxhash.xxh3_64_intdigest(name.encode(), 2)


# The table's size, a prime, of at least 100 slots a target: the smaller one for up to 64 targets.
def maglev_size(targets):
    return 16381 if targets <= 64 else 65537


# The paper takes the hash modulo the size; a multiplication of its upper half does the same without a division.
def maglev_slot(hash_, size):
    return (hash_ >> 32) * size >> 32


# A target without a way to it is stepped around in an order of the flow's own, so that all who remain share its flows:
# so many further hashes, each made of the one before by a linear congruence.
STEPS = 16


def steps(hash_):
    for _ in range(STEPS):
        hash_ = (hash_ * 0xd1342543de82ef95 + 0x9e3779b97f4a7c15) % 2**64
        yield hash_ ^ hash_ >> 29


# The hops of packets that we make ourselves: RFC 1700's default.
HOPS = 64
# A tunnel's source port tells flows apart (RFC 7348 section 5 wants a hash, in the dynamic range): its lower 14 bits.
def tunnel_port(hash_):
    return 49152 + hash_ % 2**14


# More extension headers are nobody's in earnest (RFC 8504 section 5.3 allows a bound, and 8 as one).
EXTENSION_HEADERS_MAX = 8

# How the process takes packets from its ports: bursts in turns, the uplink's first. The ports' states are apart, so this
# decides nothing but the order of what leaves by one port and came by both.
BURST = 32
# What an offline run has for a frame: net_pcap has the rest in a second segment, which no port of ours makes.
FRAME_BYTES_MAX = 2048
# net_pcap's own address of its first port, and the MTU where no kernel tells it.
UPLINK_MAC = bytes([2]) + b"pcap" + bytes([0])
MTU_BYTES = 1500

# What a run may do at once, however quick: a tenth of a second's worth of each limit (dataplane/core/limits.hpp). The
# corpus stays below, so that no outcome depends on the time.
ICMP_ANSWERS_AT_ONCE = 100
HOST_FRAMES_AT_ONCE = 1000  # of each class, and so of all
# Packets whose fragments are under way at once: remembered in 1024 sets of four, so of few no set gets a fifth.
FRAGMENTED_AT_ONCE = 200
