"""The certificate that a request names."""

from homeport.aws.call import Call
from homeport.services.acm import store
from homeport.services.acm.errors import no_certificate
from homeport.services.acm.model import Certificate


async def get_certificate(call: Call, arn: str) -> Certificate:
    """Return a certificate of the caller's region, or raise ResourceNotFoundException."""
    certificate = await store.find(call.tx, arn)
    if certificate is None or certificate.region != call.region:
        raise no_certificate(arn, call.account)
    return certificate
