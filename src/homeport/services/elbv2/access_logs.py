"""
Where the access logs of load balancers go: a bucket in the store that the operator has named.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from homeport.aws.call import Call
from homeport.aws.objects import NotStored, StoreAway
from homeport.db.database import Tx
from homeport.services.elbv2.errors import InvalidConfigurationRequest, ValidationError
from homeport.services.elbv2.model.load_balancers import LoadBalancer
from homeport.services.elbv2.store import access_logs as store
from homeport.wire.balancing import AccessLog, AccessLogFile

log = logging.getLogger(__name__)

ENABLED, BUCKET, PREFIX = (f"access_logs.s3.{name}" for name in ("enabled", "bucket", "prefix"))
_OWN_FOLDER = "AWSLogs"


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """What nodes are given, and give back with every file."""

    bucket: str
    folder: str  # that all of the load balancer's account lies in
    account: str
    region: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Destination).decode


def log_of(balancer: LoadBalancer, attributes: Mapping[str, str]) -> AccessLog | None:
    """Return where a load balancer's requests are logged, if they are."""
    if attributes[ENABLED] != "true":
        return None
    account = balancer.arn.split(":")[4]
    scope = balancer.arn.partition("loadbalancer/")[0]
    return AccessLog(destination=_encode(_destination(account, balancer.region, attributes)).decode(), scope=scope)


def _destination(account: str, region: str, attributes: Mapping[str, str]) -> Destination:
    prefix = attributes[PREFIX]
    folder = f"{prefix}/{_OWN_FOLDER}/{account}" if prefix else f"{_OWN_FOLDER}/{account}"
    return Destination(bucket=attributes[BUCKET], folder=folder, account=account, region=region)


async def check(call: Call, balancer: LoadBalancer, attributes: Mapping[str, str]) -> None:
    """Refuse a bucket that cannot be written to, by writing to it, as AWS does."""
    bucket = attributes[BUCKET]
    if not bucket:
        raise ValidationError("S3Bucket name cannot be empty")
    if _OWN_FOLDER in attributes[PREFIX]:
        raise InvalidConfigurationRequest(f"The prefix cannot contain '{_OWN_FOLDER}'")  # unconfirmed
    if call.objects is None:
        raise InvalidConfigurationRequest(
            "Homeport has no S3 of its own: access logs need a store, which is named when Homeport is started "
            "(homeport up --s3-endpoint URL --s3-credentials FILE)."
        )
    moment = datetime.fromtimestamp(call.now(), UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    text = f"Enable AccessLog for ELB: {balancer.id} at {moment}Z"
    key = f"{_destination(call.account, call.region, attributes).folder}/ELBAccessLogTestFile"
    try:
        await call.objects.put(bucket, key, text.encode())
    except StoreAway as error:
        log.warning("the store of access logs does not answer: %s", error)
        raise InvalidConfigurationRequest("Homeport's S3 store does not answer: see the server's log.") from error
    except NotStored as error:
        log.warning("bucket %s of access logs: %s", bucket, error)
        raise InvalidConfigurationRequest(
            f"Access Denied for bucket: {bucket}. Please check S3bucket permission"
        ) from error


async def take_file(tx: Tx, file: AccessLogFile, now: float) -> None:
    """Keep a node's file until it is in its bucket; the oldest go where too much is kept."""
    try:
        destination = _decode(file.destination)
    except msgspec.DecodeError:
        log.warning("a file of access logs of %s has no destination", file.balancer)
        return
    await store.insert(tx, file.id, destination.bucket, key_of(destination, file), file.body, now)
    if lost := await store.make_room(tx):
        log.warning("%d files of access logs were dropped: too many wait for their buckets", lost)


def key_of(destination: Destination, file: AccessLogFile) -> str:
    """Return the name of a file in its bucket."""
    ended = datetime.fromtimestamp(file.ended, UTC)
    balancer = file.balancer.replace("/", ".")
    words = (
        destination.account,
        "elasticloadbalancing",
        destination.region,
        balancer,
        f"{ended:%Y%m%dT%H%MZ}",
        file.address,
        file.id,
    )
    folder = f"{destination.folder}/elasticloadbalancing/{destination.region}/{ended:%Y/%m/%d}"
    return f"{folder}/{'_'.join(words)}.log.gz"
