"""Certificates: imported, described, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.fields import Fields
from homeport.aws.paging import Keyset, cut_page
from homeport.services.acm import store
from homeport.services.acm.errors import InvalidParameter, ResourceInUse, ValidationError
from homeport.services.acm.handlers.lookup import get_certificate as find_certificate
from homeport.services.acm.handlers.tags import parse_tags
from homeport.services.acm.model import Certificate
from homeport.services.acm.parsing import parse
from homeport.services.acm.service import CERTIFICATES, acm
from homeport.services.acm.views import detail_view, summary_view

#: What a list shows where a request does not say which kinds of keys it wants, as on AWS.
_USUAL_KEYS = ("RSA_1024", "RSA_2048")
_PAGE = 1000


@acm.operation("ImportCertificate")
async def import_certificate(
    call: Call,
    *,
    certificate: bytes,
    private_key: bytes,
    certificate_chain: bytes = b"",
    certificate_arn: str | None = None,
    tags: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    if certificate_arn is not None and tags:
        raise InvalidParameter("You cannot apply tags when you reimport a certificate.")  # unconfirmed
    summary = parse(certificate, certificate_chain, private_key, call.now())
    body, chain, key = (part.decode("ascii") for part in (certificate, certificate_chain, private_key))
    if certificate_arn is None:
        arn = call.arn("acm", f"certificate/{call.ids.uuid()}")
        made = Certificate(arn, call.region, call.now(), call.now(), body, chain, key, summary, parse_tags(tags))
    else:
        there = await find_certificate(call, certificate_arn)
        if there.summary.key_algorithm != summary.key_algorithm:
            raise ValidationError(  # unconfirmed
                "The key type of the certificate differs from that of the certificate it replaces."
            )
        made = replace(there, imported_at=call.now(), body=body, chain=chain, private_key=key, summary=summary)
        call.wake(CERTIFICATES)
    await store.put(call.tx, made)
    return {"CertificateArn": made.arn}


@acm.operation("DescribeCertificate", reads=True)
async def describe_certificate(call: Call, *, certificate_arn: str) -> dict[str, Any]:
    certificate = await find_certificate(call, certificate_arn)
    users = await store.users_of(call.tx, certificate.arn)
    return {"Certificate": detail_view(certificate, users, call.now())}


@acm.operation("GetCertificate", reads=True)
async def get_certificate(call: Call, *, certificate_arn: str) -> dict[str, Any]:
    certificate = await find_certificate(call, certificate_arn)
    answer = {"Certificate": certificate.body}
    return answer | ({"CertificateChain": certificate.chain} if certificate.chain else {})


@acm.operation("ListCertificates", reads=True)
async def list_certificates(
    call: Call,
    *,
    certificate_statuses: Sequence[str] = (),
    includes: Mapping[str, Any] | None = None,
    next_token: str | None = None,
    max_items: int = _PAGE,
) -> dict[str, Any]:
    with Fields(includes or {}, "includes") as fields:
        key_types = fields.take("keyTypes", list, []) or _USUAL_KEYS
    start = Keyset(("created_at", "arn"), next_token, kinds=(float, str), invalid=_invalid_token)
    statuses = certificate_statuses or ("ISSUED", "EXPIRED")
    wanted = store.Wanted(key_types, valid="ISSUED" in statuses, expired="EXPIRED" in statuses, now=call.now())
    rows = await store.page(
        call.tx, call.region, wanted, condition=start.condition, values=start.values, limit=max_items + 1
    )
    page = cut_page(rows, max_items, key=lambda certificate: (certificate.created_at, certificate.arn))
    views = [
        summary_view(certificate, in_use=bool(await store.users_of(call.tx, certificate.arn)), now=call.now())
        for certificate in page.items
    ]
    return page.with_token({"CertificateSummaryList": views}, "NextToken")


def _invalid_token() -> AwsError:
    return InvalidParameter("The token is invalid.")  # unconfirmed


@acm.operation("DeleteCertificate")
async def delete_certificate(call: Call, *, certificate_arn: str) -> None:
    certificate = await find_certificate(call, certificate_arn)
    if await store.users_of(call.tx, certificate.arn):
        raise ResourceInUse(f"Certificate {certificate.arn} in account {call.account} is in use.")
    await store.delete(call.tx, certificate.arn)
