# SPDX-License-Identifier: Apache-2.0
"""A frame's headers as the RFCs have them, over its bytes: Ethernet, IPv4 (791), IPv6 (8200), and what is behind them."""
from dataclasses import dataclass

from scapy.utils import checksum

import agreed

ETHERNET_BYTES = 14
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
HOP_BY_HOP, ICMP, TCP, UDP, ROUTING, FRAGMENT, AUTHENTICATION, ICMPV6, DESTINATION = 0, 1, 6, 17, 43, 44, 51, 58, 60
EXTENSIONS = {HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION}
FIN, SYN, RST, ACK = 1, 2, 4, 16


class Malformed(Exception):
    """Wrong for whomever it is: the reason."""


@dataclass
class Packet:
    """Where the headers of an IP packet lie in its frame. A packet of ARP or of no protocol of ours has no version."""
    frame: bytes
    version: int = None
    protocol: int = None
    src: bytes = b""
    dst: bytes = b""
    ip_at: int = ETHERNET_BYTES
    at: int = 0  # the transport header
    end: int = 0  # of the packet; the frame may go on
    fragment: tuple = None  # what tells the packet it is of from others
    is_later: bool = False  # a fragment, not the first: there is no transport header
    is_opaque: bool = False  # its transport header is not reached
    fault: str = None  # where it would have to be understood

    def word(self, at):
        return int.from_bytes(self.frame[at:at + 2], "big")

    @property
    def src_port(self):
        return self.word(self.at)

    @property
    def dst_port(self):
        return self.word(self.at + 2)

    @property
    def flags(self):
        return self.frame[self.at + 13]

    @property
    def hops(self):
        return self.frame[self.ip_at + (8 if self.version == 4 else 7)]

    @property
    def traffic_class(self):
        if self.version == 4:
            return self.frame[self.ip_at + 1]
        return self.word(self.ip_at) >> 4 & 0xff

    def may_be_fragmented(self):
        return self.version == 4 and not self.word(self.ip_at + 6) & 0x4000

    def carries(self, *protocols):
        return not self.is_later and not self.is_opaque and self.protocol in protocols

    def has_ports(self):
        return self.carries(TCP, UDP) and not self.fault

    def _icmp_type(self):
        return self.frame[self.at] if self.carries(ICMP if self.version == 4 else ICMPV6) and not self.fault else None

    def is_icmp_error(self):
        if self.version == 4:  # RFC 792, 1122 section 3.2.2
            return self._icmp_type() in (3, 4, 5, 11, 12)
        return self._icmp_type() in range(1, 128)  # RFC 4443 section 2.1

    def is_neighbour_discovery(self):  # RFC 4861
        return self.version == 6 and self._icmp_type() in range(133, 138)

    # --- checksums

    def _pseudo_header(self, length):
        if self.version == 4:
            return self.src + self.dst + bytes([0, self.protocol]) + length.to_bytes(2, "big")
        return self.src + self.dst + length.to_bytes(4, "big") + bytes([0, 0, 0, self.protocol])

    def checksum_at(self):
        return self.at + {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}[self.protocol]

    def summed(self):
        length = self.word(self.at + 4) if self.protocol == UDP else self.end - self.at
        pseudo = b"" if self.protocol == ICMP else self._pseudo_header(length)
        return pseudo, self.frame[self.at:self.at + length]

    def is_right(self):
        """Whether the transport's checksum is: RFC 768's "none" is right over IPv4 alone (RFC 8200 section 8.1)."""
        if self.protocol == UDP and self.version == 4 and self.word(self.checksum_at()) == 0:
            return True
        return checksum(b"".join(self.summed())) == 0

    def is_partial(self):
        """Whether a kernel has left the sum of the pseudo-header for a NIC to finish."""
        return self.word(self.checksum_at()) == checksum(self.summed()[0]) ^ 0xffff

    def with_right_checksum(self):
        at = self.checksum_at()
        blank = parse(self.frame[:at] + bytes(2) + self.frame[at + 2:])
        right = checksum(b"".join(blank.summed()))
        if right == 0 and self.protocol == UDP:
            right = 0xffff
        return parse(self.frame[:at] + right.to_bytes(2, "big") + self.frame[at + 2:])


def carried(field, before, after):
    """A checksum that has covered `before` and covers `after`, as right or as wrong as it was (RFC 1624 equation 3)."""
    total = field ^ 0xffff
    for at in range(0, len(before), 2):
        total += (int.from_bytes(before[at:at + 2], "big") ^ 0xffff) + int.from_bytes(after[at:at + 2], "big")
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def parse(frame):
    if len(frame) < ETHERNET_BYTES:
        raise Malformed("frame_too_short")
    ether_type = int.from_bytes(frame[12:14], "big")
    if ether_type == IPV4:
        packet = _parse_ipv4(frame)
    elif ether_type == IPV6:
        packet = _parse_ipv6(frame)
    else:
        return Packet(frame)
    if not packet.is_later and not packet.is_opaque and not packet.fault:
        packet.fault = _transport_fault(packet)
    return packet


def _parse_ipv4(frame):
    ip = frame[ETHERNET_BYTES:]
    if len(ip) < 20 or ip[0] >> 4 != 4:
        raise Malformed("ip_header_invalid")
    header_bytes = (ip[0] & 15) * 4
    total_bytes = int.from_bytes(ip[2:4], "big")
    if header_bytes < 20 or not header_bytes <= total_bytes <= len(ip):
        raise Malformed("ip_header_invalid")
    if checksum(ip[:header_bytes]) != 0:
        raise Malformed("ip_checksum_wrong")
    packet = Packet(frame, 4, ip[9], ip[12:16], ip[16:20], at=ETHERNET_BYTES + header_bytes, end=ETHERNET_BYTES + total_bytes)
    flags_offset = int.from_bytes(ip[6:8], "big")
    if flags_offset & 0x3fff:  # more fragments, or an offset
        packet.fragment = (packet.src, packet.dst, ip[9], ip[4:6])
        packet.is_later = flags_offset & 0x1fff != 0
    return packet


def _parse_ipv6(frame):
    ip = frame[ETHERNET_BYTES:]
    if len(ip) < 40 or ip[0] >> 4 != 6 or int.from_bytes(ip[4:6], "big") > len(ip) - 40:
        raise Malformed("ip_header_invalid")
    packet = Packet(frame, 6, ip[6], ip[8:24], ip[24:40], at=ETHERNET_BYTES + 40)
    packet.end = packet.at + int.from_bytes(ip[4:6], "big")
    _step_over_extensions(packet)
    return packet


def _step_over_extensions(packet):
    for _ in range(agreed.EXTENSION_HEADERS_MAX):
        if packet.protocol not in EXTENSIONS:
            return
        header = packet.frame[packet.at:packet.end]
        if len(header) < 8:
            break
        length = 8 if packet.protocol == FRAGMENT else (header[1] + 1) * 8
        if packet.protocol == AUTHENTICATION:  # RFC 4302 section 2.2
            length = (header[1] + 2) * 4
        if length > len(header):
            break
        if packet.protocol == ROUTING and header[3] != 0:  # its last destination is another one
            packet.is_opaque = True
            return
        if packet.protocol == FRAGMENT:
            offset_more = int.from_bytes(header[2:4], "big")
            # RFC 6946: one with neither is a packet of its own.
            packet.fragment = (packet.src, packet.dst, header[4:8]) if offset_more & 0xfff9 else None
            packet.is_later = offset_more & 0xfff8 != 0
        packet.protocol = header[0]
        packet.at += length
        if packet.is_later:
            return
    if packet.protocol in EXTENSIONS:
        packet.is_opaque = True
        packet.fault = "extensions_invalid"


def _transport_fault(packet):
    transport = packet.frame[packet.at:packet.end]
    fault = "transport_truncated"
    if packet.protocol == TCP:
        if len(transport) < 20:
            return fault
        header_bytes = (transport[12] >> 4) * 4
        # Options may go on in the second fragment.
        return fault if header_bytes < 20 or (header_bytes > len(transport) and not packet.fragment) else None
    if packet.protocol == UDP:
        if len(transport) < 8:
            return fault
        length = int.from_bytes(transport[4:6], "big")
        # What is behind the datagram is not its own (RFC 9868).
        return fault if length < 8 or (length > len(transport) and not packet.fragment) else None
    if packet.protocol == (ICMP if packet.version == 4 else ICMPV6):
        return fault if len(transport) < 8 else None
    return None


def parse_quote(packet):
    """The packet that an ICMP error quotes, cut wherever it is: None where the ports of TCP or UDP are not in sight."""
    at = packet.at + 8
    quote = packet.frame[at:packet.end]
    if packet.version == 4:
        if len(quote) < 20 or quote[0] >> 4 != 4 or quote[0] & 15 < 5 or int.from_bytes(quote[6:8], "big") & 0x1fff:
            return None
        quoted = Packet(packet.frame, 4, quote[9], quote[12:16], quote[16:20], ip_at=at, at=at + (quote[0] & 15) * 4)
    else:
        if len(quote) < 40 or quote[0] >> 4 != 6:
            return None
        quoted = Packet(packet.frame, 6, quote[6], quote[8:24], quote[24:40], ip_at=at, at=at + 40)
    quoted.end = packet.end
    return quoted if quoted.protocol in (TCP, UDP) and quoted.at + 4 <= quoted.end else None
