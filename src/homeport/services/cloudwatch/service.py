"""The registry that the handlers of CloudWatch attach to."""

from homeport.aws.operation import Service

cloudwatch = Service("cloudwatch")
