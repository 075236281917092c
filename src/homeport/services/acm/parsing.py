"""
Read certificates and keys, and say what is wrong with them.  Pure.

A certificate must fit its private key, and a chain must lead on from it, as a server could not use them otherwise.
"""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from homeport.services.acm.errors import ValidationError
from homeport.services.acm.model import Summary

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_RSA_SIZES = (1024, 2048, 3072, 4096)
_CURVES = {"secp256r1": "EC_prime256v1", "secp384r1": "EC_secp384r1", "secp521r1": "EC_secp521r1"}

_SIGNATURES = {
    SignatureAlgorithmOID.RSA_WITH_SHA1: "SHA1WITHRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "SHA256WITHRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "SHA384WITHRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "SHA512WITHRSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "SHA256WITHECDSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "SHA384WITHECDSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "SHA512WITHECDSA",
}
_KEY_USAGES = {
    "digital_signature": "DIGITAL_SIGNATURE",
    "content_commitment": "NON_REPUDIATION",
    "key_encipherment": "KEY_ENCIPHERMENT",
    "data_encipherment": "DATA_ENCIPHERMENT",
    "key_agreement": "KEY_AGREEMENT",
    "key_cert_sign": "CERTIFICATE_SIGNING",
    "crl_sign": "CRL_SIGNING",
}
_EXTENDED = {
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS_WEB_SERVER_AUTHENTICATION",
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS_WEB_CLIENT_AUTHENTICATION",
    ExtendedKeyUsageOID.CODE_SIGNING: "CODE_SIGNING",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "EMAIL_PROTECTION",
    ExtendedKeyUsageOID.TIME_STAMPING: "TIME_STAMPING",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSP_SIGNING",
}


def parse(body: bytes, chain: bytes, private_key: bytes, now: float) -> Summary:
    """Return what is in a certificate that a server can use with *private_key*, or raise ValidationException."""
    if not (body + chain + private_key).isascii():
        raise ValidationError("Certificates and private keys must be PEM-encoded.")  # unconfirmed
    certificates = _certificates(body, "certificate")
    if len(certificates) > 1:
        raise ValidationError(
            "The certificate field contains more than one certificate. You can specify only one certificate in this field."
        )
    certificate = certificates[0]
    key = _private_key(private_key)
    public = certificate.public_key()
    if public != key.public_key():
        raise ValidationError("The private key does not match the public key in the certificate.")  # unconfirmed
    if certificate.not_valid_before_utc.timestamp() > now:
        raise ValidationError("The certificate is not valid yet.")  # unconfirmed
    if certificate.not_valid_after_utc.timestamp() < now:
        raise ValidationError("The certificate has expired.")  # unconfirmed
    _check_chain(certificate, _certificates(chain, "certificate chain") if chain.strip() else [])
    return _summary(certificate, key)


def _certificates(pem: bytes, noun: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValidationError(f"The {noun} is not a valid PEM-encoded certificate.") from None  # unconfirmed


def _private_key(pem: bytes) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValidationError("The private key is encrypted; it must not be.") from None  # unconfirmed
    except (ValueError, UnsupportedAlgorithm):
        raise ValidationError("The private key is not a valid PEM-encoded private key.") from None  # unconfirmed
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size in _RSA_SIZES:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return key
    raise ValidationError("The private key's algorithm or size is not supported.")  # unconfirmed


def _check_chain(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> None:
    below = certificate
    for issuer in chain:
        try:
            below.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            raise ValidationError("Could not validate the certificate with the certificate chain.") from None
        below = issuer


def _summary(certificate: x509.Certificate, key: PrivateKey) -> Summary:
    names = _names(certificate)
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    domain = str(common[0].value) if common else next(iter(names), "")
    serial = f"{certificate.serial_number:x}"
    serial = serial.zfill(len(serial) + len(serial) % 2)
    return Summary(
        domain=domain,
        names=names or (domain,),
        serial=":".join(serial[i : i + 2] for i in range(0, len(serial), 2)),
        subject=certificate.subject.rfc4514_string(),
        issuer=_issuer(certificate),
        not_before=certificate.not_valid_before_utc.timestamp(),
        not_after=certificate.not_valid_after_utc.timestamp(),
        key_algorithm=f"RSA_{key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else _CURVES[key.curve.name],
        signature_algorithm=_SIGNATURES.get(certificate.signature_algorithm_oid, "CUSTOM"),
        key_usages=_key_usages(certificate),
        extended_key_usages=_extended_key_usages(certificate),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value.get_values_for_type(x509.DNSName))


def _issuer(certificate: x509.Certificate) -> str:
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if found := certificate.issuer.get_attributes_for_oid(oid):
            return str(found[0].value)
    return certificate.issuer.rfc4514_string()


def _key_usages(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name for attribute, name in _KEY_USAGES.items() if getattr(usage, attribute))


def _extended_key_usages(certificate: x509.Certificate) -> tuple[tuple[str, str], ...]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple((_EXTENDED.get(oid, "CUSTOM"), oid.dotted_string) for oid in usage)
