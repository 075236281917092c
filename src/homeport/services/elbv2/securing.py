"""Listeners that end TLS: their protocols, certificates and security policies, and which certificates are in use."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.fields import Fields
from homeport.db.database import Tx
from homeport.services.acm import store as acm
from homeport.services.acm.model import Certificate
from homeport.services.elbv2 import errors
from homeport.services.elbv2.model.load_balancers import Kind, Listener, ListenerDocument
from homeport.services.elbv2.model.ssl_policies import DEFAULT_POLICY, POLICIES
from homeport.services.elbv2.store import listeners

#: How many certificates a load balancer may have beside the default ones of its listeners, AWS's default quota.
MAX_CERTIFICATES = 25

_PROTOCOLS = {Kind.APPLICATION: ("HTTP", "HTTPS"), Kind.NETWORK: ("TCP", "TLS", "UDP", "TCP_UDP")}
_SERVED = ("HTTP", "HTTPS", "TCP", "TLS")
_SECURE = ("HTTPS", "TLS")


def is_secure(protocol: str) -> bool:
    """Say whether listeners of a protocol end TLS."""
    return protocol in _SECURE


async def listener_document(
    tx: Tx, region: str, kind: Kind, protocol: str, ssl_policy: str, certificates: Sequence[Mapping[str, Any]]
) -> ListenerDocument:
    """Return what a request declares of a listener, or refuse it."""
    if not protocol:
        raise errors.ValidationError("A listener protocol must be specified")
    takes = _PROTOCOLS[kind]
    if protocol not in takes:
        raise errors.ValidationError(f"Listener protocol '{protocol}' must be one of '{', '.join(takes)}'")
    if protocol not in _SERVED:
        raise errors.UnsupportedProtocol(f"Homeport does not support listeners of protocol {protocol}.")
    if not is_secure(protocol):
        if ssl_policy or certificates:
            raise errors.InvalidConfigurationRequest(  # unconfirmed
                f"Certificates and security policies cannot be specified for {protocol} listeners"
            )
        return ListenerDocument(protocol=protocol)
    if not certificates:
        raise errors.ValidationError(f"A certificate must be specified for {protocol} listeners")
    arns = await check_certificates(tx, region, certificates)
    if len(arns) > 1:
        raise errors.ValidationError("You can specify only one certificate: add others to the listener")  # unconfirmed
    policy = ssl_policy or DEFAULT_POLICY
    if policy not in POLICIES:
        raise errors.SslPolicyNotFound(f"SSL policy '{policy}' not found")  # unconfirmed
    return ListenerDocument(protocol=protocol, ssl_policy=policy, certificates=arns)


async def check_certificates(tx: Tx, region: str, certificates: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the ARNs of the region's certificates that a request names, or raise CertificateNotFound."""
    arns = []
    for position, item in enumerate(certificates):
        with Fields(item, f"certificates[{position}]") as fields:
            arn = fields.take("CertificateArn", str, "")
            fields.ignore("IsDefault")  # requests must leave it out; AWS's own answers have it
        found = await acm.find(tx, arn)
        if found is None or found.region != region:
            raise errors.CertificateNotFound(f"Certificate '{arn}' not found")
        arns.append(arn)
    return tuple(dict.fromkeys(arns))


async def note_uses(tx: Tx, load_balancer: str) -> None:
    """Have the certificates know that a load balancer serves them now, or no longer does."""
    served = await listeners.listeners_of(tx, load_balancer)
    await acm.set_uses(tx, load_balancer, {arn for listener in served for arn in listener.document.certificates})


async def certificates_of(tx: Tx, listener: Listener) -> list[Certificate]:
    """Return a listener's certificates, the default first."""
    found = [await acm.find(tx, arn) for arn in listener.document.certificates]
    return [certificate for certificate in found if certificate is not None]
