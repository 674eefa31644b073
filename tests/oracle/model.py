# SPDX-License-Identifier: Apache-2.0
"""What must become of a packet: an oracle of headgate-l4, written from what the RFCs ask of a balancer, the Maglev paper
and the words of its design; agreed.py has the rest. It is told packets in the order in which the process takes them.
"""
import ipaddress

import agreed
import forwarding
import wire
from forwarding import Outcome, drop


class Model:
    def __init__(self, setting):
        self.setting = setting
        self.flows = {}  # the target of each that has been seen
        self.fragmented = {}  # the target of each packet whose first fragment has been seen; None: the kernel's

    def from_uplink(self, frame):
        """The outcome, and whether the packet opens a flow."""
        try:
            packet = self._parse(frame)
        except wire.Malformed as why:
            return drop(str(why)), False
        setting = self.setting
        if packet.version is None:
            return Outcome("host", frame), False
        # Who speaks from our own addresses lies, but for neighbours that say whose they are.
        if packet.src in setting.vips | setting.locals and not packet.is_neighbour_discovery():
            return drop("source_spoofed"), False
        if packet.dst in setting.locals:  # reached through a VIP alone
            return drop("local_address"), False
        if packet.dst not in setting.vips:
            return self._to_kernel(packet), False
        if packet.fault:
            return drop(packet.fault), False
        if packet.has_ports():
            listener = setting.services.get((packet.dst, packet.dst_port, packet.protocol))
            if listener:
                return self._balanced(packet, listener)
        elif packet.is_later:
            return self._later_fragment(packet), False
        elif packet.is_icmp_error() and not packet.fragment:
            return self._error(packet), False
        # The VIP is an address of the kernel's like any other: it answers an echo, and refuses what nobody listens to.
        if packet.fragment:
            self.fragmented[packet.fragment] = None
        return self._to_kernel(packet), False

    def from_host(self, frame):
        try:
            packet = self._parse(frame)
        except wire.Malformed as why:
            return drop(str(why))
        if packet.version is None:
            return Outcome("uplink", frame)
        packet = self._finished(packet)
        is_local = packet.src in self.setting.locals
        if packet.is_icmp_error():
            quoted = wire.parse_quote(packet)
            target = quoted and quoted.protocol == wire.TCP and self.setting.replicas.get((quoted.dst, quoted.dst_port))
            if target:
                vip = forwarding.packed(target.listener.address)
                frame = forwarding.translated_error(packet, quoted, "src" if is_local else None, vip, target.listener.port)
                return Outcome("uplink", frame, target=target, kind="translated")
        if not is_local:
            return Outcome("uplink", packet.frame)
        # The local address means nothing to others: either it is translated, or it does not leave.
        if packet.is_later:
            target = self.fragmented.get(packet.fragment)
            if target is None:
                return drop("fragment_unmatched")
            frame = forwarding.with_address(packet, "src", forwarding.packed(target.listener.address))
            return Outcome("uplink", frame, target=target)
        target = packet.carries(wire.TCP) and not packet.fault and self.setting.replicas.get((packet.src, packet.src_port))
        if not target:
            return drop("local_address")
        if packet.fragment:
            self.fragmented[packet.fragment] = target
        vip = forwarding.packed(target.listener.address)
        return Outcome("uplink", forwarding.translated(packet, "src", vip, target.listener.port), target=target)

    def text(self, address):
        return str(ipaddress.ip_address(address))

    def is_one_host(self, address):
        """Who may be answered (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4(e))."""
        ip = ipaddress.ip_address(address)
        if ip.version == 4:
            return not (ip.is_multicast or ip.is_loopback or ip.is_reserved or address[0] == 0)
        return not (ip.is_multicast or ip.is_unspecified or ip.is_loopback)

    def _parse(self, frame):
        if len(frame) > agreed.FRAME_BYTES_MAX:
            raise wire.Malformed("frame_too_long")
        return wire.parse(frame)

    # A partial checksum is the kernel's of a sibling, which leaves it for a NIC that never comes.
    def _finished(self, packet):
        may_be = packet.has_ports() and not packet.fragment
        return packet.with_right_checksum() if may_be and not packet.is_right() and packet.is_partial() else packet

    def _to_kernel(self, packet):
        return Outcome("host", self._finished(packet).frame)

    def _balanced(self, packet, listener):
        packet = self._finished(packet)
        if not packet.fragment and not packet.is_right():
            return drop("transport_checksum_wrong"), False
        is_datagram = packet.protocol == wire.UDP
        flags = 0 if is_datagram else packet.flags
        flow = (packet.src, packet.dst, packet.src_port, packet.dst_port, packet.protocol)
        is_syn = not is_datagram and flags & (wire.SYN | wire.ACK | wire.RST) == wire.SYN
        is_known = flow in self.flows
        target = self._choose(listener, flow, begins=is_syn or is_datagram)
        if target is None:
            return drop("no_target"), False
        if packet.fragment:
            self.fragmented[packet.fragment] = target
        way = forwarding.WAYS[listener.forwarding]
        outcome = way.packet(self, packet, target, agreed.flow_hash(*flow))
        # Of datagrams the first opens the flow.
        return outcome, outcome.target is not None and (is_syn or (is_datagram and not is_known))

    def _choose(self, listener, flow, begins):
        """A flow stays where it is; a new connection, even of the same ports, does not begin where nobody is reached."""
        known = self.flows.get(flow)
        if known and not (begins and not self._usable(known)):
            return known
        first = listener.choice(agreed.flow_hash(*flow))
        target = self._steered(listener, first, flow) if begins else first
        if target:
            self.flows[flow] = target
        return target

    def _usable(self, target):
        return not target.drain and (target.listener.forwarding == "local" or target.next_hop is not None)

    def _steered(self, listener, first, flow):
        if first is None or self._usable(first):
            return first
        others = [listener.choice(hash_) for hash_ in agreed.steps(agreed.flow_hash(*flow))]
        for target in others + listener.targets:
            if self._usable(target):
                return target
        return first if listener.when_all_down == "try_all" else None

    def _later_fragment(self, packet):
        if packet.fragment not in self.fragmented:
            return drop("fragment_unmatched")
        target = self.fragmented[packet.fragment]
        if target is None:
            return Outcome("host", packet.frame)
        return forwarding.WAYS[target.listener.forwarding].later_fragment(self, packet, target)

    # It must have come to the VIP whose packet it quotes, which went to the client: the flow's other direction.
    def _error(self, packet):
        quoted = wire.parse_quote(packet)
        listener = quoted and self.setting.services.get((quoted.src, quoted.src_port, quoted.protocol))
        if not listener or quoted.src != packet.dst:
            return Outcome("host", packet.frame)
        if not packet.is_right():  # RFC 5508 REQ-3
            return drop("transport_checksum_wrong")
        flow = (quoted.dst, quoted.src, quoted.dst_port, quoted.src_port, quoted.protocol)
        target = self.flows.get(flow) or listener.choice(agreed.flow_hash(*flow))
        if target is None:
            return drop("no_target")
        return forwarding.WAYS[listener.forwarding].error(self, packet, quoted, target)
