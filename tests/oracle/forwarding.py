# SPDX-License-Identifier: Apache-2.0
"""What becomes of a packet whose target is known, one class a way of forwarding. A new way is a class here, with the three
methods, and a line in WAYS.
"""
from dataclasses import dataclass, replace

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from scapy.utils import checksum

import agreed
import wire
from layers import build
from setting import packed


@dataclass
class Outcome:
    exit: str  # "uplink", "host" or "drop"
    frame: bytes = None  # what leaves
    reason: str = None  # of a drop
    target: object = None  # to or from which it went
    kind: str = None  # "answered" or "translated", where it was


def drop(reason):
    return Outcome("drop", reason=reason)


def put(frame, at, new):
    return frame[:at] + new + frame[at + len(new):]


def put_word(frame, at, word):
    return put(frame, at, word.to_bytes(2, "big"))


# --- translation

def address_at(packet, side):
    return packet.ip_at + {(4, "src"): 12, (4, "dst"): 16, (6, "src"): 8, (6, "dst"): 24}[packet.version, side]


def with_address(packet, side, address):
    """The frame with another address, the IPv4 header's checksum brought along."""
    at = address_at(packet, side)
    frame = put(packet.frame, at, address)
    if packet.version == 4:
        checksum_at = packet.ip_at + 10
        frame = put_word(frame, checksum_at, wire.carried(packet.word(checksum_at), packet.frame[at:at + 4], address))
    return frame


def translated(packet, side, address, port):
    """A packet with its transport header: a right checksum is right again, another (of a fragment, too: it is over all of
    them) as wrong as it was.
    """
    at = packet.at + (0 if side == "src" else 2)
    frame = put_word(with_address(packet, side, address), at, port)
    if not packet.fragment and packet.is_right():
        return wire.parse(frame).with_right_checksum().frame
    return put_word(frame, packet.checksum_at(), carried_transport(packet, side, address, port))


def carried_transport(packet, side, address, port):
    at = packet.at + (0 if side == "src" else 2)
    before = packet.frame[address_at(packet, side):][:len(address)] + packet.frame[at:at + 2]
    return wire.carried(packet.word(packet.checksum_at()), before, address + port.to_bytes(2, "big"))


def translated_error(packet, quoted, outer_side, address, port):
    """RFC 5508 section 4.2: the header of the error and of the packet that it quotes, else nobody would know his
    connection in it. `outer_side` is the side of the error itself that changes, None where it is another's address.
    """
    quoted_side = "src" if outer_side == "dst" else "dst"
    frame = with_address(quoted, quoted_side, address)
    frame = put_word(frame, quoted.at + (0 if quoted_side == "src" else 2), port)
    if quoted.checksum_at() + 2 <= quoted.end:
        frame = put_word(frame, quoted.checksum_at(), carried_transport(quoted, quoted_side, address, port))
    if outer_side:
        frame = with_address(replace(packet, frame=frame), outer_side, address)
    if packet.is_right() and not packet.fragment:
        return wire.parse(frame).with_right_checksum().frame
    before, after = packet.frame[packet.at + 4:packet.end], frame[packet.at + 4:packet.end]
    if packet.version == 6 and outer_side:
        before, after = packet.frame[22:54] + before, frame[22:54] + after
    return put_word(frame, packet.checksum_at(), wire.carried(packet.word(packet.checksum_at()), before, after))


class Local:
    """To a replica of this machine: the destination alone is another; hops, DSCP and ECN are untouched."""

    def packet(self, _model, packet, target, _hash):
        return Outcome("host", translated(packet, "dst", packed(target.address), target.port), target=target)

    def later_fragment(self, _model, packet, target):
        return Outcome("host", with_address(packet, "dst", packed(target.address)), target=target)

    def error(self, _model, packet, quoted, target):
        frame = translated_error(packet, quoted, "dst", packed(target.address), target.port)
        return Outcome("host", frame, target=target, kind="translated")


# --- other machines

class Neighbour:
    """dsr: to the neighbour that serves the VIP too, as a router would send it there."""

    def packet(self, model, packet, target, hash_):
        frame = packet.frame
        if frame[:6] != agreed.UPLINK_MAC:  # a switch floods: what is another's must not come to a third
            return Outcome("host", frame)
        if target.next_hop is None:
            return drop("no_next_hop")
        # RFC 1812 section 5.2.1: first the hops, then what the next link takes.
        if packet.hops <= 1:
            return self._answered(model, packet, "ttl_expired", 11, 3)
        inner, padding = self._hop_counted(packet)[12:packet.end], frame[packet.end:]
        outer = self.wrapped(model, packet, inner, target, hash_)
        growth = len(outer) - len(inner)
        if packet.end - packet.ip_at + growth > agreed.MTU_BYTES:
            return self._answered(model, packet, "too_big", 3, 2, mtu=agreed.MTU_BYTES - growth)
        if outer is inner:
            outer += padding
        return Outcome("uplink", target.next_hop + agreed.UPLINK_MAC + outer, target=target)

    def later_fragment(self, model, packet, target):
        return self.packet(model, packet, target, 0)

    def error(self, model, packet, _quoted, target):
        return self.packet(model, packet, target, 0)

    def wrapped(self, _model, _packet, inner, _target, _hash):
        """What follows the MAC addresses; `inner` is that of the packet as it is, up to its end."""
        return inner

    def _hop_counted(self, packet):
        at = packet.ip_at + (8 if packet.version == 4 else 7)
        frame = put(packet.frame, at, bytes([packet.hops - 1]))
        if packet.version == 4:
            header = put_word(frame[packet.ip_at:packet.at], 10, 0)
            frame = put_word(frame, packet.ip_at + 10, checksum(header))
        return frame

    def _answered(self, model, packet, reason, type_v4, type_v6, mtu=None):
        """RFC 1812 section 4.3.2, RFC 4443 section 2.4: who is answered, how, and how much of his packet is quoted."""
        is_answered = not packet.is_icmp_error() and not packet.is_later and not (mtu and packet.may_be_fragmented())
        if not is_answered or not model.is_one_host(packet.src):
            return drop(reason)
        ethernet = Ether(dst=packet.frame[6:12], src=packet.frame[:6])
        quote = packet.frame[packet.ip_at:packet.end]
        source, destination = model.text(packet.dst), model.text(packet.src)
        if packet.version == 4:
            error = ICMP(type=type_v4, code=4, nexthopmtu=mtu) if mtu else ICMP(type=type_v4, code=0)
            ip, longest = IP(src=source, dst=destination, id=0, flags="DF", ttl=agreed.HOPS), 576 - 28
        else:
            error = ICMPv6PacketTooBig(mtu=max(mtu, 1280)) if mtu else ICMPv6TimeExceeded(code=0)
            ip, longest = IPv6(src=source, dst=destination, hlim=agreed.HOPS), 1280 - 48
        return Outcome("uplink", build(ethernet, ip, error, Raw(quote[:longest])), kind="answered")


class Tunnel(Neighbour):
    """The packet whole behind headers of a tunnel's; padding is the frame's and is left behind. DSCP and ECN are copied
    (RFC 6040 section 4.1, normal mode).
    """

    def wrapped(self, model, packet, inner, target, hash_):
        datagram = inner[2:]
        source = model.setting.sources[":" in target.address]
        if ":" in target.address:
            outer = IPv6(src=model.text(source), dst=target.address, tc=packet.traffic_class, hlim=agreed.HOPS)
        else:
            outer = IP(src=model.text(source), dst=target.address, tos=packet.traffic_class, id=0, flags="DF", ttl=agreed.HOPS)
        behind = self.behind(outer, packet, datagram, target, agreed.tunnel_port(hash_))
        return (wire.IPV6 if ":" in target.address else wire.IPV4).to_bytes(2, "big") + build(outer, *behind)

    def udp(self, outer, port, to):
        # Over IPv4 none (RFC 7348 section 5); over IPv6 there must be one.
        return UDP(sport=port, dport=to) if outer.version == 6 else UDP(sport=port, dport=to, chksum=0)


class Ipip(Tunnel):
    """RFC 2003, 2473, 4213."""

    def behind(self, outer, packet, datagram, _target, _port):
        carried = 4 if packet.version == 4 else 41
        if outer.version == 4:
            outer.proto = carried
        else:
            outer.nh = carried
        return [Raw(datagram)]


class Gue(Tunnel):
    """draft-ietf-intarea-gue-09, version 0 without options."""

    def behind(self, outer, packet, datagram, _target, port):
        return self.udp(outer, port, 6080), Raw(bytes([0, 4 if packet.version == 4 else 41, 0, 0]) + datagram)


class Vxlan(Tunnel):
    """RFC 7348."""

    def behind(self, outer, packet, datagram, target, port):
        network = target.listener.vxlan
        inner = Ether(dst=network["mac"], src=agreed.UPLINK_MAC, type=wire.IPV4 if packet.version == 4 else wire.IPV6)
        return self.udp(outer, port, 4789), VXLAN(vni=network["vni"], flags="Instance"), inner, Raw(datagram)


WAYS = {"local": Local(), "dsr": Neighbour(), "ipip": Ipip(), "gue": Gue(), "vxlan": Vxlan()}
