"""A network that a test can cut: a TCP proxy in front of a server of this machine.

It is a process of its own, so a forked worker holds none of its sockets, and it ends with the
process that started it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import subprocess
import sys
from contextlib import suppress

HOST = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST, as a router that has lost its state


def free_port() -> int:
    """Return a port that can be listened on again and again.

    The system gives ports from 32768 on to clients: one of those could be taken while nobody
    listens, even by a client that is trying to connect to it.
    """
    for port in random.sample(range(20000, 30000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise OSError("100 ports between 20000 and 30000 are all in use")


class Proxy:
    """Passes connections on to a port of this machine, for as long as a test lets it.

    Attributes
    ----------
    port : int
        Where clients connect; the same for as long as it lives.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, str(self.port), str(target)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests
        )
        self._await()

    def cut(self) -> None:
        """Reset the connections that are open; new ones work."""
        self._tell("cut")

    def refuse(self) -> None:
        """Reset the connections, and refuse new ones."""
        self._tell("refuse")

    def hang(self) -> None:
        """Pass nothing on: old and new connections are silent, as behind a pulled cable."""
        self._tell("hang")

    def restore(self) -> None:
        """Work again; what hung connections have sent arrives now."""
        self._tell("restore")

    def close(self) -> None:
        """End, with all connections."""
        self._process.communicate(timeout=30)

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        self._await()

    def _await(self) -> None:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        assert answer, f"the proxy at port {self.port} has ended: {self._process.wait(30)}"


class _Network:
    """What runs in the process of the proxy."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.listening: asyncio.Server | None = None
        self.flowing = asyncio.Event()
        self.clients: set[asyncio.StreamWriter] = set()
        self.servers: set[asyncio.StreamWriter] = set()

    async def restore(self) -> None:
        self.flowing.set()
        if self.listening is None:
            self.listening = await asyncio.start_server(self.connected, HOST, self.port)

    def cut(self) -> None:
        for writer in [*self.clients, *self.servers]:
            linger(writer)
            writer.transport.abort()

    def refuse(self) -> None:
        if self.listening is not None:
            self.listening.close()
            self.listening = None
        self.cut()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(writer)
        onward: asyncio.StreamWriter | None = None
        try:
            await self.flowing.wait()
            back, onward = await asyncio.open_connection(HOST, self.target)
            self.servers.add(onward)
            await asyncio.gather(self.passed(reader, onward), self.passed(back, writer))
        except OSError:  # one of the two is gone: the other learns it now
            linger(writer)
        finally:
            for each in filter(None, (writer, onward)):
                each.transport.abort()
            self.clients.discard(writer)
            self.servers.discard(onward or writer)

    async def passed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            await self.flowing.wait()
            writer.write(data)
            await writer.drain()
        await self.flowing.wait()
        writer.write_eof()


def linger(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # it is closed already
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


async def main(port: int, target: int) -> None:
    network = _Network(port, target)
    await network.restore()
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    print("listening", flush=True)
    while command := (await commands.readline()).decode().strip():
        if command == "restore":
            await network.restore()
        elif command == "hang":
            network.flowing.clear()
        elif command == "cut":
            network.cut()
        elif command == "refuse":
            network.refuse()
        print("done", flush=True)
    network.refuse()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
