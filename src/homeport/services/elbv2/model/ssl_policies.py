"""
The security policies of listeners that end TLS, by AWS's names.

A policy decides which versions of TLS are spoken.  Ciphers are those that the node's OpenSSL takes for them.
"""

from dataclasses import dataclass

DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"

_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


@dataclass(frozen=True, slots=True)
class SslPolicy:
    """A policy, and the versions of TLS it allows, oldest first."""

    name: str
    protocols: tuple[str, ...]


def _policy(name: str, oldest: str, newest: str = "TLSv1.2") -> SslPolicy:
    first, last = _VERSIONS.index(oldest), _VERSIONS.index(newest)
    return SslPolicy(name, _VERSIONS[first : last + 1])


POLICIES = {
    policy.name: policy
    for policy in (
        _policy(DEFAULT_POLICY, "TLSv1"),
        _policy("ELBSecurityPolicy-TLS-1-0-2015-04", "TLSv1"),
        _policy("ELBSecurityPolicy-TLS-1-1-2017-01", "TLSv1.1"),
        _policy("ELBSecurityPolicy-TLS-1-2-2017-01", "TLSv1.2"),
        _policy("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", "TLSv1.2"),
        _policy("ELBSecurityPolicy-FS-2018-06", "TLSv1"),
        _policy("ELBSecurityPolicy-FS-1-1-2019-08", "TLSv1.1"),
        _policy("ELBSecurityPolicy-FS-1-2-2019-08", "TLSv1.2"),
        _policy("ELBSecurityPolicy-FS-1-2-Res-2019-08", "TLSv1.2"),
        _policy("ELBSecurityPolicy-FS-1-2-Res-2020-10", "TLSv1.2"),
        _policy("ELBSecurityPolicy-TLS13-1-0-2021-06", "TLSv1", "TLSv1.3"),
        _policy("ELBSecurityPolicy-TLS13-1-1-2021-06", "TLSv1.1", "TLSv1.3"),
        _policy("ELBSecurityPolicy-TLS13-1-2-2021-06", "TLSv1.2", "TLSv1.3"),
        _policy("ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", "TLSv1.2", "TLSv1.3"),
        _policy("ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", "TLSv1.2", "TLSv1.3"),
        _policy("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "TLSv1.2", "TLSv1.3"),
        _policy("ELBSecurityPolicy-TLS13-1-3-2021-06", "TLSv1.3", "TLSv1.3"),
    )
}
