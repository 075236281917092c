"""Certificates of listeners beside their default ones, and the security policies there are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from homeport.aws.call import Call
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2.handlers.listeners import tell
from homeport.services.elbv2.model.load_balancers import Listener
from homeport.services.elbv2.model.ssl_policies import POLICIES, SslPolicy
from homeport.services.elbv2.paging import PAGE_SIZE
from homeport.services.elbv2.securing import MAX_CERTIFICATES, check_certificates, is_secure, note_uses
from homeport.services.elbv2.service import elbv2
from homeport.services.elbv2.store import listeners as store


async def _secure_listener(call: Call, arn: str) -> Listener:
    listener = await lookup.listener(call.tx, call.region, arn)
    if not is_secure(listener.document.protocol):
        raise errors.InvalidConfigurationRequest(  # unconfirmed
            f"Listeners of protocol {listener.document.protocol} have no certificates"
        )
    return listener


async def _put(call: Call, listener: Listener, certificates: Sequence[str]) -> None:
    document = with_fields(listener.document, certificates=tuple(certificates))
    await store.put_listener(call.tx, replace(listener, document=document))
    await note_uses(call.tx, listener.load_balancer)
    await tell(call, listener.load_balancer, ())


@elbv2.operation("AddListenerCertificates")
async def add_listener_certificates(
    call: Call, *, listener_arn: str, certificates: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    listener = await _secure_listener(call, listener_arn)
    added = await check_certificates(call.tx, call.region, certificates)
    merged = tuple(dict.fromkeys((*listener.document.certificates, *added)))
    if len(merged) - 1 > MAX_CERTIFICATES:
        raise errors.TooManyCertificates("The maximum number of certificates has been reached")  # unconfirmed
    await _put(call, listener, merged)
    return {"Certificates": [{"CertificateArn": arn, "IsDefault": False} for arn in added]}


@elbv2.operation("RemoveListenerCertificates")
async def remove_listener_certificates(
    call: Call, *, listener_arn: str, certificates: Sequence[Mapping[str, Any]]
) -> None:
    listener = await _secure_listener(call, listener_arn)
    removed = {item.get("CertificateArn", "") for item in certificates}
    default, *others = listener.document.certificates
    if default in removed:
        raise errors.OperationNotPermitted("The default certificate cannot be removed from a listener")  # unconfirmed
    await _put(call, listener, [default, *(arn for arn in others if arn not in removed)])


# Marker: the few certificates of a listener are one page.
# PageSize: as above.
@elbv2.operation("DescribeListenerCertificates", reads=True, ignores=("Marker", "PageSize"))
async def describe_listener_certificates(call: Call, *, listener_arn: str) -> dict[str, Any]:
    listener = await lookup.listener(call.tx, call.region, listener_arn)
    return {
        "Certificates": [
            {"CertificateArn": arn, "IsDefault": position == 0}
            for position, arn in enumerate(listener.document.certificates)
        ]
    }


@elbv2.operation("DescribeSSLPolicies", reads=True)
async def describe_ssl_policies(
    call: Call, *, names: Sequence[str] = (), marker: str | None = None, page_size: int = PAGE_SIZE
) -> dict[str, Any]:
    assert call.region, "every call has a region"
    missing = [name for name in names if name not in POLICIES]
    if missing:
        raise errors.SslPolicyNotFound(f"SSL policy '{missing[0]}' not found")  # unconfirmed
    shown = [POLICIES[name] for name in names] or list(POLICIES.values())
    after = [policy for policy in shown if marker is None or policy.name > marker]
    page = sorted(after, key=lambda policy: policy.name)[:page_size]
    more = {"NextMarker": page[-1].name} if len(after) > page_size else {}
    return {"SslPolicies": [_view(policy) for policy in page], **more}


def _view(policy: SslPolicy) -> dict[str, Any]:
    return {
        "Name": policy.name,
        "SslProtocols": list(policy.protocols),
        "Ciphers": [],
        "SupportedLoadBalancerTypes": ["application", "network"],
    }
