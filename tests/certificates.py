"""Certificates made by an authority of the tests' own."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Issued(NamedTuple):
    """A certificate, its chain and its key, PEM."""

    body: bytes
    chain: bytes
    key: bytes


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests")]
    )


class Authority:
    """Signs what it is asked to; RSA keys are made once, as they take long."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(_name("authority"), self.key, _name("authority"), authority=True)
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _sign(
        self, subject: x509.Name, key: Any, issuer: x509.Name, *names: str, authority: bool = False, days: int = 30,
    ) -> x509.Certificate:  # fmt: skip
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(0x1234ABCD)
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, *names: str, elliptic: bool = False, days: int = 30) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1()) if elliptic else self.rsa
        made = self._sign(_name(names[0]), key, self.certificate.subject, *names, days=days)
        return Issued(pem(made), pem(self.certificate), key_pem(key))


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: Any, password: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption)
    )
