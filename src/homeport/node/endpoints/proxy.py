"""
Lead VPC+2:4566 to the API, so that AWS's SDKs inside a task reach it with no change of code.

Bytes are passed as they are: requests are signed by whoever makes them.
"""

import asyncio
import contextlib
import logging

log = logging.getLogger(__name__)

_CONNECTIONS = 512  # of one VPC
_CHUNK = 64 * 1024
_CONNECT_SECONDS = 5.0
_HALF_OPEN_SECONDS = 60.0


class ApiProxy:
    """Passes connections on to the upstream: "HOST:PORT" or the path of a unix socket."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until both sides have said everything."""
        self._connections += 1
        try:
            if self._connections <= _CONNECTIONS:
                await self._pass_on(reader, writer)
        except (OSError, TimeoutError) as error:
            log.debug("a connection to the API ended: %s", error)
        finally:
            self._connections -= 1
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_CONNECT_SECONDS):
            upstream_reader, upstream_writer = await self._connect()
        try:
            there = asyncio.create_task(_copy(reader, upstream_writer))
            back = asyncio.create_task(_copy(upstream_reader, writer))
            try:
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
                # One side is done; the other may still have an answer to give, but not for ever.
                await asyncio.wait((there, back), timeout=_HALF_OPEN_SECONDS)
            finally:
                for task in (there, back):
                    task.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        finally:
            upstream_writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._upstream.startswith("/"):
            return await asyncio.open_unix_connection(self._upstream)
        host, _, port = self._upstream.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end; the writer's own pace holds the reader back."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
