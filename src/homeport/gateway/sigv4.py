"""
Check AWS Signature Version 4, in headers and in presigned URLs.  Pure: no clock, no look-ups.

A request is accepted only when the signature is that of *this* method, path, query, body and
signed headers.  S3 encodes its path once where all others encode it twice.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_plus

from homeport.gateway.messages import Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SKEW_SECONDS = 15 * 60
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
#: What a signature must cover when it is there: it decides what the request means.
_ALWAYS_SIGNED = ("x-amz-target", "x-amz-date", "x-amz-content-sha256")

_STAMP = "%Y%m%dT%H%M%SZ"
_STAMP_FORM = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_HEX_HASH = re.compile(r"[0-9a-f]{64}")
_REGION = re.compile(r"[a-z0-9-]{1,32}")


class Fault(Enum):
    """Why a request is not authentic."""

    MISSING = auto()
    INCOMPLETE = auto()
    UNKNOWN_KEY = auto()
    MISMATCH = auto()
    BODY_MISMATCH = auto()
    SKEWED = auto()
    URL_EXPIRED = auto()
    TOKEN_EXPIRED = auto()
    NOT_IMPLEMENTED = auto()


class NotAuthentic(Exception):
    """The request cannot be taken for what it claims to be."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says about its own signature; nothing here is verified."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    stamp: str
    token: str | None
    expires_seconds: int | None  # of a presigned URL
    payload_hash: str | None  # as announced

    @property
    def presigned(self) -> bool:
        return self.expires_seconds is not None

    @property
    def signed_at(self) -> float:
        return _moment(self.stamp)


@lru_cache(maxsize=64)  # requests of one second share their stamp, and strptime is slow
def _moment(stamp: str) -> float:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC).timestamp()


def read_signature(request: Request) -> Signature | None:
    """Read the signature of *request*; None when it has none."""
    authorization = request.headers.get("authorization")
    presigned = "X-Amz-Algorithm=" in request.query
    if authorization is not None and presigned:
        raise NotAuthentic(
            Fault.INCOMPLETE, "Only one auth mechanism allowed: an Authorization header or a query string."
        )
    if authorization is not None:
        return _read_header(request, authorization)
    if presigned:
        return _read_query(request)
    return None


def _read_header(request: Request, authorization: str) -> Signature:
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise NotAuthentic(Fault.INCOMPLETE, f"Unsupported AWS 'algorithm': '{algorithm[:64]}'.")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]
    stamp = _header_stamp(request)
    if missing or stamp is None:
        sentences = [f"Authorization header requires '{name}' parameter." for name in missing]
        if stamp is None:
            sentences.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        shown = re.sub(r"Signature=\S+", "Signature=...", authorization[:512])
        raise NotAuthentic(Fault.INCOMPLETE, " ".join([*sentences, f"Authorization={shown}"]))
    return _signature(
        parts["Credential"],
        parts["SignedHeaders"],
        parts["Signature"],
        stamp=stamp,
        token=request.headers.get("x-amz-security-token"),
        expires_seconds=None,
        payload_hash=request.headers.get("x-amz-content-sha256"),
        request=request,
    )


def _read_query(request: Request) -> Signature:
    parts = {}
    for pair in request.query.split("&"):
        name, _, value = pair.partition("=")
        parts[unquote_plus(name)] = unquote_plus(value)
    if parts["X-Amz-Algorithm"] != ALGORITHM:
        raise NotAuthentic(Fault.INCOMPLETE, f"Unsupported AWS 'algorithm': '{parts['X-Amz-Algorithm'][:64]}'.")
    needed = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires")
    missing = [name for name in needed if not parts.get(name)]
    if missing:
        raise NotAuthentic(
            Fault.INCOMPLETE, " ".join(f"AWS query-string parameters must include '{name}'." for name in missing)
        )
    expires = parts["X-Amz-Expires"]
    if re.fullmatch(r"\d{1,6}", expires, re.ASCII) is None or not 0 < int(expires) <= MAX_EXPIRES_SECONDS:
        raise NotAuthentic(Fault.INCOMPLETE, "X-Amz-Expires must be a number of seconds from 1 to 604800.")
    return _signature(
        parts["X-Amz-Credential"],
        parts["X-Amz-SignedHeaders"],
        parts["X-Amz-Signature"],
        stamp=_valid_stamp(parts["X-Amz-Date"]),
        token=parts.get("X-Amz-Security-Token"),
        expires_seconds=int(expires),
        payload_hash=parts.get("X-Amz-Content-Sha256") or request.headers.get("x-amz-content-sha256"),
        request=request,
    )


def _header_stamp(request: Request) -> str | None:
    stamp = request.headers.get("x-amz-date")
    if stamp is not None:
        return _valid_stamp(stamp)
    date = request.headers.get("date")
    if date is None:
        return None
    try:
        moment = parsedate_to_datetime(date)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime(_STAMP)
    except (ValueError, TypeError, OverflowError):
        return _valid_stamp(date)


def _valid_stamp(stamp: str) -> str:
    try:
        if _STAMP_FORM.fullmatch(stamp) is not None:
            _moment(stamp)
            return stamp
    except ValueError:
        pass
    raise NotAuthentic(
        Fault.INCOMPLETE,
        f"Date must be in ISO-8601 'basic format'. Got '{stamp[:64]}'. See http://en.wikipedia.org/wiki/ISO_8601",
    )


def _signature(
    credential: str,
    signed_headers: str,
    signature: str,
    *,
    stamp: str,
    token: str | None,
    expires_seconds: int | None,
    payload_hash: str | None,
    request: Request,
) -> Signature:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or not all(parts):
        raise NotAuthentic(
            Fault.INCOMPLETE,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{credential[:128]}'",
        )
    key, date, region, service, term = parts
    if term != "aws4_request":
        raise NotAuthentic(
            Fault.MISMATCH, f"Credential should be scoped with a valid terminator: 'aws4_request', not '{term[:64]}'."
        )
    if date != stamp[:8]:
        raise NotAuthentic(
            Fault.MISMATCH,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date[:64]}' != '{stamp[:8]}', from '{stamp}'.",
        )
    if _REGION.fullmatch(region) is None:
        raise NotAuthentic(Fault.MISMATCH, f"Credential should be scoped to a valid region, not '{region[:64]}'.")
    names = tuple(signed_headers.split(";"))
    if "host" not in names:
        raise NotAuthentic(
            Fault.INCOMPLETE, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    for name in _ALWAYS_SIGNED:
        if name in request.headers and name not in names:
            raise NotAuthentic(Fault.INCOMPLETE, f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    return Signature(
        access_key_id=key,
        date=date,
        region=region,
        service=service,
        signed_headers=names,
        signature=signature,
        stamp=stamp,
        token=token,
        expires_seconds=expires_seconds,
        payload_hash=payload_hash,
    )


def check_time(signature: Signature, now: float) -> None:
    """Refuse a signature that is too old, or from the future, seen at *now*."""
    signed_at = signature.signed_at
    lifetime = signature.expires_seconds if signature.expires_seconds is not None else SKEW_SECONDS
    if now > signed_at + lifetime:
        fault = Fault.URL_EXPIRED if signature.presigned else Fault.SKEWED
        minutes = "15 min" if not signature.presigned else f"{lifetime} sec"
        raise NotAuthentic(
            fault,
            f"Signature expired: {signature.stamp} is now earlier than {_stamp(now - lifetime)} "
            f"({_stamp(now)} - {minutes}.)",
        )
    if signed_at > now + SKEW_SECONDS:
        raise NotAuthentic(
            Fault.SKEWED,
            f"Signature not yet current: {signature.stamp} is still later than {_stamp(now + SKEW_SECONDS)} "
            f"({_stamp(now)} + 15 min.)",
        )


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(_STAMP)


def verify(signature: Signature, request: Request, secret_access_key: str) -> None:
    """Refuse *request* unless *signature* was made for it with *secret_access_key*."""
    payload_hash = _payload_hash(signature, request)
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.raw_path, signature.service),
            _canonical_query(request.query),
            "".join(f"{name}:{_header_value(request, name)}\n" for name in signature.signed_headers),
            ";".join(signature.signed_headers),
            payload_hash,
        )
    )
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    to_sign = f"{ALGORITHM}\n{signature.stamp}\n{scope}\n{digest}"
    key = _signing_key(secret_access_key, signature.date, signature.region, signature.service)
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected.encode(), signature.signature.encode("utf-8", "replace")):
        raise NotAuthentic(
            Fault.MISMATCH,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )


def _payload_hash(signature: Signature, request: Request) -> str:
    """Return the body's part of what was signed, having compared an announced hash with the body."""
    announced = signature.payload_hash
    if announced == UNSIGNED_PAYLOAD or (announced is None and signature.presigned and signature.service == "s3"):
        return UNSIGNED_PAYLOAD
    if announced is not None and announced.startswith("STREAMING-"):
        raise NotAuthentic(Fault.NOT_IMPLEMENTED, f"Homeport does not support bodies signed as '{announced[:64]}'.")
    computed = hashlib.sha256(request.body).hexdigest()
    if announced is None or announced == computed:
        return computed
    if _HEX_HASH.fullmatch(announced) is None:
        raise NotAuthentic(
            Fault.BODY_MISMATCH, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value."
        )
    raise NotAuthentic(
        Fault.BODY_MISMATCH, "The provided 'x-amz-content-sha256' header does not match what was computed."
    )


def _canonical_path(raw_path: str, service: str) -> str:
    if service == "s3":
        segments = (unquote(segment, errors="surrogateescape") for segment in raw_path.split("/"))
        return "/".join(quote(segment, safe="~", errors="surrogateescape") for segment in segments)
    kept: list[str] = []
    for part in raw_path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    last = "/" if kept and raw_path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{last}", safe="/~")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = []
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name != "X-Amz-Signature":
            pairs.append((_recoded(name), _recoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _recoded(text: str) -> str:
    return quote(unquote_plus(text, errors="surrogateescape"), safe="", errors="surrogateescape")


def _header_value(request: Request, name: str) -> str:
    return " ".join(request.headers.get(name, "").split())


@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
