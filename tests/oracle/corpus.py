# SPDX-License-Identifier: Apache-2.0
"""The packets, from a seed: strands of what one peer sends, woven into one stream a port. A strand's flights are at least a
burst apart, as an answer and what follows it are: what is in one burst is decided in two passes, and none of a flow's
packets waits for another there. The frames of one flight follow each other at once.
"""
import random
from dataclasses import dataclass

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_Router_Alert, IPOption_RR
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                                ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded, IPv6)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

import agreed
import wire
from layers import build
from setting import LOCALS, MACHINES, VIPS

CLIENT_MAC = bytes([2, 0, 0, 0, 0, 2])
HOST_MAC = bytes([2, 0, 0, 0, 0, 1])

# The table of "every packet right", row by row: what makes a strand of it, by the uplink and by the host port, and how many
# such strands a run has.
ROWS = {
    "flows": (("connection", 60), ("datagrams", 40), ("answer", 50)),
    "IPv4 options, IPv6 extension headers": (("options", 50), ("bad_extensions", 8)),
    "fragments, any order": (("fragments", 60), ("answer_fragments", 25)),
    "ICMP errors": (("error_to_vip", 90), ("error_from_machine", 40)),
    "would not fit after encapsulation": (("too_big", 70),),
    "ICMP echo to a VIP": (("echo", 10),),
    "TTL/hop limit": (("last_hop", 45),),
    "DSCP, ECN": (("traffic_class", 60),),
    "malformed, truncated, bad checksum": (("damaged", 140), ("damaged_answer", 60)),
    "spoofed source, local address": (("spoofed", 25),),
    "unknown port on a VIP": (("unknown_port", 25),),
    "everything else": (("kernel_traffic", 90), ("machine_traffic", 60), ("flooded", 20)),
}
FROM_HOST = {"answer", "answer_fragments", "error_from_machine", "damaged_answer", "machine_traffic"}


@dataclass
class Sent:
    frame: bytes
    row: str
    what: str  # of the row


class Corpus:
    def __init__(self, setting, seed):
        self.setting = setting
        self.random = random.Random(seed)
        self.port = 1024
        self.fragmented = 0

    def run(self):
        """One run's packets: by the uplink, by the host port."""
        self.fragmented = 0
        strands = {"uplink": [], "host": []}
        for row, makers in ROWS.items():
            for what, count in makers:
                for _ in range(count):
                    flights = [[Sent(frame, row, what) for frame in flight] for flight in getattr(self, what)()]
                    strands["host" if what in FROM_HOST else "uplink"].append([flight for flight in flights if flight])
        return self._weave(strands["uplink"], self.kernel_traffic), self._weave(strands["host"], self.machine_traffic)

    def _weave(self, strands, filler):
        stream = []
        waiting = [[0, strand] for strand in strands if strand]
        while waiting:
            ready = [entry for entry in waiting if entry[0] <= len(stream)]
            if not ready:
                stream.append(Sent(filler()[0][0], "everything else", filler.__name__))  # while all wait
                continue
            entry = self.random.choice(ready)
            stream += entry[1].pop(0)
            entry[0] = len(stream) + agreed.BURST
            if not entry[1]:
                waiting.remove(entry)
        return stream

    # --- parts

    def _listener(self, protocol=None, forwarding=None, is_v6=None):
        return self.random.choice([of for of in self.setting.listeners
                                   if protocol in (None, of.protocol) and (forwarding is None or of.forwarding in forwarding)
                                   and is_v6 in (None, of.is_v6)])

    def _client(self, is_v6):
        """An address and a port that no other strand has."""
        self.port = self.port + 1 if self.port < 65535 else 1024
        host = self.random.randrange(1, 255)
        return (f"2001:db8:c::{host:x}" if is_v6 else f"198.51.100.{host}"), self.port

    def _payload(self, longest=600):
        return self.random.randbytes(self.random.choice([0, 1, 2, 7, 40, self.random.randrange(longest + 1)]))

    def _ip(self, source, destination, hops=None, tos=None, dont_fragment=None, options=False):
        pick = self.random
        hops = hops if hops is not None else pick.choice([2, 3, 64, 128, 255])
        tos = tos if tos is not None else pick.choice([0, 0, pick.randrange(256)])
        if ":" in destination:
            return IPv6(src=source, dst=destination, hlim=hops, tc=tos, fl=pick.randrange(2**20))
        if dont_fragment is None:
            dont_fragment = pick.random() < 0.7
        chosen = []
        if options:
            chosen = [pick.choice([IPOption_NOP(), IPOption_Router_Alert(), IPOption_RR(routers=["192.0.2.1", "0.0.0.0"])])
                      for _ in range(pick.randrange(1, 4))]
        return IP(src=source, dst=destination, ttl=hops, tos=tos, id=pick.randrange(2**16),
                  flags="DF" if dont_fragment else 0, options=chosen)

    def _frame(self, layers, to=agreed.UPLINK_MAC, by=CLIENT_MAC):
        return build(Ether(dst=to, src=by), *layers)

    def _tcp(self, source, destination, flags="A", payload=b"", **ip):
        header = TCP(sport=source[1], dport=destination[1], flags=flags, seq=self.random.randrange(2**32),
                     ack=self.random.randrange(2**32) if "A" in flags else 0, window=self.random.randrange(2**16))
        if "S" in flags:
            header.options = [("MSS", 1460), ("SAckOK", b""), ("WScale", 7)]
        return self._ip(source[0], destination[0], **ip), header, Raw(payload)

    def _udp(self, source, destination, payload=b"", **ip):
        return self._ip(source[0], destination[0], **ip), UDP(sport=source[1], dport=destination[1]), Raw(payload)

    def _to(self, listener, client, payload=None, flags="A", **ip):
        """A frame of a client's to a listener."""
        payload = self._payload() if payload is None else payload
        to = (listener.address, listener.port)
        is_udp = listener.protocol == wire.UDP
        return self._frame(self._udp(client, to, payload, **ip) if is_udp else self._tcp(client, to, flags, payload, **ip))

    def _varied(self, frame):
        """Sometimes as a kernel sibling leaves it, sometimes padded."""
        if self.random.random() < 0.3:
            frame = self._partial(frame)
        if self.random.random() < 0.3:
            frame += bytes(self.random.randrange(1, 20))
        return frame

    # What is to be done to the finished bytes, where the transport header is.
    def _partial(self, frame):
        packet = wire.parse(frame)
        at = packet.checksum_at()
        pseudo, _ = packet.summed()
        return frame[:at] + (wire.checksum(pseudo) ^ 0xffff).to_bytes(2, "big") + frame[at + 2:]

    def _with_checksum(self, frame, value):
        at = wire.parse(frame).checksum_at()
        return frame[:at] + value + frame[at + 2:]

    def _with_ip_bytes(self, frame, at, new):
        """An IPv4 header changed, its checksum right again; an IPv6 header changed."""
        frame = frame[:14 + at] + new + frame[14 + at + len(new):]
        if frame[12:14] == b"\x08\x00":
            header_bytes = max((frame[14] & 15) * 4, 20)
            blank = frame[14:24] + bytes(2) + frame[26:14 + header_bytes]
            frame = frame[:24] + wire.checksum(blank).to_bytes(2, "big") + frame[26:]
        return frame

    def _with_extensions(self, frame, extensions):
        """Extension headers (protocol, bytes whose first is to be the next header) put in front of what is there."""
        chain = b""
        following = [protocol for protocol, _ in extensions[1:]] + [frame[20]]
        for (_, header), protocol in zip(extensions, following):
            chain += bytes([protocol]) + header[1:]
        length = int.from_bytes(frame[18:20], "big") + len(chain)
        return frame[:18] + length.to_bytes(2, "big") + bytes([extensions[0][0]]) + frame[21:54] + chain + frame[54:]

    def _extension(self):
        pick = self.random
        protocol = pick.choice([wire.HOP_BY_HOP, wire.DESTINATION, wire.ROUTING, wire.AUTHENTICATION, wire.FRAGMENT])
        units = pick.randrange(3)
        if protocol == wire.ROUTING:  # all its hops are behind it
            return protocol, bytes([0, 2 * units, 2, 0]) + bytes(4 + 16 * units)
        if protocol == wire.AUTHENTICATION:
            return protocol, bytes([0, 4 + 2 * units]) + bytes(22 + 8 * units)
        if protocol == wire.FRAGMENT:  # atomic: RFC 6946
            return protocol, bytes(4) + pick.randbytes(4)
        return protocol, bytes([0, units, 1, 4 + 8 * units]) + bytes(4 + 8 * units)

    def _split(self, frame, sizes):
        """Fragments of a frame, whose payloads have those sizes in units of eight bytes, and the rest."""
        packet = wire.parse(frame)
        id_ = self.random.randbytes(4)
        header, body = frame[14:packet.at], frame[packet.at:packet.end]
        cuts = [0]
        for size in sizes:
            if cuts[-1] + 8 * size < len(body):
                cuts.append(cuts[-1] + 8 * size)
        fragments = []
        for start, end in zip(cuts, cuts[1:] + [len(body)]):
            more = end != len(body)
            if packet.version == 4:
                whole = frame[:14] + header + body[start:end]
                whole = self._with_ip_bytes(whole, 2, (len(header) + end - start).to_bytes(2, "big"))
                whole = self._with_ip_bytes(whole, 4, id_[:2] + (start // 8 | (0x2000 if more else 0)).to_bytes(2, "big"))
            else:
                extension = bytes([0, 0]) + (start | more).to_bytes(2, "big") + id_
                whole = frame[:18] + (end - start).to_bytes(2, "big") + frame[20:54] + body[start:end]
                whole = self._with_extensions(whole, [(wire.FRAGMENT, extension)])
            fragments.append(whole)
        self.fragmented += 1
        return fragments

    # --- flows

    def connection(self):
        listener = self._listener(wire.TCP)
        client = self._client(listener.is_v6)
        flags = ["S"] * self.random.choice([0, 1, 1, 1, 2]) + ["A"] + ["PA"] * self.random.randrange(4)
        flags.append(self.random.choice(["FA", "R", "RA", "A"]))
        if self.random.random() < 0.2:  # the same ports again
            flags += ["S", "A", "PA"]
        if self.random.random() < 0.1:  # what no TCP sends
            flags.append(self.random.choice(["SA", "FS", "", "FPU", "SR", "SEC"]))
        return [[self._varied(self._to(listener, client, b"" if "S" in each else None, each))] for each in flags]

    def datagrams(self):
        listener = self._listener(wire.UDP)
        client = self._client(listener.is_v6)
        flights = []
        for _ in range(self.random.randrange(1, 6)):
            frame = self._to(listener, client)
            unusual = self.random.random()
            if unusual < 0.15:  # RFC 768: no checksum
                frame = self._with_checksum(frame, bytes(2))
            elif unusual < 0.3:  # RFC 9868: the packet is longer than its datagram
                frame = self._with_surplus(frame)
            flights.append([self._varied(frame) if unusual > 0.15 else frame])
        return flights

    def _with_surplus(self, frame):
        surplus = self.random.randbytes(self.random.randrange(1, 12))
        at = 2 if frame[12:14] == b"\x08\x00" else 4
        length = int.from_bytes(frame[14 + at:16 + at], "big") + len(surplus)
        return self._with_ip_bytes(frame + surplus, at, length.to_bytes(2, "big"))

    def _replica(self):
        return self.random.choice(list(self.setting.replicas.values()))

    def _answer(self, payload=None, **ip):
        replica = self._replica()
        client = self._client(replica.listener.is_v6)
        flags = self.random.choice(["SA", "A", "PA", "FA", "R"])
        payload = self._payload() if payload is None else payload
        packet = self._tcp((replica.address, replica.port), client, flags, payload, **ip)
        return self._frame(packet, CLIENT_MAC, agreed.UPLINK_MAC)

    def answer(self):
        return [[self._varied(self._answer(options=self.random.random() < 0.1))] for _ in range(self.random.randrange(1, 4))]

    # --- options and extension headers

    def options(self):
        listener = self._listener()
        client = self._client(listener.is_v6)
        flights = []
        for flags in ("S", "A", "PA"):
            frame = self._to(listener, client, flags=flags, options=True)
            if listener.is_v6:
                frame = self._with_extensions(frame, [self._extension() for _ in range(self.random.randrange(1, 5))])
            flights.append([frame])
        return flights

    def bad_extensions(self):
        """Too many, cut, or on the way to another destination; for a VIP and for the machine."""
        pad = (wire.DESTINATION, bytes([0, 0, 1, 4]) + bytes(4))
        way = (wire.ROUTING, bytes([0, 2, 4, 1]) + bytes(20))
        flights = []
        listener = self._listener(is_v6=True)
        for destination in (listener.address, MACHINES[1]):
            frame = self._frame(self._tcp(self._client(True), (destination, listener.port), payload=b"whole"))
            flights.append([self._with_extensions(frame, [pad] * 8)])
            flights.append([self._with_extensions(frame, [pad] * 9)])
            flights.append([self._with_extensions(frame, [pad, way])])
            long = self._with_extensions(frame, [(wire.DESTINATION, bytes([0, 200]) + bytes(6))])
            flights.append([long])
            short = self._with_ip_bytes(frame[:54] + bytes([6, 0, 0, 0]), 4, bytes([0, 4, wire.HOP_BY_HOP]))
            flights.append([short])
        return flights

    # --- fragments

    def _shuffled(self, fragments):
        """In order, the first behind others, or without it."""
        order = self.random.random()
        if order < 0.25:
            self.random.shuffle(fragments)
        elif order < 0.35:
            fragments = fragments[1:]
        elif order < 0.45:
            fragments = fragments[:1] + fragments[:0:-1]
        return fragments

    def _sizes(self):
        return [self.random.randrange(1, 30) for _ in range(self.random.randrange(1, 5))]

    def fragments(self):
        listener = self._listener()
        address = self.random.choice([listener.address] * 5 + [MACHINES[listener.is_v6]])
        port = self.random.choice([listener.port] * 5 + [9])
        client = self._client(listener.is_v6)
        payload = self.random.randbytes(self.random.randrange(40, 1000))
        make = self._udp if listener.protocol == wire.UDP else self._tcp
        fragments = self._split(self._frame(make(client, (address, port), payload=payload, dont_fragment=False)), self._sizes())
        fragments = self._shuffled(fragments)
        # At once, or with a round trip's others between them.
        return [fragments] if self.random.random() < 0.5 else [[each] for each in fragments]

    def answer_fragments(self):
        frame = self._answer(self.random.randbytes(500), dont_fragment=False)
        return [self._shuffled(self._split(frame, self._sizes()))]

    # --- ICMP errors

    def _error(self, source, destination, quoted, length=None, **ip):
        quote = build(*quoted)[:length]
        if ":" in destination:
            kinds = [lambda: ICMPv6DestUnreach(code=4), lambda: ICMPv6PacketTooBig(mtu=1280), ICMPv6TimeExceeded,
                     lambda: ICMPv6ParamProblem(ptr=6)]
        else:
            kinds = [lambda: ICMP(type=3, code=1), lambda: ICMP(type=3, code=4, nexthopmtu=1400), lambda: ICMP(type=11),
                     lambda: ICMP(type=12, ptr=8), lambda: ICMP(type=4), lambda: ICMP(type=5, code=1, gw="192.0.2.1")]
        return self._ip(source, destination, **ip), self.random.choice(kinds)(), Raw(quote)

    def _quoted(self, listener, client, **ip):
        """What the listener has sent to the client."""
        make = self._udp if listener.protocol == wire.UDP else self._tcp
        return make((listener.address, listener.port), client, payload=self._payload(200), **ip)

    def error_to_vip(self):
        listener = self._listener()
        client = self._client(listener.is_v6)
        router, _ = self._client(listener.is_v6)
        header_bytes = 40 if listener.is_v6 else 20
        length = self.random.choice([None, None, header_bytes + 8, header_bytes + 18, header_bytes + 17, header_bytes + 20])
        quoted = self._quoted(listener, client)
        unusual = self.random.random()
        if unusual < 0.07:  # of nobody's
            quoted = self._udp((listener.address, 9), client, b"x")
        elif unusual < 0.14:  # of another's
            quoted = self._tcp((MACHINES[listener.is_v6], 80), client, payload=b"x")
        elif unusual < 0.2:  # too little of it
            length = header_bytes + self.random.choice([-1, 0, 3])
        elif unusual < 0.26 and not listener.is_v6:
            quoted = self._quoted(listener, client, options=True)
        elif unusual < 0.3 and not listener.is_v6:  # not its first fragment
            quoted[0].frag = 5
        frame = self._frame(self._error(router, listener.address, quoted, length, tos=0))
        if unusual > 0.95:
            frame = self._with_checksum(frame, self.random.randbytes(2))
        elif unusual > 0.92:
            return [self._split(frame, [3])]
        flights = [[frame]]
        if self.random.random() < 0.5:  # of a flow that has been seen before
            flights.insert(0, [self._to(listener, client, flags="S")])
        return flights

    def error_from_machine(self):
        replica = self._replica()
        client = self._client(replica.listener.is_v6)
        machine = self.random.choice([replica.address, MACHINES[replica.listener.is_v6]])
        port = self.random.choice([replica.port] * 5 + [9])
        quoted = self._tcp(client, (replica.address, port), payload=self._payload(200))
        header_bytes = 40 if replica.listener.is_v6 else 20
        length = self.random.choice([None, header_bytes + 8, header_bytes + 18, header_bytes + 3])
        frame = self._frame(self._error(machine, client[0], quoted, length), CLIENT_MAC, agreed.UPLINK_MAC)
        return [[frame if self.random.random() > 0.1 else self._with_checksum(frame, self.random.randbytes(2))]]

    # --- what cannot be forwarded

    def too_big(self):
        """About as long as what the way to the target takes, and a little less or more."""
        listener = self._listener(forwarding=("dsr", "ipip", "gue", "vxlan"))
        client = self._client(listener.is_v6)
        headers = (40 if listener.is_v6 else 20) + (8 if listener.protocol == wire.UDP else 20)
        packet_bytes = 1500 - self.random.choice([0, 0, 20, 32, 40, 50, 52, 70]) + self.random.choice([-8, -1, 0, 1, 8])
        frame = self._to(listener, client, self.random.randbytes(packet_bytes - headers),
                         dont_fragment=self.random.random() < 0.6)
        if self.random.random() < 0.15:
            return [self._split(frame, [180])]
        return [[frame]]

    def last_hop(self):
        listener = self._listener()
        hops = self.random.choice([0, 1, 1, 1, 2])
        client = self._client(listener.is_v6)
        kind = self.random.random()
        if kind < 0.1:
            return [[self._frame(self._error(client[0], listener.address, self._quoted(listener, client), hops=hops))]]
        if kind < 0.2:
            return [self._split(self._to(listener, client, bytes(300), hops=hops, dont_fragment=False), [20])]
        if kind < 0.3:  # who must not be answered
            client = (self.random.choice(["ff02::1", "::"] if listener.is_v6 else
                                         ["224.0.0.1", "0.0.0.0", "127.0.0.1", "255.255.255.255"]), client[1])
        length = 1480 if self.random.random() < 0.15 else None  # too long besides
        return [[self._to(listener, client, length and bytes(length - 60), hops=hops, flags=self.random.choice(["S", "A"]))]]

    def traffic_class(self):
        listener = self._listener(forwarding=("dsr", "local", "ipip", "gue", "vxlan"))
        client = self._client(listener.is_v6)
        dscp = self.random.randrange(64)
        return [[self._to(listener, client, tos=dscp << 2 | ecn)] for ecn in range(4)]

    # --- damage

    def _damage(self, frame):
        pick = self.random
        packet = wire.parse(frame)
        kind = pick.randrange(8)
        if kind == 0:  # any bytes of the headers
            damaged = bytearray(frame)
            for _ in range(pick.randrange(1, 4)):
                damaged[pick.randrange(min(len(damaged), 90))] ^= 1 << pick.randrange(8)
            return bytes(damaged)
        if kind == 1:  # cut anywhere
            return frame[:pick.randrange(1, len(frame))]
        if kind == 2:
            return self._with_checksum(frame, pick.randbytes(2))
        if kind == 3:  # an IP header that is wrong, its checksum right where it has one
            at, length = pick.choice([(0, 1), (2, 2), (4, 2), (6, 2)])
            return self._with_ip_bytes(frame, at, pick.randbytes(length))
        if kind == 4:  # a datagram or segment shorter than its header
            end = packet.at + pick.randrange(20)
            length = end - (14 if packet.version == 4 else 54)
            return self._with_ip_bytes(frame[:end], 2 if packet.version == 4 else 4, length.to_bytes(2, "big"))
        if kind == 5 and packet.protocol == wire.TCP:  # a data offset of any length
            return frame[:packet.at + 12] + bytes([pick.randrange(256)]) + frame[packet.at + 13:]
        if kind == 5:  # a datagram's length
            return frame[:packet.at + 4] + pick.choice([bytes([0, 7]), bytes([255, 0]), bytes(2)]) + frame[packet.at + 6:]
        if kind == 6 and packet.version == 4:
            return frame[:24] + pick.randbytes(2) + frame[26:]
        # Longer than what a port takes in one piece; it is judged by that piece first, and an error would be counted.
        if pick.random() < 0.3 and packet.has_ports():
            return frame + bytes(agreed.FRAME_BYTES_MAX - len(frame) + pick.randrange(1, 200))
        return frame[:pick.randrange(1, 14)]

    def damaged(self):
        listener = self._listener()
        client = self._client(listener.is_v6)
        kind = self.random.random()
        if kind < 0.15:
            frame = self._frame(self._error(client[0], listener.address, self._quoted(listener, client)))
        elif kind < 0.25 and listener.is_v6:
            frame = self._with_extensions(self._to(listener, client), [self._extension() for _ in range(3)])
        else:
            frame = self._to(listener, client, options=kind > 0.9)
        return [[self._damage(frame)]]

    def damaged_answer(self):
        return [[self._damage(self._answer())]]

    def spoofed(self):
        listener = self._listener()
        port = self._client(listener.is_v6)[1]
        to = (listener.address, listener.port)
        kind = self.random.randrange(5)
        if kind == 0:
            packet = self._tcp((self.random.choice([VIPS, LOCALS])[listener.is_v6], port), to)
        elif kind == 1:
            packet = self._tcp((VIPS[listener.is_v6], port), (MACHINES[listener.is_v6], 22))
        elif kind == 2:
            replica = self._replica()
            packet = self._tcp(self._client(replica.listener.is_v6), (replica.address, replica.port), "S")
        elif kind == 3:
            packet = self._udp(self._client(listener.is_v6), (LOCALS[listener.is_v6], 53), b"x")
        else:
            packet = (self._ip(self._client(listener.is_v6)[0], LOCALS[listener.is_v6]),
                      ICMPv6EchoRequest() if listener.is_v6 else ICMP())
        return [[self._frame(packet)]]

    # --- the kernel's

    def echo(self):
        is_v6 = self.random.random() < 0.5
        client = self._client(is_v6)[0]
        echo = ICMPv6EchoRequest() if is_v6 else ICMP()
        return [[self._frame([self._ip(client, VIPS[is_v6]), echo, Raw(b"ping")])]]

    def unknown_port(self):
        """Nobody's port, or the other protocol's."""
        is_v6 = self.random.random() < 0.5
        client = self._client(is_v6)
        make, port = self.random.choice([(self._tcp, 22), (self._tcp, 53), (self._udp, 443), (self._udp, 9)])
        return [[self._varied(self._frame(make(client, (VIPS[is_v6], port))))]]

    def _kernel_packet(self, source, destination, is_v6):
        """What is none of ours, from one machine to another."""
        pick = self.random
        makers = [lambda: self._tcp(source, destination, "PA", self._payload()),
                  lambda: self._tcp(source, (destination[0], 179), "A", b"bgp"),
                  lambda: self._udp(source, destination, self._payload()),
                  lambda: self._udp(source, (destination[0], 123), b"ntp"),
                  lambda: self._other_protocol(source[0], destination[0])]
        if is_v6:
            makers += [lambda: (self._ip(source[0], destination[0]), ICMPv6EchoRequest(data=b"ping")),
                       lambda: (IPv6(src=source[0], dst="ff02::1:ff00:100", hlim=255), ICMPv6ND_NS(tgt=VIPS[1])),
                       lambda: (IPv6(src=VIPS[1], dst="ff02::1", hlim=255), ICMPv6ND_NA(tgt=VIPS[1])),
                       lambda: (IPv6(src="fe80::1", dst="ff02::1", hlim=255), ICMPv6ND_RA())]
        else:
            makers.append(lambda: (self._ip(source[0], destination[0]), ICMP(), Raw(b"ping")))
        return pick.choice(makers)()

    def _other_protocol(self, source, destination):
        packet = self._ip(source, destination)
        setattr(packet, "nh" if packet.version == 6 else "proto", self.random.choice([47, 50, 59, 89, 112, 132]))
        return packet, Raw(b"what is not looked into")

    def _not_ip(self):
        pick = self.random
        type_, make = pick.choice([
            (wire.ARP, lambda: build(ARP(op=1, psrc="192.0.2.1", pdst=VIPS[0])) + bytes(18)),
            (wire.ARP, lambda: build(ARP(op=2, psrc=VIPS[0], pdst=VIPS[0]))),
            (wire.ARP, lambda: b""),
            (0x88CC, lambda: pick.randbytes(40)),
            (0x888E, lambda: pick.randbytes(10)),
            (0x0026, lambda: pick.randbytes(38)),  # a length: 802.3
            # A VLAN's are not for us, whatever is in them.
            (0x8100, lambda: bytes([0, 7]) + self._to(self._listener(is_v6=False), self._client(False))[12:]),
        ])
        return type_.to_bytes(2, "big") + make()

    def kernel_traffic(self):
        pick = self.random
        if pick.random() < 0.3:
            return [[pick.choice([agreed.UPLINK_MAC, b"\xff" * 6]) + CLIENT_MAC + self._not_ip()]]
        is_v6 = pick.random() < 0.5
        frame = self._frame(self._kernel_packet(self._client(is_v6), (MACHINES[is_v6], 22), is_v6))
        if wire.parse(frame).has_ports():
            frame = self._varied(frame)
            if pick.random() < 0.1:  # for the kernel to judge
                frame = self._with_checksum(frame, pick.randbytes(2))
        return [[frame]]

    def machine_traffic(self):
        pick = self.random
        if pick.random() < 0.2:
            return [[CLIENT_MAC + HOST_MAC + self._not_ip()]]
        is_v6 = pick.random() < 0.5
        # Of the replicas' address nothing leaves but what a replica sends from a port of its own.
        source = pick.choice([MACHINES, MACHINES, VIPS, LOCALS])[is_v6]
        frame = self._frame(self._kernel_packet((source, 22), self._client(is_v6), is_v6), CLIENT_MAC, HOST_MAC)
        return [[self._varied(frame) if wire.parse(frame).has_ports() else frame]]

    def flooded(self):
        """To another neighbour, by a switch that does not know where he is."""
        listener = self._listener(forwarding=("dsr", "ipip", "gue", "vxlan"))
        client = self._client(listener.is_v6)
        to = (listener.address, listener.port)
        make = self._udp if listener.protocol == wire.UDP else self._tcp
        return [[self._frame(make(client, to), bytes([2, 0, 0, 0, 9, self.random.randrange(256)]))]]
