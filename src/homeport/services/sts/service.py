"""The registry that the handlers of STS attach to."""

from homeport.aws.operation import Service

sts = Service("sts")
