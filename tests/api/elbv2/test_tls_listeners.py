"""Listeners that end TLS, and the certificates they serve."""

import pytest
from tests.api.refusal import refusal
from tests.certificates import Authority

from homeport.wire import balancing as wire

from .conftest import forward


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def acm(api):
    return api.client("acm")


@pytest.fixture
def certificate(acm, authority):
    """Import a certificate for a name, and return its ARN."""

    def make(name):
        made = authority.issue(name)
        return acm.import_certificate(Certificate=made.body, CertificateChain=made.chain, PrivateKey=made.key)[
            "CertificateArn"
        ]

    return make


def https(arn, **more):
    return {"Protocol": "HTTPS", "Port": 443, "Certificates": [{"CertificateArn": arn}]} | more


def test_https_listener_is_shown_with_its_certificate_and_policy(elb, group, listener, certificate):
    arn = certificate("example.com")
    made = listener(group(), **https(arn))
    (shown,) = elb.describe_listeners(ListenerArns=[made])["Listeners"]
    assert shown["Certificates"] == [{"CertificateArn": arn}]
    assert shown["SslPolicy"] == "ELBSecurityPolicy-2016-08"
    assert shown["MutualAuthentication"] == {"Mode": "off"}


def test_node_gets_certificates_with_their_chains_and_keys(elb, node, group, listener, certificate):
    made = listener(group(), **https(certificate("example.com"), SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"))
    other = certificate("example.org")
    elb.add_listener_certificates(ListenerArn=made, Certificates=[{"CertificateArn": other}])
    (told,) = node.has(wire.LoadBalancer)[0].listeners
    assert (told.protocol, told.ssl_policy) == ("HTTPS", "ELBSecurityPolicy-TLS13-1-2-2021-06")
    assert [each.chain.count("BEGIN CERTIFICATE") for each in told.certificates] == [2, 2]
    assert all("PRIVATE KEY" in each.private_key for each in told.certificates)


def test_replaced_certificate_reaches_the_node(acm, node, group, listener, certificate, authority):
    arn = certificate("example.com")
    listener(group(), **https(arn))
    before = node.has(wire.LoadBalancer)[0].listeners[0].certificates
    new = authority.issue("example.com", "www.example.com")
    acm.import_certificate(CertificateArn=arn, Certificate=new.body, PrivateKey=new.key)
    (after,) = node.has(wire.LoadBalancer)[0].listeners[0].certificates
    assert after != before[0]
    assert after.chain.strip() == new.body.decode().strip()


def test_certificates_are_added_and_removed(elb, group, listener, certificate):
    first, second = certificate("a.example"), certificate("b.example")
    made = listener(group(), **https(first))
    elb.add_listener_certificates(ListenerArn=made, Certificates=[{"CertificateArn": second}])
    assert elb.describe_listener_certificates(ListenerArn=made)["Certificates"] == [
        {"CertificateArn": first, "IsDefault": True},
        {"CertificateArn": second, "IsDefault": False},
    ]
    elb.modify_listener(ListenerArn=made, Port=8443)
    assert len(elb.describe_listener_certificates(ListenerArn=made)["Certificates"]) == 2
    remove = elb.remove_listener_certificates
    assert refusal(remove, ListenerArn=made, Certificates=[{"CertificateArn": first}])[0] == "OperationNotPermitted"
    remove(ListenerArn=made, Certificates=[{"CertificateArn": second}])
    assert len(elb.describe_listener_certificates(ListenerArn=made)["Certificates"]) == 1


def test_certificate_that_is_served_cannot_be_deleted(acm, elb, balancer, group, listener, certificate):
    arn, load_balancer = certificate("example.com"), balancer()
    made = listener(group(), load_balancer, **https(arn))
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [load_balancer]
    assert refusal(acm.delete_certificate, CertificateArn=arn)[0] == "ResourceInUseException"
    elb.modify_listener(ListenerArn=made, Protocol="HTTP")
    acm.delete_certificate(CertificateArn=arn)


def test_load_balancer_that_is_deleted_serves_nothing(acm, elb, balancer, group, listener, certificate):
    arn, load_balancer = certificate("example.com"), balancer()
    listener(group(), load_balancer, **https(arn))
    elb.delete_load_balancer(LoadBalancerArn=load_balancer)
    acm.delete_certificate(CertificateArn=arn)


def test_https_listener_is_refused(elb, balancer, group, certificate):
    arn, unknown = certificate("example.com"), "arn:aws:acm:us-east-1:123456789012:certificate/none"
    common = {"LoadBalancerArn": balancer(), "DefaultActions": forward(group())}
    make = elb.create_listener
    assert refusal(make, **common, Protocol="HTTPS", Port=443) == (
        "ValidationError", "A certificate must be specified for HTTPS listeners",
    )  # fmt: skip
    assert refusal(make, **common, **https(unknown)) == ("CertificateNotFound", f"Certificate '{unknown}' not found")
    assert refusal(make, **common, **https(arn, SslPolicy="strict"))[0] == "SSLPolicyNotFound"
    assert refusal(make, **common, **https(arn, Protocol="HTTP"))[0] == "InvalidConfigurationRequest"
    two = [{"CertificateArn": arn}, {"CertificateArn": certificate("example.org")}]
    assert refusal(make, **common, **https(arn, Certificates=two))[0] == "ValidationError"


def test_policies_are_listed(elb):
    shown = elb.describe_ssl_policies()["SslPolicies"]
    assert {"ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-TLS13-1-2-2021-06"} <= {policy["Name"] for policy in shown}
    pages = list(elb.get_paginator("describe_ssl_policies").paginate(PaginationConfig={"PageSize": 5}))
    assert [policy["Name"] for page in pages for policy in page["SslPolicies"]] == [policy["Name"] for policy in shown]
    (one,) = elb.describe_ssl_policies(Names=["ELBSecurityPolicy-TLS13-1-3-2021-06"])["SslPolicies"]
    assert one["SslProtocols"] == ["TLSv1.3"]
    assert refusal(elb.describe_ssl_policies, Names=["no"])[0] == "SSLPolicyNotFound"
