# SPDX-License-Identifier: Apache-2.0
"""The configuration that the corpus is balanced by: every way of forwarding, in both families and across them, with
weights, targets that drain or that no neighbour leads to, replicas of this machine.
"""
import json
import socket
from dataclasses import dataclass, field

import agreed
import maglev

TCP, UDP = 6, 17


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


@dataclass(eq=False)
class Target:
    id: int
    name: str
    address: str
    port: int
    weight: int = 1
    drain: bool = False
    next_hop: bytes = None  # of another machine; None: nobody leads there
    listener: "Listener" = None


@dataclass(eq=False)
class Listener:
    address: str
    port: int
    protocol: int
    forwarding: str
    targets: list
    when_all_down: str = "try_all"
    vxlan: dict = None
    table: list = field(default_factory=list)

    @property
    def is_v6(self):
        return ":" in self.address

    def choice(self, hash_):
        """The target that Maglev has for this hash."""
        return self.targets[self.table[agreed.maglev_slot(hash_, len(self.table))]] if self.table else None

    @property
    def endpoint(self):
        return f"[{self.address}]:{self.port}" if self.is_v6 else f"{self.address}:{self.port}"

    @property
    def protocol_name(self):
        return "udp" if self.protocol == UDP else "tcp"


VIPS = ["192.0.2.100", "2001:db8::100"]  # by family, as are those below
LOCALS = ["198.19.255.1", "fd68:6764:7465::1"]  # the replicas'
MACHINES = ["192.0.2.10", "2001:db8::10"]  # the kernel's, and where tunnels begin
BACKENDS = ["192.0.2.{}", "2001:db8::b:{:x}"]
TUNNELS = ["ipip", "gue", "vxlan"]


class Setting:
    def __init__(self):
        self.listeners = []
        self._add_replicas()
        self._add_neighbours()
        self._add_tunnels()
        self._add_unreachable()
        self.services = {(packed(of.address), of.port, of.protocol): of for of in self.listeners}
        self.replicas = {(packed(target.address), target.port): target for of in self.listeners
                         if of.forwarding == "local" for target in of.targets}
        self.vips = {packed(of.address) for of in self.listeners}
        self.locals = {address for address, _ in self.replicas}
        self.sources = [packed(address) for address in MACHINES]

    def add(self, address, port, protocol, forwarding, targets, **more):
        listener = Listener(address, port, protocol, forwarding, sorted(targets, key=lambda target: target.name), **more)
        for target in listener.targets:
            target.listener = listener
        weights = tuple((target.name, 0 if target.drain else target.weight) for target in listener.targets)
        listener.table = maglev.populate(weights)
        self.listeners.append(listener)

    def _target(self, name, address, port, **more):
        self.last_id = getattr(self, "last_id", 0) + 1
        return Target(self.last_id, name, address, port, **more)

    def _backends(self, family, weights, port, unreachable=(), first=20):
        targets = []
        for i, weight in enumerate(weights):
            address = BACKENDS[family].format(first + i)
            hop = None if i in unreachable else bytes([2, 0, 0, 0, 4 + 2 * family, first + i])
            targets.append(self._target(f"{address}/{len(weights)}", address, port, weight=weight, next_hop=hop))
        return targets

    def _add_replicas(self):
        for vip, local in zip(VIPS, LOCALS):
            replicas = [self._target(f"edge/{i}", local, 2000 + i, weight=weight) for i, weight in enumerate([1, 2, 3, 10])]
            replicas[1].drain = True
            self.add(vip, 80, TCP, "local", replicas)
            self.add(vip, 443, TCP, "local", [self._target("edge/0", local, 2100)])
            self.add(vip, 8080, TCP, "local", [self._target("gone/0", local, 2200, drain=True)])
            self.add(vip, 8081, TCP, "local", [])

    def _add_neighbours(self):
        for family, vip in enumerate(VIPS):
            self.add(vip, 5000, TCP, "dsr", self._backends(family, [1, 10, 3, 7, 0], 5000))
            self.add(vip, 53, UDP, "dsr", self._backends(family, [1, 1, 1], 53))
            self.add(vip, 80, UDP, "dsr", self._backends(family, [5, 2], 80))
            # Past 64 targets the table is the larger one.
            self.add(vip, 6000, TCP, "dsr", self._backends(family, [1 + i % 3 for i in range(70)], 6000))

    def _add_tunnels(self):
        for number, forwarding in enumerate(TUNNELS):
            for family, vip in enumerate(VIPS):
                for outer in (0, 1):
                    port = 7000 + 10 * number + outer
                    more = {"vxlan": {"vni": 70 + outer, "mac": "02:00:00:00:00:77"}} if forwarding == "vxlan" else {}
                    for protocol in (TCP, UDP):
                        self.add(vip, port, protocol, forwarding, self._backends(outer, [2, 1, 3], port), **more)

    # No neighbour leads to some of the targets, or to none. Others' neighbours are known by their addresses, so these are
    # addresses of their own.
    def _add_unreachable(self):
        for family, vip in enumerate(VIPS):
            for protocol in (TCP, UDP):
                self.add(vip, 9000, protocol, "dsr", self._backends(family, [1, 2, 3], 9000, [2], first=120))
                self.add(vip, 9001, protocol, "dsr", self._backends(family, [1, 2], 9001, [0, 1], first=130))
                self.add(vip, 9002, protocol, "dsr", self._backends(family, [1, 2], 9002, [0, 1], first=130),
                         when_all_down="refuse")
            # Of so little weight that steps by hash hardly find it.
            self.add(vip, 9003, TCP, "dsr", self._backends(family, [1000, 1], 9003, [0], first=140))

    def snapshot(self):
        """As headgate-l4 reads it: a delta of base 0."""
        upserts = []
        for of in self.listeners:
            body = {"address": of.address, "port": of.port, "protocol": of.protocol_name, "forwarding": of.forwarding,
                    "when_all_down": of.when_all_down, "pool": "" if of.forwarding == "local" else f"pool-{of.port}",
                    "targets": [{"id": target.id, "name": target.name, "address": target.address, "port": target.port,
                                 "weight": target.weight, "drain": target.drain} for target in of.targets]}
            if of.vxlan:
                body["vxlan"] = of.vxlan
            upserts.append({"audience": "l4", "kind": "l4_listener", "id": f"{of.protocol_name}/{of.endpoint}", "object": body})
        return json.dumps({"base": 0, "revision": 1, "upserts": upserts, "removals": []})

    def arguments(self):
        """What headgate-l4 must be told beside it, where no kernel knows."""
        hops = {target.address: target.next_hop for of in self.listeners for target in of.targets if target.next_hop}
        neighbours = [f"{address}={hop.hex(':')}" for address, hop in sorted(hops.items())]
        return ["--neighbour", *neighbours, "--source", *MACHINES]
