"""What listens in one place, opened together and closed together."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from homeport.node.endpoints.dns import Resolver, UdpResolver
from homeport.node.endpoints.http import Handler, HttpServer

_Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listeners:
    """The sockets of one namespace, with their conversations."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._conversations: set[asyncio.Task[None]] = set()
        self._stack.callback(self._end_conversations)

    async def http(self, opened: socket.socket, handler: Handler) -> None:
        """Answer HTTP requests."""
        http = HttpServer(handler)
        server = await asyncio.get_running_loop().create_server(http.connection, sock=opened)
        self._stack.callback(http.close)
        self._stack.callback(server.close)

    async def udp(self, opened: socket.socket, resolver: Resolver) -> None:
        """Answer questions about names."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpResolver(resolver), sock=opened
        )
        self._stack.callback(transport.close)

    async def streams(self, opened: socket.socket, serve: _Streams) -> None:
        """Have every connection served."""

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None, "asyncio's server runs its callback in a task"
            self._conversations.add(task)
            try:
                await serve(reader, writer)
            except asyncio.CancelledError:
                writer.transport.abort()  # the router goes; asyncio's server would log a raised cancellation
            finally:
                self._conversations.discard(task)

        server = await asyncio.start_server(converse, sock=opened)
        self._stack.callback(server.close)

    def _end_conversations(self) -> None:
        for task in self._conversations:
            task.cancel()

    def close(self) -> None:
        """Close everything."""
        self._stack.close()
