"""The registry that STS's handlers attach to."""

from homeport.aws.operation import Service

sts = Service("sts")
