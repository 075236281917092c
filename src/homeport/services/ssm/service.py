"""The registry that the handlers of SSM attach to."""

from homeport.aws.operation import Service

ssm = Service("ssm")
