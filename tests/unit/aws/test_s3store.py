"""A real store takes objects; what it refuses, and that it is away, is told apart."""

import asyncio
from collections.abc import Iterator

import boto3
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from tests.ports import free_port

from homeport.aws.objects import NotStored, StoreAway
from homeport.aws.s3store import S3Store
from homeport.kit.objectstore import Keys

KEYS = Keys("key", "very-secret")


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_a_store_takes_what_it_can(store: str):
    client = boto3.client(
        "s3",
        endpoint_url=store,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="unit-logs")
    objects = S3Store(store, KEYS, "us-east-1")
    await asyncio.gather(*(objects.put("unit-logs", f"a/b{number}", b"one") for number in range(8)))
    assert client.get_object(Bucket="unit-logs", Key="a/b7")["Body"].read() == b"one"
    for bucket in ("none-of-them", "NO BUCKET"):
        with pytest.raises(NotStored) as caught:
            await objects.put(bucket, "a", b"one")
        assert not isinstance(caught.value, StoreAway)
    objects.close()
    client.close()


async def _answer(status: str) -> tuple[asyncio.Server, str]:
    """Be a store that says the same to whatever it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    port = free_port()
    return await asyncio.start_server(serve, "127.0.0.1", port), f"http://127.0.0.1:{port}"


async def test_a_store_that_is_away_or_at_fault():
    for status in ("503 Slow Down", "500 Internal Server Error"):
        server, place = await _answer(status)
        objects = S3Store(place, KEYS, "us-east-1")
        with pytest.raises(StoreAway) as caught:
            await objects.put("bucket", "a", b"one")
        assert "very-secret" not in str(caught.value)
        server.close()
        with pytest.raises(StoreAway) as caught:  # nobody listens any more
            await objects.put("bucket", "a", b"one")
        assert "very-secret" not in str(caught.value)
        objects.close()
