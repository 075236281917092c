"""
A store that speaks S3's protocol, by way of botocore.

Apart from `objects`, as only who has a store shall pay for its client.  Puts are made by threads of their own: a store that does not
answer holds up nothing else.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import botocore.session
from botocore import exceptions as failures
from botocore.config import Config

from homeport.aws.objects import NotStored, StoreAway
from homeport.kit.objectstore import Keys

_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 10
_LONGEST_SECONDS = 30.0  # of a put as a whole
_THREADS = 4
_FAULT = 500  # the least status that says so of the store


class S3Store:
    """What answers at *endpoint* in S3's protocol."""

    def __init__(self, endpoint: str, keys: Keys, region: str) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._region = keys.region or region
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="objects")

    @cached_property
    def _client(self) -> Any:
        return botocore.session.Session().create_client(
            "s3",
            region_name=self._region,
            endpoint_url=self._endpoint,
            aws_access_key_id=self._keys.access_key_id,
            aws_secret_access_key=self._keys.secret_access_key,
            aws_session_token=self._keys.session_token or None,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
                retries={"total_max_attempts": 1},  # who asks tries again, later
                s3={"addressing_style": "path"},  # no names below the store's own have to resolve
                request_checksum_calculation="when_required",  # stores of others do not know all of them
            ),
        )

    async def put(self, bucket: str, key: str, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                await loop.run_in_executor(self._threads, self._put, bucket, key, body)
        except TimeoutError as error:
            raise StoreAway("the store takes too long") from error

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body)
        except failures.ClientError as error:
            problem = error.response.get("Error", {})
            own_fault = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _FAULT
            kind = StoreAway if own_fault else NotStored
            raise kind(f"{problem.get('Code', '')}: {problem.get('Message', '')}") from error
        except (failures.HTTPClientError, failures.ConnectionError) as error:
            raise StoreAway(str(error)) from error
        except failures.BotoCoreError as error:
            raise NotStored(str(error)) from error

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
