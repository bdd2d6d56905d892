"""Which user has opened the other end of a connection, as the operating system says.

Every user of a machine reaches ``127.0.0.1``. The system knows who has opened the other end of
such a connection; where it does not say, the connection counts as somebody else's.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import psutil

_OPEN = {1, 4, 5}  # ESTABLISHED, and FIN_WAIT1 and 2: a client may close one way early
_OVERFLOW = Path("/proc/sys/kernel/overflowuid")
_TABLES = Path("/proc/net")
_SOCK_DIAG = 4  # of the families of netlink
_ASK, _SAYS, _ONE = 1, 20, 0xFFFFFFFF  # NLM_F_REQUEST, SOCK_DIAG_BY_FAMILY, no cookie

Address = IPv4Address | IPv6Address


class SocketAddress(NamedTuple):
    """One end of a connection: an address and a port."""

    address: Address
    port: int


def is_own(accepted: socket.socket) -> bool:
    """Return whether the user of this process has opened the other end of a connection.

    It is asked once, when the connection is accepted: its other end must be open still.
    """
    try:
        there, here = _end(accepted.getpeername()), _end(accepted.getsockname())
        if not there.address.is_loopback or not is_ours(there, here):
            return False
        # reset meanwhile, the same port may be somebody else's by now
        return _end(accepted.getpeername()) == there
    except (OSError, ValueError):
        return False


def can_tell() -> bool:
    """Return whether the owners of connections can be found out here: tried with one of ours."""
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as listening,
            socket.create_connection(listening.getsockname()),
            listening.accept()[0] as accepted,
        ):
            return is_own(accepted)
    except OSError:
        return False


if sys.platform == "linux":
    QUICK = True

    def is_ours(there: SocketAddress, here: SocketAddress) -> bool:
        """Return whether the end of a connection that is ``there`` is one of this user."""
        try:
            found = by_netlink(there, here)
        except OSError:  # some containers have no netlink
            found = by_table(there, here)
        return found is not None and found == os.geteuid() and found != _nobody()

    def by_netlink(there: SocketAddress, here: SocketAddress) -> int | None:
        """Return the user who has opened an end: one question, however many sockets there are.

        See ``man 7 sock_diag``. An end that is closed has no inode, and looks like root's.
        """
        family = socket.AF_INET if there.address.version == 4 else socket.AF_INET6
        question = struct.pack(
            "=IHHIIBBBBIHH16s16sIII",
            *(72, _SAYS, _ASK, 0, 0),
            *(family, socket.IPPROTO_TCP, 0, 0, _ONE),
            *(socket.htons(there.port), socket.htons(here.port)),
            *(there.address.packed, here.address.packed, 0, _ONE, _ONE),
        )
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as asking:
            asking.settimeout(1.0)
            asking.sendto(question, (0, 0))
            answer = asking.recv(4096)
        (kind,) = struct.unpack_from("=H", answer, 4)
        if kind != _SAYS:
            number = -struct.unpack_from("=i", answer, 16)[0]
            if number == 2:  # ENOENT: there is no such end
                return None
            raise OSError(number, os.strerror(number))
        state = answer[17]
        ports = struct.unpack_from("!HH", answer, 20)
        uid, inode = struct.unpack_from("=II", answer, 80)
        known = state in _OPEN and inode and ports == (there.port, here.port)
        return int(uid) if known else None

    def by_table(there: SocketAddress, here: SocketAddress) -> int | None:
        """Return the user who has opened an end, from the table of all sockets."""
        mapped = [_mapped(end) for end in (there, here)]
        names = {"tcp": (there, here)} if there.address.version == 4 else {}
        for name, (local, remote) in {**names, "tcp6": mapped}.items():
            try:
                table = (_TABLES / name).read_bytes()
            except OSError:
                continue
            found = table.find(b" %s %s " % (_hex(local), _hex(remote)))
            if found >= 0:
                _, _, state, _, _, _, uid, _, inode, *_ = table[found:].split(None, 9)
                return int(uid) if int(state, 16) in _OPEN and int(inode) else None
        return None

    def _mapped(end: SocketAddress) -> SocketAddress:
        """Return an end as a socket of IPv6 has it that is connected to an address of IPv4."""
        if end.address.version == 6:
            return end
        return SocketAddress(IPv6Address(b"\0" * 10 + b"\xff\xff" + end.address.packed), end.port)

    def _hex(end: SocketAddress) -> bytes:
        packed = end.address.packed
        words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
        text = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
        return f"{text}:{end.port:04X}".encode()

    def _nobody() -> int:
        """Return the user that stands for all those whom a container does not know."""
        try:
            return int(_OVERFLOW.read_bytes())
        except (OSError, ValueError):
            return 65534

else:
    QUICK = False

    def is_ours(there: SocketAddress, here: SocketAddress) -> bool:
        """Return whether the end of a connection that is ``there`` is one of this user."""
        return by_processes(there, here)


def by_processes(there: SocketAddress, here: SocketAddress) -> bool:
    """Return whether a process of this user has opened an end: it takes a look at all of them."""
    import psutil

    wanted = ((str(there.address), there.port), (str(here.address), here.port))
    me = psutil.Process().username()
    try:
        found = psutil.net_connections("tcp")
        owners = [psutil.Process(c.pid) for c in found if c.pid and (c.laddr, c.raddr) == wanted]
        return any(owner.username() == me for owner in owners)
    except psutil.AccessDenied:  # macOS shows a user the connections of his own processes only
        return any(wanted in _connections(each, me) for each in psutil.process_iter())
    except psutil.Error:
        return False


def _connections(process: psutil.Process, user: str) -> list[tuple[object, object]]:
    """Return both ends of what a process has open, if it is a user's."""
    import psutil

    try:
        if process.username() != user:
            return []
        look = getattr(process, "net_connections", None) or process.connections
        return [(each.laddr, each.raddr) for each in look("tcp")]
    except psutil.Error:
        return []


def _end(name: tuple[str, int]) -> SocketAddress:
    """Return an end as sockets name it, after their own version of IP or another's."""
    address = ip_address(name[0].partition("%")[0])
    return SocketAddress(getattr(address, "ipv4_mapped", None) or address, name[1])
