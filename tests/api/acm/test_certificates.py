"""Certificates: imported, shown, replaced, deleted."""

import re
import time

from tests.api.refusal import refusal
from tests.certificates import key_pem

from homeport.services.acm import store


def test_imported_certificate_is_shown_as_aws_shows_it(acm, authority, imported):
    before = time.time()
    arn = imported("example.com", "*.example.com", Tags=[{"Key": "team", "Value": "web"}])
    assert re.fullmatch(r"arn:aws:acm:us-east-1:123456789012:certificate/[0-9a-f-]{36}", arn)
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    for name in ("CreatedAt", "ImportedAt"):
        assert before - 1 < found.pop(name).timestamp() < time.time() + 1
    assert found.pop("NotBefore").timestamp() < before < found.pop("NotAfter").timestamp()
    assert found == {
        "CertificateArn": arn,
        "DomainName": "example.com",
        "SubjectAlternativeNames": ["example.com", "*.example.com"],
        "Serial": "12:34:ab:cd",
        "Subject": "O=Tests,CN=example.com",
        "Issuer": "Tests",
        "Status": "ISSUED",
        "KeyAlgorithm": "RSA_2048",
        "SignatureAlgorithm": "SHA256WITHECDSA",
        "InUseBy": [],
        "Type": "IMPORTED",
        "KeyUsages": [],
        "ExtendedKeyUsages": [{"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}],
        "RenewalEligibility": "INELIGIBLE",
        "Options": {"CertificateTransparencyLoggingPreference": "DISABLED"},
    }
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "team", "Value": "web"}]


def test_private_key_is_never_shown(acm, authority, imported):
    arn = imported("example.com")
    answer = acm.get_certificate(CertificateArn=arn)
    assert answer["Certificate"].startswith("-----BEGIN CERTIFICATE-----")
    assert answer["CertificateChain"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in str(answer) + str(acm.describe_certificate(CertificateArn=arn))


def test_certificate_is_refused(acm, authority):
    made, other = authority.issue("example.com"), authority.issue("example.com", elliptic=True)
    expired = authority.issue("example.com", days=-1)

    def why(body=made.body, key=made.key, **more):
        code, text = refusal(acm.import_certificate, Certificate=body, PrivateKey=key, **more)
        assert code == "ValidationException"
        return text

    assert why(body=made.body + other.body) == (
        "The certificate field contains more than one certificate. You can specify only one certificate in this field."
    )
    assert "PEM" in why(body=b"certificate")
    assert "PEM" in why(key=b"key")
    assert "PEM" in why(key="schl\u00fcssel".encode())
    assert "encrypted" in why(key=key_pem(authority.rsa, b"secret"))
    assert "does not match" in why(key=other.key)
    assert "expired" in why(body=expired.body)
    assert why(CertificateChain=other.body) == "Could not validate the certificate with the certificate chain."


def test_replaced_certificate_keeps_its_arn(api, acm, authority, imported):
    arn = imported("example.com", Tags=[{"Key": "team", "Value": "web"}])
    new = authority.issue("example.org")
    again = acm.import_certificate(CertificateArn=arn, Certificate=new.body, PrivateKey=new.key)["CertificateArn"]
    assert again == arn
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (found["DomainName"], found["CreatedAt"] < found["ImportedAt"]) == ("example.org", True)
    assert "CertificateChain" not in acm.get_certificate(CertificateArn=arn)
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert "acm.certificates" in api.wakes
    other = authority.issue("example.org", elliptic=True)
    arguments = {"CertificateArn": arn, "Certificate": other.body, "PrivateKey": other.key}
    assert refusal(acm.import_certificate, **arguments)[0] == "ValidationException"
    unknown = arn[:-4] + "0000"
    assert refusal(acm.import_certificate, **arguments | {"CertificateArn": unknown}) == (
        "ResourceNotFoundException", f"Could not find certificate {unknown} in account 123456789012.",
    )  # fmt: skip


def test_deleted_certificate_is_gone(acm, imported):
    arn = imported("example.com")
    acm.delete_certificate(CertificateArn=arn)
    assert refusal(acm.delete_certificate, CertificateArn=arn)[0] == "ResourceNotFoundException"
    assert acm.list_certificates()["CertificateSummaryList"] == []


def test_certificate_in_use_stays(api, acm, imported):
    arn = imported("example.com")

    async def use(by):
        async with api.database.transaction() as tx:
            await store.set_uses(tx, "arn:of:a:load:balancer", by)

    api.run(use([arn]))
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == ["arn:of:a:load:balancer"]
    assert refusal(acm.delete_certificate, CertificateArn=arn) == (
        "ResourceInUseException", f"Certificate {arn} in account 123456789012 is in use.",
    )  # fmt: skip
    api.run(use([]))
    acm.delete_certificate(CertificateArn=arn)


def test_list_shows_rsa_keys_unless_others_are_asked_for(acm, imported):
    arns = [imported(f"{number}.example.com") for number in range(5)]
    elliptic = imported("e.example.com", elliptic=True)
    pages = list(acm.get_paginator("list_certificates").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["CertificateSummaryList"]) for page in pages] == [2, 2, 1]
    assert [found["CertificateArn"] for page in pages for found in page["CertificateSummaryList"]] == arns
    (found,) = acm.list_certificates(Includes={"keyTypes": ["EC_prime256v1"]})["CertificateSummaryList"]
    assert (found["CertificateArn"], found["InUse"]) == (elliptic, False)
    assert acm.list_certificates(CertificateStatuses=["EXPIRED"])["CertificateSummaryList"] == []
    assert len(acm.list_certificates(CertificateStatuses=["ISSUED"])["CertificateSummaryList"]) == 5


def test_tags_are_added_and_removed(acm, imported):
    arn = imported("example.com")
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    acm.remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": "a"}, {"Key": "b", "Value": "other"}])
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refusal(acm.add_tags_to_certificate, CertificateArn=arn, Tags=many)[0] == "TooManyTagsException"
    reserved = [{"Key": "aws:x", "Value": ""}]
    assert refusal(acm.add_tags_to_certificate, CertificateArn=arn, Tags=reserved)[0] == "InvalidTagException"
