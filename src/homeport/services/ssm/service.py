"""The registry that SSM's handlers attach to."""

from homeport.aws.operation import Service

ssm = Service("ssm")
