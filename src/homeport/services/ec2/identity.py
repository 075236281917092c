"""
Instance identity documents, and the key that signs them.

A document says which instance it belongs to; whoever trusts the certificate can check that it was not made up.  There is
one key in an installation, so that documents stay valid whichever server made them.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from homeport.db.database import Database
from homeport.kit.clock import Clock
from homeport.services.ec2.images import find_image
from homeport.services.ec2.instance import Instance
from homeport.services.ec2.store import identity as stored

_VERSION = "2017-09-30"
_KEY_BITS = 2048


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document with its signature, and as a PKCS #7 message that contains it; both base64."""

    document: str
    signature: str
    pkcs7: str


class Signer:
    """The key with its certificate, both PEM."""

    def __init__(self, signing_key: str, certificate: str) -> None:
        key = serialization.load_pem_private_key(signing_key.encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey), "the key of identity documents is made by `create`"
        self._key = key
        self._certificate = x509.load_pem_x509_certificate(certificate.encode())
        self.signing_key, self.certificate = signing_key, certificate
        self.sign = lru_cache(maxsize=1024)(self._sign)  # the same document always has the same signatures

    @classmethod
    def create(cls, now: float) -> "Signer":
        """Make a new key and certificate."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "homeport instance identity")])
        start = datetime.fromtimestamp(now, UTC) - timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=36_500))
            .sign(key, hashes.SHA256())
        )
        signing_key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(signing_key.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())

    def _sign(self, document: str) -> SignedDocument:
        content = document.encode()
        signature = self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        message = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(content)
            .add_signer(self._certificate, self._key, hashes.SHA256())
            # Without attributes there is no time in it, so that it stays the same.
            .sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoAttributes])
        )
        return SignedDocument(document, base64.b64encode(signature).decode(), base64.b64encode(message).decode())


def identity_document(instance: Instance, account: str, address: str) -> str:
    """Return the document of an instance whose primary interface has *address*."""
    image = find_image(instance.region, instance.image)
    content = {
        "accountId": account,
        "architecture": image.architecture if image is not None else "x86_64",
        "availabilityZone": instance.zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": instance.image,
        "instanceId": instance.id,
        "instanceType": instance.type,
        "kernelId": None,
        "pendingTime": f"{datetime.fromtimestamp(instance.launched_at, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "privateIp": address,
        "ramdiskId": None,
        "region": instance.region,
        "version": _VERSION,
    }
    return json.dumps(content, indent=2, separators=(",", " : "))


async def load_or_create(database: Database, clock: Clock) -> Signer:
    """Return the installation's signer, made at first call."""
    async with database.transaction() as tx:
        found = await stored.find_key(tx)
        if found is None:
            fresh = Signer.create(clock.now())
            found = stored.Key(fresh.signing_key, fresh.certificate)
            await stored.add_key(tx, found)
    return Signer(found.signing_key, found.certificate)
