"""Whatever botocore signs we accept; whatever is changed afterwards we refuse."""

import dataclasses
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.gateway import sigv4
from homeport.gateway.messages import Request
from homeport.gateway.sigv4 import Fault, NotAuthentic

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
EXAMPLES = settings(max_examples=300)

segments = st.text(alphabet="abz09 %/+é~-_.*'()&=,:@😀", max_size=12)
texts = st.text(alphabet="abz09 %/+é~-_.*'()&=,:@;?#", max_size=12)
paths = st.lists(segments, max_size=4).map(lambda parts: "/" + "/".join(quote(part, safe="-_.~") for part in parts))
parameters = st.dictionaries(texts.filter(bool), texts, max_size=4)
headers = st.dictionaries(
    st.sampled_from(["content-type", "x-amz-target", "x-custom", "x-amz-meta-a"]),
    st.text(alphabet="ab \t;=é/", max_size=16),
    max_size=4,
)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE"])
bodies = st.binary(max_size=64)
tokens = st.none() | st.text(alphabet="abc/+=", min_size=1, max_size=20)


def received(request: AWSRequest, body: bytes) -> Request:
    """Return *request* as it arrives: on the wire, header values lose the spaces around them."""
    assert request.method is not None
    url = urlsplit(str(request.url))
    query = url.query
    if request.params:
        query = "&".join(
            f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in request.params.items()
        )
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        text = (value.decode() if isinstance(value, bytes) else value).strip()
        found[name.lower()] = f"{found[name.lower()]},{text}" if name.lower() in found else text
    found.setdefault("host", url.netloc)
    return Request(request.method, url.path, query, found, body)


def verified(request: Request) -> sigv4.Signature:
    signature = sigv4.read_signature(request)
    assert signature is not None
    sigv4.check_time(signature, signature.signed_at + 1)
    sigv4.verify(signature, request, SECRET)
    return signature


def sign(auth: type[SigV4Auth], service: str, request: AWSRequest, token: str | None) -> None:
    auth(Credentials("AKIAEXAMPLE", SECRET, token), service, "eu-west-1").add_auth(request)


@EXAMPLES
@given(method=methods, path=paths, params=parameters, head=headers, body=bodies, token=tokens)
def test_headers_signed_by_botocore_are_accepted(
    method: str, path: str, params: dict[str, str], head: dict[str, str], body: bytes, token: str | None
) -> None:
    request = AWSRequest(method, f"http://127.0.0.1:4566{path}", headers=head, data=body, params=params)
    sign(SigV4Auth, "ecs", request, token)
    signature = verified(received(request, body))
    assert (signature.access_key_id, signature.region, signature.service) == ("AKIAEXAMPLE", "eu-west-1", "ecs")
    assert signature.token == token


@EXAMPLES
@given(path=paths, params=parameters, token=tokens)
def test_urls_presigned_by_botocore_are_accepted(path: str, params: dict[str, str], token: str | None) -> None:
    request = AWSRequest("GET", f"http://127.0.0.1:4566{path}", params=params)
    sign(SigV4QueryAuth, "sts", request, token)
    signature = verified(received(request, b""))
    assert signature.expires_seconds == 3600
    assert signature.token == token


@EXAMPLES
@given(path=paths, body=bodies, params=parameters)
def test_s3_encodes_its_path_once(path: str, body: bytes, params: dict[str, str]) -> None:
    for auth, sent in ((S3SigV4Auth, body), (S3SigV4QueryAuth, b"")):
        request = AWSRequest("PUT", f"http://127.0.0.1:4566{path}", data=body if sent else b"", params=dict(params))
        sign(auth, "s3", request, None)
        verified(received(request, body))


changes: dict[str, Any] = {
    "method": lambda request: dataclasses.replace(request, method="PATCH"),
    "path": lambda request: dataclasses.replace(request, raw_path=request.raw_path + "/x"),
    "query": lambda request: dataclasses.replace(request, query=request.query + "&evil=1"),
    "body": lambda request: dataclasses.replace(request, body=request.body + b"x"),
    "target": lambda request: dataclasses.replace(
        request, headers={**request.headers, "x-amz-target": "Other.Operation"}
    ),
    "host": lambda request: dataclasses.replace(request, headers={**request.headers, "host": "elsewhere"}),
}


@pytest.mark.parametrize("change", changes.values(), ids=changes.keys())
@EXAMPLES
@given(path=paths, params=parameters, body=bodies)
def test_nothing_signed_can_be_changed(change: Any, path: str, params: dict[str, str], body: bytes) -> None:
    request = AWSRequest(
        "POST", f"http://127.0.0.1:4566{path}", headers={"x-amz-target": "Service.Operation"}, data=body, params=params
    )
    sign(SigV4Auth, "ecs", request, None)
    with pytest.raises(NotAuthentic) as refused:
        verified(change(received(request, body)))
    assert refused.value.fault is Fault.MISMATCH


@EXAMPLES
@given(
    authorization=st.text(max_size=80)
    | st.lists(
        st.sampled_from(
            [
                "AWS4-HMAC-SHA256 ",
                "Credential=",
                "a/20251122/us-east-1/ecs/aws4_request",
                ", ",
                "SignedHeaders=",
                "host",
            ]
        ),
        max_size=8,
    ).map("".join),
    date=st.text(max_size=20) | st.just("20251122T120000Z"),
    query=st.text(alphabet="X-Amz-Algorithm=AWS4&Credential/20251122T", max_size=80),
)
def test_any_signature_is_read_or_refused(authorization: str, date: str, query: str) -> None:
    for given_headers in ({"authorization": authorization, "x-amz-date": date, "host": "a"}, {"host": "a"}):
        request = Request("GET", "/", query, given_headers, b"")
        try:
            signature = sigv4.read_signature(request)
            if signature is not None:
                sigv4.check_time(signature, signature.signed_at)
                sigv4.verify(signature, request, SECRET)
        except NotAuthentic:
            pass
        else:
            assert signature is None, "nobody forges a signature by chance"
