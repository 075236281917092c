"""
The one key that the registry trusts, and what is signed with it.

Two kinds of proof: *passwords*, which GetAuthorizationToken hands out and clients log in with, and
*registry tokens*, which the token service gives for a password and the registry accepts for minutes.
A password is a MAC and only we check it; a registry token is a JWT with our certificate inside, which is how
the registry (distribution 2.8, and later ones) wants it.  Neither passes for the other.
"""

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

#: What registry and token service call each other in tokens; the registry's configuration says the same.
SERVICE = "homeport-registry"
ISSUER = "homeport"

PASSWORD_SECONDS = 12 * 60 * 60
TOKEN_SECONDS = 300
NODE = "node"  # the subject of the nodes' password

_LEEWAY = 60  # a registry's clock may be this much behind


class NotAuthorized(Exception):
    """A password that does not prove anything; the message is for the client."""


class Authority:
    """The signing key with its certificate, both PEM."""

    def __init__(self, signing_key: str, certificate: str) -> None:
        key = serialization.load_pem_private_key(signing_key.encode(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "the registry's key is made by `create`"
        self.signing_key, self.certificate = signing_key, certificate
        self._key = key
        parsed = x509.load_pem_x509_certificate(certificate.encode())
        self._header = {
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [base64.b64encode(parsed.public_bytes(serialization.Encoding.DER)).decode()],
        }
        secret = key.private_numbers().private_value.to_bytes(32, "big")
        self._mac_key = hmac.digest(secret, b"homeport registry passwords", "sha256")

    @classmethod
    def create(cls, now: float) -> "Authority":
        """Make a new key and certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "homeport registry tokens")])
        start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=36_500))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        signing_key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(signing_key.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())

    def registry_token(self, subject: str, access: Sequence[Mapping[str, Any]], now: float) -> str:
        """Return a token that opens *access* (the registry's own form) for TOKEN_SECONDS."""
        claims = {
            "iss": ISSUER,
            "sub": subject,
            "aud": SERVICE,
            "exp": int(now) + TOKEN_SECONDS,
            "nbf": int(now) - _LEEWAY,
            "iat": int(now),
            "jti": str(uuid.uuid4()),
            "access": list(access),
        }
        signed = f"{_encode_json(self._header)}.{_encode_json(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def password(self, subject: str, expires_at: int) -> str:
        """Return a password for *subject* (who asked for it) that holds until *expires_at*; 0 means for ever."""
        payload = _encode_json({"sub": subject, "exp": expires_at})
        return f"{payload}.{self._mac(payload)}"

    def node_password(self) -> str:
        """Return the password with which nodes pull and registries report: always the same one."""
        return self.password(NODE, 0)

    def check_password(self, password: str, now: float) -> str:
        """Return whose password it is, or raise NotAuthorized."""
        payload, _, mac = password.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(payload).encode()):
            raise NotAuthorized("authentication required")
        try:
            content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (binascii.Error, ValueError) as error:  # signed by us and yet unreadable: an older form
            raise NotAuthorized("authentication required") from error
        if content["exp"] and content["exp"] <= now:
            raise NotAuthorized("Your authorization token has expired. Reauthenticate and try again.")
        return str(content["sub"])

    def _mac(self, payload: str) -> str:
        return _encode(hmac.digest(self._mac_key, payload.encode(), hashlib.sha256))


@lru_cache(maxsize=8)
def authority_of(signing_key: str, certificate: str) -> Authority:
    """Return the authority with that key, without parsing it for every request."""
    return Authority(signing_key, certificate)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode_json(document: Mapping[str, Any]) -> str:
    return _encode(json.dumps(document, separators=(",", ":")).encode())
