"""The errors of Route 53, in AWS's words where they are known; those marked `unconfirmed` are our own."""

from collections.abc import Sequence

from homeport.aws.errors import AwsError


class InvalidInput(AwsError):
    code = "InvalidInput"


class InvalidArgument(AwsError):
    code = "InvalidArgument"


class InvalidDomainName(AwsError):
    code = "InvalidDomainName"


class InvalidVpcId(AwsError):
    code = "InvalidVPCId"


class InvalidPaginationToken(AwsError):
    code = "InvalidPaginationToken"


class ConflictingDomainExists(AwsError):
    code = "ConflictingDomainExists"


class HostedZoneAlreadyExists(AwsError):
    code = "HostedZoneAlreadyExists"
    status = 409


class HostedZoneNotEmpty(AwsError):
    code = "HostedZoneNotEmpty"


class LastVpcAssociation(AwsError):
    code = "LastVPCAssociation"


class NoSuchChange(AwsError):
    code = "NoSuchChange"
    status = 404


class NoSuchHealthCheck(AwsError):
    code = "NoSuchHealthCheck"
    status = 404


class NoSuchHostedZone(AwsError):
    code = "NoSuchHostedZone"
    status = 404


class PublicZoneVpcAssociation(AwsError):
    code = "PublicZoneVPCAssociation"


class VpcAssociationNotFound(AwsError):
    code = "VPCAssociationNotFound"
    status = 404


class AccessDenied(AwsError):
    code = "AccessDenied"
    status = 403


class InvalidChangeBatch(AwsError):
    """What is wrong with a batch, change by change; none of it was done."""

    code = "InvalidChangeBatch"

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__(f"[{', '.join(messages)}]", messages=list(messages))


def zone_missing(zone: str) -> NoSuchHostedZone:
    return NoSuchHostedZone(f"No hosted zone found with ID: {zone}")


class HealthCheckAlreadyExists(AwsError):
    code = "HealthCheckAlreadyExists"
    status = 409


class HealthCheckVersionMismatch(AwsError):
    code = "HealthCheckVersionMismatch"
    status = 409


def health_check_missing(check: str) -> NoSuchHealthCheck:
    return NoSuchHealthCheck(f"A health check with id {check} does not exist.")  # unconfirmed


def health_check_exists() -> HealthCheckAlreadyExists:
    return HealthCheckAlreadyExists(
        "A health check with this caller reference already exists, and its settings differ."  # unconfirmed
    )


def health_check_outdated() -> HealthCheckVersionMismatch:
    return HealthCheckVersionMismatch(
        "The value of HealthCheckVersion in the request does not match the version of the health check."  # unconfirmed
    )


def change_missing(change: str) -> NoSuchChange:
    return NoSuchChange(f"Could not find resource with ID: {change}")


def zone_exists() -> HostedZoneAlreadyExists:
    return HostedZoneAlreadyExists("A hosted zone has already been created with the specified caller reference.")


def zone_not_empty() -> HostedZoneNotEmpty:
    return HostedZoneNotEmpty(
        "The specified hosted zone contains non-required resource record sets and so cannot be deleted."
    )


def domain_invalid(name: str, why: str) -> InvalidDomainName:
    return InvalidDomainName(f"{name} is not a valid domain name: {why}")  # unconfirmed


def vpc_invalid(vpc: str, region: str) -> InvalidVpcId:
    return InvalidVpcId(f"The VPC {vpc} in region {region} does not exist.")  # unconfirmed


def domain_conflicts(vpc: str, region: str, zone: str) -> ConflictingDomainExists:
    return ConflictingDomainExists(
        f"The VPC {vpc} in region {region} has already been associated with the hosted zone {zone} "
        "with the same domain name."
    )


def zone_public() -> PublicZoneVpcAssociation:
    return PublicZoneVpcAssociation(
        "You're trying to associate a VPC with a public hosted zone. "
        "Amazon Route 53 doesn't support associating a VPC with a public hosted zone."
    )


def association_missing(vpc: str, zone: str) -> VpcAssociationNotFound:
    return VpcAssociationNotFound(
        f"The VPC {vpc} and hosted zone {zone} that you specified are not currently associated."
    )


def last_association() -> LastVpcAssociation:
    return LastVpcAssociation(
        "The VPC that you're trying to disassociate from the private hosted zone is the last VPC that is associated "
        "with the hosted zone. Amazon Route 53 doesn't support disassociating the last VPC from a hosted zone."
    )


def zone_managed(zone: str, service: str, resource: str) -> AccessDenied:
    """Return the refusal to change by hand what another service keeps."""
    return AccessDenied(f"The resource hostedzone/{zone} can only be managed through {service} ({resource})")
