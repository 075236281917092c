"""Numbers, booleans, blobs and times as text, strictly."""

import base64
import binascii
import math
import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

from homeport.aws.model import Shape
from homeport.gateway.protocols.protocol import Malformed

INTEGER_BOUNDS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,64}(\.\d{0,64})?|\.\d{1,64})([eE][+-]?\d{1,3})?", re.ASCII)
#: The years 1 to 9999, which is what a date can be written for.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_SPECIAL_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def bounded(kind: str, value: int) -> int:
    low, high = INTEGER_BOUNDS[kind]
    if not low <= value <= high:
        raise Malformed(f"{value} does not fit {'an' if kind == 'integer' else 'a'} {kind}")
    return value


def parse_integer(kind: str, text: str) -> int:
    if _INTEGER.fullmatch(text) is None:
        raise Malformed(f"'{text[:64]}' is not a number")
    return bounded(kind, int(text))


def parse_float(text: str) -> float:
    if text in _SPECIAL_NUMBERS:
        return _SPECIAL_NUMBERS[text]
    if _NUMBER.fullmatch(text) is None or math.isinf(value := float(text)):
        raise Malformed(f"'{text[:64]}' is not a number")
    return value


def parse_boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise Malformed(f"'{text[:64]}' is neither true nor false")
    return lowered == "true"


def parse_blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("not valid base64") from None


def seconds(value: float) -> float:
    """Check that *value* is a moment that a date can express."""
    if not _FIRST_SECOND <= value <= _LAST_SECOND:  # NaN fails this too
        raise Malformed(f"{value} is not a time")
    return value


def parse_time(text: str) -> float:
    """Read any of AWS's ways to write a time: ISO 8601, HTTP date, epoch seconds."""
    if _NUMBER.fullmatch(text) is not None:
        return seconds(float(text))
    try:
        moment = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        raise Malformed(f"'{text[:64]}' is not a time") from None


def epoch(value: float | datetime) -> float:
    """Return what a handler gave as a time as epoch seconds, to the millisecond as AWS does."""
    if isinstance(value, datetime):
        value = value.timestamp()
    return round(value, 3)


def format_time(value: float | datetime, style: str) -> str:
    """Write a time in *style*, one of the model's timestampFormats."""
    moment = epoch(value)
    if style == "unixTimestamp":
        return str(int(moment)) if moment == int(moment) else repr(moment)
    if style == "rfc822":
        return formatdate(moment, usegmt=True)
    stamp = datetime.fromtimestamp(moment, UTC)
    milliseconds = round(moment * 1000) % 1000
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z" if milliseconds else f"{stamp:%Y-%m-%dT%H:%M:%S}Z"


def format_float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def parse_text(shape: Shape, text: str) -> Any:
    """Read a scalar that a query string, a header or an XML element carries as text."""
    match shape.type:
        case "integer" | "long":
            return parse_integer(shape.type, text.strip())
        case "boolean":
            return parse_boolean(text.strip())
        case "float" | "double":
            return parse_float(text.strip())
        case "timestamp":
            return parse_time(text.strip())
        case "blob":
            return parse_blob(text)
        case "string" | "character":
            return text
        case other:
            raise Malformed(f"a {other} cannot be plain text")


def format_text(shape: Shape, value: Any, time_style: str) -> str:
    """Write a scalar as text."""
    match shape.type:
        case "string" | "character":
            return value if isinstance(value, str) else str(value)
        case "boolean":
            return "true" if value else "false"
        case "timestamp":
            return format_time(value, shape.get("timestampFormat") or time_style)
        case "blob":
            return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        case "float" | "double":
            return format_float(float(value))
        case _:
            return str(value)
