"""RunInstances: what is asked for, what comes of it, and what is refused."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .conftest import only, refused
from .machines import NODE, SIGNER

PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
ARM = (
    "The architecture 'arm64' of the specified instance type does not match the architecture 'x86_64' of the specified "
    "AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use "
    "'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI."
)


@pytest.fixture
def group(ec2, default_vpc):
    return ec2.create_security_group(GroupName="hosts", Description="hosts", VpcId=default_vpc)["GroupId"]


def test_an_instance_is_pending_at_first_and_shows_its_place(machine, default_vpc, api):
    made = machine.run(TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "one"}]}])
    shown = machine.describe(made["InstanceId"])
    assert made == shown
    assert shown["State"] == {"Code": 0, "Name": "pending"}
    assert shown["StateReason"] == {"Code": "pending", "Message": "pending"}
    assert shown["VpcId"] == default_vpc
    assert shown["SubnetId"] == machine.subnet()
    assert shown["PrivateDnsName"] == f"ip-{shown['PrivateIpAddress'].replace('.', '-')}.ec2.internal"
    assert shown["PublicIpAddress"].startswith("198.18.")
    assert shown["Tags"] == [{"Key": "Name", "Value": "one"}]
    assert shown["InstanceType"] == "c5.large"
    assert shown["RootDeviceType"] == "ebs"
    assert datetime.now(UTC) - shown["LaunchTime"] < timedelta(minutes=1)
    (interface,) = machine.interfaces(made["InstanceId"])
    assert interface["Status"] == "in-use"
    assert interface["Attachment"] | {"AttachmentId": "", "AttachTime": ""} == {
        "AttachmentId": "", "AttachTime": "", "DeleteOnTermination": True, "DeviceIndex": 0, "NetworkCardIndex": 0,
        "InstanceId": made["InstanceId"], "InstanceOwnerId": api.account, "Status": "attached",
    }  # fmt: skip


def test_the_answer_is_one_reservation_of_numbered_instances(machine, api):
    answer = machine.ec2.run_instances(ImageId=machine.image, InstanceType="t3.micro", MinCount=1, MaxCount=3)
    assert answer["OwnerId"] == api.account
    assert [each["AmiLaunchIndex"] for each in answer["Instances"]] == [0, 1, 2]
    (found,) = machine.ec2.describe_instances(Filters=only("reservation-id", answer["ReservationId"]))["Reservations"]
    assert {each["InstanceId"] for each in found["Instances"]} == {each["InstanceId"] for each in answer["Instances"]}


def test_the_node_is_told_of_the_instance_and_its_interface(machine, group, api):
    script = "#!/bin/sh\necho ECS_CLUSTER=web >> /etc/ecs/ecs.config\n"
    made = machine.run(
        UserData=script,
        SecurityGroupIds=[group],
        IamInstanceProfile={"Name": "ecsInstanceRole"},
        InstanceType="m5.xlarge",
    )
    assert machine.look() == ["fleet.sessions", "ec2.network"]
    assert machine.look() == []
    item = machine.told(made["InstanceId"])
    assert (item.cpus, item.memory, item.running, item.user_data) == (4, 16384, True, script.encode())
    eni = machine.enis()[item.interface]
    assert (eni.address, eni.instance, eni.device_index) == (made["PrivateIpAddress"], made["InstanceId"], 0)
    assert eni.groups == (group,)
    metadata = item.metadata
    assert (metadata.account, metadata.availability_zone, metadata.availability_zone_id) == (
        api.account, "us-east-1a", "use1-az1",
    )  # fmt: skip
    assert (metadata.groups, metadata.image, metadata.instance_type) == (("hosts",), machine.image, "m5.xlarge")
    assert metadata.profile_arn == f"arn:aws:iam::{api.account}:instance-profile/ecsInstanceRole"
    assert (metadata.tokens_required, metadata.hop_limit, metadata.endpoint) == (True, 2, True)


def test_the_identity_document_is_signed(machine, api):
    made = machine.run()
    machine.look()
    metadata = machine.told(made["InstanceId"]).metadata
    document = json.loads(metadata.identity)
    assert document["instanceId"] == made["InstanceId"]
    assert document["accountId"] == api.account
    assert document["privateIp"] == made["PrivateIpAddress"]
    key = x509.load_pem_x509_certificate(SIGNER.certificate.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(
        base64.b64decode(metadata.identity_signature), metadata.identity.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert metadata.identity.encode() in base64.b64decode(metadata.identity_pkcs7)


def test_the_image_can_be_named_by_its_public_parameter(machine):
    assert machine.run(ImageId=f"resolve:ssm:{PARAMETER}")["ImageId"] == machine.image


def test_the_image_says_how_its_instances_metadata_answers(machine):
    (image,) = machine.ec2.describe_images(ImageIds=[machine.image])["Images"]
    assert image["ImdsSupport"] == "v2.0"
    options = machine.run()["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)
    asked = {"HttpTokens": "optional", "HttpPutResponseHopLimit": 1, "InstanceMetadataTags": "enabled"}
    options = machine.run(MetadataOptions=asked)["MetadataOptions"]
    assert {name: options[name] for name in asked} == asked


def test_groups_of_the_default_vpc_go_by_name(machine, group):
    made = machine.run(SecurityGroups=["hosts"])
    assert made["SecurityGroups"] == [{"GroupId": group, "GroupName": "hosts"}]
    with refused("InvalidGroup.NotFound"):
        machine.run(SecurityGroups=["strangers"])
    with refused("InvalidParameterCombination", "The parameter groupName cannot be used with the parameter subnet"):
        machine.run(SecurityGroups=["hosts"], SubnetId=machine.subnet())


def test_a_subnet_decides_about_the_public_address_and_the_request_about_the_subnet(machine, subnet, group):
    assert "PublicIpAddress" not in machine.run(SubnetId=subnet)
    device = {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}
    assert "PublicIpAddress" in machine.run(NetworkInterfaces=[device])
    device = {"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Groups": [group], "Description": "mine"}
    made = machine.run(NetworkInterfaces=[device])
    assert "PublicIpAddress" not in made
    assert made["NetworkInterfaces"][0]["Description"] == "mine"


def test_several_devices_are_attached_and_bring_no_public_address(machine):
    existing = machine.eni()
    made = machine.run(
        NetworkInterfaces=[
            {"DeviceIndex": 1, "NetworkInterfaceId": existing},
            {"DeviceIndex": 0, "PrivateIpAddress": "172.31.0.77"},
        ]
    )
    assert made["PrivateIpAddress"] == "172.31.0.77"
    assert "PublicIpAddress" not in made
    attachments = {each["NetworkInterfaceId"]: each["Attachment"] for each in made["NetworkInterfaces"]}
    assert len(attachments) == 2
    assert (attachments[existing]["DeviceIndex"], attachments[existing]["DeleteOnTermination"]) == (1, False)
    with refused("InvalidNetworkInterface.InUse"):
        machine.run(NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": existing}])


def test_interfaces_can_be_tagged_at_the_launch(machine):
    tags = [{"Key": "k", "Value": "v"}]
    made = machine.run(TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}])
    (interface,) = machine.interfaces(made["InstanceId"])
    assert interface["TagSet"] == tags
    assert made["Tags"] == []


def test_a_zone_can_be_asked_for(machine):
    made = machine.run(Placement={"AvailabilityZone": "us-east-1b"})
    assert made["Placement"]["AvailabilityZone"] == "us-east-1b"
    assert made["SubnetId"] == machine.subnet("us-east-1b")
    with refused("InvalidParameterCombination"):
        machine.run(Placement={"AvailabilityZone": "us-east-1b"}, SubnetId=machine.subnet())


def test_a_token_launches_once(machine):
    first = machine.ec2.run_instances(ImageId=machine.image, MinCount=2, MaxCount=2, ClientToken="t-1")
    again = machine.ec2.run_instances(ImageId=machine.image, MinCount=2, MaxCount=2, ClientToken="t-1")
    assert first["ReservationId"] == again["ReservationId"]
    assert [each["InstanceId"] for each in first["Instances"]] == [each["InstanceId"] for each in again["Instances"]]
    assert first["Instances"][0]["ClientToken"] == "t-1"
    with refused("IdempotentParameterMismatch"):
        machine.ec2.run_instances(ImageId=machine.image, MinCount=1, MaxCount=2, ClientToken="t-1")


def test_a_dry_run_launches_nothing(machine):
    free = machine.free(machine.subnet())
    with refused("DryRunOperation"):
        machine.run(DryRun=True)
    assert machine.ec2.describe_instances()["Reservations"] == []
    assert machine.free(machine.subnet()) == free


def test_as_many_are_launched_as_have_addresses_but_never_too_few(machine, vpc):
    small = machine.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/28")["Subnet"]["SubnetId"]
    assert len(machine.launch(SubnetId=small, MinCount=2, MaxCount=20)) == 11
    assert machine.free(small) == 0
    with refused("InsufficientFreeAddressesInSubnet"):
        machine.run(SubnetId=small)
    other = machine.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.16/28")["Subnet"]["SubnetId"]
    with refused("InsufficientFreeAddressesInSubnet"):
        machine.launch(SubnetId=other, MinCount=12, MaxCount=12)
    assert machine.free(other) == 11


def test_without_a_node_there_is_no_capacity(machine):
    machine.leave()
    with refused("InsufficientInstanceCapacity") as refusal:
        machine.run()
    assert "c5.large capacity in the Availability Zone you requested (us-east-1a)" in refusal.message
    assert refusal.status == 500


def test_the_node_with_the_fewest_instances_takes_the_next(machine):
    machine.join("node-2")
    for _ in range(2):
        machine.run()
    machine.look()
    assert [len(machine.assigned_instances(node)) for node in (NODE, "node-2")] == [1, 1]


def test_a_node_is_a_type_of_its_own_real_size(machine):
    machine.join("big", cpus=16, memory=65536)
    (shown,) = machine.ec2.describe_instance_types(InstanceTypes=["homeport.big"])["InstanceTypes"]
    assert (shown["VCpuInfo"]["DefaultVCpus"], shown["MemoryInfo"]["SizeInMiB"]) == (16, 65536)
    assert shown["NetworkInfo"]["MaximumNetworkInterfaces"] == 15
    offered = machine.ec2.describe_instance_type_offerings(Filters=only("instance-type", "homeport.*"))
    assert {each["InstanceType"] for each in offered["InstanceTypeOfferings"]} == {"homeport.big", f"homeport.{NODE}"}
    made = machine.run(InstanceType="homeport.big")
    machine.look()
    (item,) = machine.assigned_instances("big")
    assert (item.id, item.cpus, item.memory) == (made["InstanceId"], 16, 65536)
    with refused("InstanceLimitExceeded"):
        machine.run(InstanceType="homeport.big")
    machine.leave("big")
    with refused("InvalidInstanceType"):
        machine.ec2.describe_instance_types(InstanceTypes=["homeport.big"])


REFUSALS = [
    (
        {"ImageId": "ami-0000000000000000f"},
        "InvalidAMIID.NotFound",
        "The image id '[ami-0000000000000000f]' does not exist",
    ),
    ({"ImageId": "web"}, "InvalidAMIID.Malformed", 'Invalid id: "web" (expecting "ami-...")'),
    ({"ImageId": "resolve:ssm:/mine"}, "InvalidParameterValue", None),
    ({"InstanceType": "x9.mega"}, "InvalidParameterValue", "Invalid value 'x9.mega' for InstanceType."),
    ({"InstanceType": "homeport.nobody"}, "InvalidParameterValue", "Invalid value 'homeport.nobody' for InstanceType."),
    ({"InstanceType": "m6g.large"}, "InvalidParameterValue", ARM),
    ({"MinCount": 0}, "InvalidParameterValue", None),
    ({"MinCount": 3, "MaxCount": 2}, "InvalidParameterValue", None),
    ({"SubnetId": "subnet-0000000000000000f"}, "InvalidSubnetID.NotFound", None),
    ({"SecurityGroupIds": ["sg-0000000000000000f"]}, "InvalidGroup.NotFound", None),
    ({"KeyName": "mine"}, "InvalidKeyPair.NotFound", "The key pair 'mine' does not exist"),
    ({"PrivateIpAddress": "10.9.9.9"}, "InvalidParameterValue", None),
    ({"PrivateIpAddress": "172.31.0.9", "MaxCount": 2}, "InvalidParameterCombination", None),
    ({"UserData": "x" * 16385}, "InvalidParameterValue", "User data is limited to 16384 bytes"),
    ({"UserData": "not to be run"}, "InvalidParameterValue", None),
    ({"IamInstanceProfile": {"Arn": "arn:aws:iam::1:role/x"}}, "InvalidParameterValue", None),
    ({"IamInstanceProfile": {"Name": "a b"}}, "InvalidParameterValue", None),
    ({"IamInstanceProfile": {"Name": "a", "Arn": "b"}}, "InvalidParameterCombination", None),
    ({"MetadataOptions": {"HttpPutResponseHopLimit": 65}}, "InvalidParameterValue", None),
    ({"MetadataOptions": {"HttpProtocolIpv6": "enabled"}}, "UnsupportedOperation", None),
    ({"Placement": {"Tenancy": "dedicated"}}, "UnsupportedOperation", None),
    ({"Placement": {"GroupName": "spread"}}, "UnsupportedOperation", None),
    ({"Monitoring": {"Enabled": True}}, "UnsupportedOperation", None),
    ({"EbsOptimized": True}, "UnsupportedOperation", None),
    ({"HibernationOptions": {"Configured": True}}, "UnsupportedOperation", None),
    ({"BlockDeviceMappings": [{"DeviceName": "/dev/xvda"}]}, "UnsupportedOperation", None),
    ({"InstanceMarketOptions": {"MarketType": "spot"}}, "UnsupportedOperation", None),
    ({"LaunchTemplate": {"LaunchTemplateName": "x"}}, "UnsupportedOperation", None),
    ({"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "k"}]}]}, "InvalidParameterValue", None),
    ({"ClientToken": "x" * 65}, "InvalidParameterValue", None),
    ({"NetworkInterfaces": [{"SubnetId": "subnet-1"}]}, "MissingParameter", None),
    ({"NetworkInterfaces": [{"DeviceIndex": 1}]}, "InvalidParameterCombination", None),
    ({"NetworkInterfaces": [{"DeviceIndex": 0}, {"DeviceIndex": 0}]}, "InvalidParameterCombination", None),
    ({"NetworkInterfaces": [{"DeviceIndex": 0, "Ipv6AddressCount": 1}]}, "UnsupportedOperation", None),
    ({"NetworkInterfaces": [{"DeviceIndex": 0, "InterfaceType": "efa"}]}, "UnsupportedOperation", None),
    (
        {"NetworkInterfaces": [{"DeviceIndex": index} for index in range(4)]},
        "AttachmentLimitExceeded",
        "Interface count 4 exceeds the limit for c5.large",
    ),
    (
        {"NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": True}, {"DeviceIndex": 1}]},
        "InvalidParameterCombination",
        "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces.",
    ),
    (
        {"NetworkInterfaces": [{"DeviceIndex": 0}], "SubnetId": "subnet-1"},
        "InvalidParameterCombination",
        "Network interfaces and an instance-level subnet ID may not be specified on the same request",
    ),
    (
        {"NetworkInterfaces": [{"DeviceIndex": 0}], "SecurityGroupIds": ["sg-1"]},
        "InvalidParameterCombination",
        "Network interfaces and an instance-level security groups may not be specified on the same request",
    ),
    (
        {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": "eni-1", "SubnetId": "subnet-1"}]},
        "InvalidParameterCombination",
        "A network interface may not specify both a network interface ID and a subnet",
    ),
]


@pytest.mark.parametrize(("asked", "code", "message"), REFUSALS)
def test_what_cannot_be_had_is_refused_and_leaves_nothing(machine, asked, code, message):
    with refused(code, message):
        machine.run(**asked)
    assert machine.ec2.describe_instances()["Reservations"] == []
    assert machine.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_an_image_is_needed(machine):
    with refused("MissingParameter", "The request must contain the parameter ImageId"):
        machine.ec2.run_instances(MinCount=1, MaxCount=1)


def test_base64_that_is_none_is_refused(machine, client):
    raw = client("ec2", validate=False)
    handler = lambda params, **_: params["body"].update({"UserData": "%%%"})  # noqa: E731 - boto3 encodes by itself
    raw.meta.events.register_last("before-call.ec2.RunInstances", handler)
    try:
        with refused("InvalidParameterValue", "Invalid BASE64 encoding of user data."):
            raw.run_instances(ImageId=machine.image, MinCount=1, MaxCount=1, UserData="x")
    finally:
        raw.meta.events.unregister("before-call.ec2.RunInstances", handler)


def test_without_a_default_vpc_a_subnet_must_be_named(machine, default_vpc):
    for subnet in machine.ec2.describe_subnets(Filters=only("vpc-id", default_vpc))["Subnets"]:
        machine.ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    message = f"No subnets found for the default VPC '{default_vpc}'. Please specify a subnet."
    with refused("MissingInput", message):
        machine.run()
    (gateway,) = machine.ec2.describe_internet_gateways(Filters=only("attachment.vpc-id", default_vpc))[
        "InternetGateways"
    ]
    machine.ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=default_vpc)
    machine.ec2.delete_vpc(VpcId=default_vpc)
    with refused("VPCIdNotSpecified", "No default VPC for this user"):
        machine.run()


def test_groups_of_another_network_are_refused(machine, vpc, default_vpc):
    (other,) = machine.ec2.describe_security_groups(Filters=only("vpc-id", vpc))["SecurityGroups"]
    with refused(
        "InvalidParameter",
        f"Security group {other['GroupId']} and subnet {machine.subnet()} belong to different networks.",
    ):
        machine.run(SecurityGroupIds=[other["GroupId"]])
