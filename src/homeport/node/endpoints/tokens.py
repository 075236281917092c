"""
Session tokens of the instance metadata service: what they promise, they say themselves.

A token names its instance and the time of its end under a code that only this node can make, so nothing is
remembered of it, and none can be made up, changed, or used from another instance.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct

LONGEST_SECONDS = 21_600
_BODY = struct.Struct(">Q16s")  # its end in milliseconds since the epoch, and something that makes each one different


class Tokens:
    """Makes tokens and knows them again; *key* is secret."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, instance: str, seconds: int, now: float) -> str:
        """Return a token for *instance* that is good for so many seconds."""
        body = _BODY.pack(int((now + seconds) * 1000), secrets.token_bytes(16))
        return base64.urlsafe_b64encode(body + self._code(instance, body)).decode()

    def seconds_left(self, token: str, instance: str, now: float) -> int | None:
        """Return for how long the token is good, or None if it is not, or never was, or is not this instance's."""
        try:
            data = base64.b64decode(token.encode("ascii", "replace"), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, code = data[: _BODY.size], data[_BODY.size :]
        if len(body) != _BODY.size or not hmac.compare_digest(code, self._code(instance, body)):
            return None
        left = _BODY.unpack(body)[0] / 1000 - now
        return int(left) if left > 0 else None

    def _code(self, instance: str, body: bytes) -> bytes:
        return hmac.digest(self._key, instance.encode() + b"\0" + body, hashlib.sha256)
