"""The registry that the handlers of Elastic Load Balancing attach to."""

from homeport.aws.operation import Service

elbv2 = Service("elbv2")
