"""Which service registries an ECS service may have."""

import pytest

from homeport.services.servicediscovery.model import DiscoverableService, DnsConfig, DnsRecord, ServiceDocument
from homeport.services.servicediscovery.registries import Registry, Unfit, check_registry

ARN = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1"
PORTS = {"web": (80, 443), "sidecar": ()}
NEEDS_NO_PORT = "The values specified for serviceRegistries do not require a value for 'containerPort'"


def check(mode, types, **registry):
    dns = DnsConfig("MULTIVALUE", tuple(DnsRecord(type_, 60) for type_ in types)) if types else None
    service = DiscoverableService("srv-1", "ns-1", "web", ServiceDocument(created=0.0, dns=dns))
    check_registry(Registry(ARN, **registry), service, network_mode=mode, ports=PORTS)


NAMED = {"container_name": "web", "container_port": 80}


@pytest.mark.parametrize(
    ("mode", "types", "registry"),
    [
        ("awsvpc", "A", {}),
        ("awsvpc", (), {}),
        ("awsvpc", ("SRV",), {"port": 8080}),
        ("awsvpc", ("SRV",), NAMED),
        ("bridge", ("SRV",), NAMED),
        ("host", ("SRV",), NAMED),
        ("bridge", (), NAMED),
    ],
)
def test_a_registry_that_fits_is_taken(mode, types, registry):
    check(mode, types, **registry)


@pytest.mark.parametrize(
    ("mode", "types", "registry", "sentence"),
    [
        ("awsvpc", ("A",), NAMED, NEEDS_NO_PORT),
        ("awsvpc", ("SRV",), {}, "specify a 'port' or a 'containerName'"),
        ("awsvpc", ("SRV",), {"port": 80, **NAMED}, "not both"),
        ("awsvpc", ("SRV",), {"container_name": "web"}, "must be specified together"),
        ("awsvpc", ("SRV",), {"container_port": 80}, "must be specified together"),
        ("awsvpc", ("SRV",), {"container_name": "web", "container_port": 81}, "container port 81 defined"),
        ("awsvpc", ("SRV",), {"container_name": "db", "container_port": 80}, "The container db"),
        ("awsvpc", ("CNAME",), {}, "A or SRV"),
        ("awsvpc", ("A", "AAAA"), {}, "AAAA"),
        ("bridge", ("A",), NAMED, "type 'A' DNS record, which is not supported when specifying 'host' or 'bridge'"),
        ("host", ("SRV",), {}, "When specifying 'host' or 'bridge' for networkMode"),
        ("bridge", ("SRV",), {"port": 80}, "When specifying 'host' or 'bridge' for networkMode"),
    ],
)
def test_one_that_does_not_is_refused_in_words(mode, types, registry, sentence):
    with pytest.raises(Unfit, match=sentence):
        check(mode, types, **registry)
