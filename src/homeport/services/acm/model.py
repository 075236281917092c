"""Certificates as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was read from a certificate; times are seconds since the epoch, names are AWS's enumerations."""

    domain: str
    names: tuple[str, ...]
    serial: str
    subject: str
    issuer: str
    not_before: float
    not_after: float
    key_algorithm: str
    signature_algorithm: str
    key_usages: tuple[str, ...] = ()
    extended_key_usages: tuple[tuple[str, str], ...] = ()  # name and OID


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its chain and its private key, all PEM."""

    arn: str
    region: str
    created_at: float
    imported_at: float
    body: str
    chain: str
    private_key: str
    summary: Summary
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_chain(self) -> str:
        """What a server sends: the certificate, then those that lead to its authority."""
        return f"{self.body.strip()}\n{self.chain.strip()}\n" if self.chain.strip() else f"{self.body.strip()}\n"

    def status(self, now: float) -> str:
        return "EXPIRED" if now > self.summary.not_after else "ISSUED"
