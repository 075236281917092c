"""The registry that the handlers of ECR attach to."""

from homeport.aws.operation import Service

ecr = Service("ecr")
