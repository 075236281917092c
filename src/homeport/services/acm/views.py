"""Certificates in the shapes of AWS's API."""

from collections.abc import Sequence
from typing import Any

from homeport.services.acm.model import Certificate


def detail_view(certificate: Certificate, users: Sequence[str], now: float) -> dict[str, Any]:
    summary = certificate.summary
    return {
        **_common(certificate, now),
        "SubjectAlternativeNames": list(summary.names),
        "Serial": summary.serial,
        "Subject": summary.subject,
        "Issuer": summary.issuer,
        "SignatureAlgorithm": summary.signature_algorithm,
        "InUseBy": list(users),
        "KeyUsages": [{"Name": name} for name in summary.key_usages],
        "ExtendedKeyUsages": [{"Name": name, "OID": oid} for name, oid in summary.extended_key_usages],
        "Options": {"CertificateTransparencyLoggingPreference": "DISABLED"},
    }


def summary_view(certificate: Certificate, *, in_use: bool, now: float) -> dict[str, Any]:
    summary = certificate.summary
    return {
        **_common(certificate, now),
        "SubjectAlternativeNameSummaries": list(summary.names[:100]),
        "HasAdditionalSubjectAlternativeNames": len(summary.names) > 100,
        "KeyUsages": list(summary.key_usages),
        "ExtendedKeyUsages": [name for name, _ in summary.extended_key_usages],
        "InUse": in_use,
    }


def _common(certificate: Certificate, now: float) -> dict[str, Any]:
    summary = certificate.summary
    return {
        "CertificateArn": certificate.arn,
        "DomainName": summary.domain,
        "CreatedAt": certificate.created_at,
        "ImportedAt": certificate.imported_at,
        "Status": certificate.status(now),
        "NotBefore": summary.not_before,
        "NotAfter": summary.not_after,
        "KeyAlgorithm": summary.key_algorithm,
        "Type": "IMPORTED",
        "RenewalEligibility": "INELIGIBLE",
    }
