"""The registry that the handlers of CloudWatch Logs attach to."""

from homeport.aws.operation import Service

logs = Service("logs")
