"""Who may not pass, in the words of the service that was asked."""

from homeport.aws.call import Principal
from homeport.aws.errors import AwsError
from homeport.gateway.sigv4 import Fault, NotAuthentic

_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_EC2_FAILURE = "AWS was not able to validate the provided access credentials"

# (code, status, fixed message or None for the particular one)
_Words = tuple[str, int, str | None]

_JSON: dict[Fault, _Words] = {
    Fault.MISSING: ("MissingAuthenticationTokenException", 400, "Missing Authentication Token"),
    Fault.INCOMPLETE: ("IncompleteSignatureException", 400, None),
    Fault.UNKNOWN_KEY: ("UnrecognizedClientException", 400, _INVALID),
    Fault.MISMATCH: ("InvalidSignatureException", 400, None),
    Fault.BODY_MISMATCH: ("InvalidSignatureException", 400, None),
    Fault.SKEWED: ("InvalidSignatureException", 400, None),
    Fault.URL_EXPIRED: ("InvalidSignatureException", 400, None),
    Fault.TOKEN_EXPIRED: ("ExpiredTokenException", 400, _EXPIRED),
    Fault.NOT_IMPLEMENTED: ("InvalidSignatureException", 400, None),
}
_QUERY: dict[Fault, _Words] = {
    Fault.MISSING: ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
    Fault.INCOMPLETE: ("IncompleteSignature", 400, None),
    Fault.UNKNOWN_KEY: ("InvalidClientTokenId", 403, _INVALID),
    Fault.MISMATCH: ("SignatureDoesNotMatch", 403, None),
    Fault.BODY_MISMATCH: ("SignatureDoesNotMatch", 403, None),
    Fault.SKEWED: ("SignatureDoesNotMatch", 403, None),
    Fault.URL_EXPIRED: ("SignatureDoesNotMatch", 403, None),
    Fault.TOKEN_EXPIRED: ("ExpiredToken", 403, _EXPIRED),
    Fault.NOT_IMPLEMENTED: ("SignatureDoesNotMatch", 403, None),
}
_EC2: dict[Fault, _Words] = {
    **_QUERY,
    Fault.MISSING: ("MissingParameter", 400, "The request must contain the parameter AWSAccessKeyId"),
    Fault.UNKNOWN_KEY: ("AuthFailure", 401, _EC2_FAILURE),
    Fault.MISMATCH: ("AuthFailure", 401, _EC2_FAILURE),
    Fault.SKEWED: ("RequestExpired", 400, "Request has expired."),
    Fault.URL_EXPIRED: ("RequestExpired", 400, "Request has expired."),
    Fault.TOKEN_EXPIRED: ("RequestExpired", 400, "Request has expired."),
}
_S3: dict[Fault, _Words] = {
    **_QUERY,
    Fault.MISSING: ("AccessDenied", 403, "Access Denied"),
    Fault.INCOMPLETE: ("AuthorizationHeaderMalformed", 400, None),
    Fault.UNKNOWN_KEY: (
        "InvalidAccessKeyId",
        403,
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    Fault.BODY_MISMATCH: ("XAmzContentSHA256Mismatch", 400, None),
    Fault.SKEWED: (
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
    ),
    Fault.URL_EXPIRED: ("AccessDenied", 403, "Request has expired"),
    Fault.TOKEN_EXPIRED: ("ExpiredToken", 400, "The provided token has expired."),
    Fault.NOT_IMPLEMENTED: ("NotImplemented", 501, None),
}
_BY_FAMILY = {"query": _QUERY, "rest-xml": _QUERY, "ec2": _EC2, "s3": _S3}


def not_authentic(problem: NotAuthentic, family: str) -> AwsError:
    """Word *problem* as a service of this protocol family does."""
    code, status, message = _BY_FAMILY.get(family, _JSON)[problem.fault]
    return AwsError(message or problem.message, code=code, status=status)


def access_denied(principal: Principal, action: str, resource: str, reason: str, family: str) -> AwsError:
    """Say that *principal* may not perform *action*, and why."""
    sentence = f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource} because {reason}"
    if family == "ec2":
        return AwsError(
            f"You are not authorized to perform this operation. {sentence}", code="UnauthorizedOperation", status=403
        )
    if family in _BY_FAMILY:
        return AwsError(sentence, code="AccessDenied", status=403)
    return AwsError(sentence, code="AccessDeniedException", status=400)
