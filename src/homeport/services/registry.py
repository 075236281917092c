"""Every service that the gateway answers for; importing this module registers all their operations."""

from homeport.aws.operation import Service
from homeport.services.acm import handlers as acm_handlers
from homeport.services.acm.service import acm
from homeport.services.applicationautoscaling import handlers as applicationautoscaling_handlers
from homeport.services.applicationautoscaling.service import autoscaling
from homeport.services.cloudwatch import handlers as cloudwatch_handlers
from homeport.services.cloudwatch.service import cloudwatch
from homeport.services.ec2 import handlers as ec2_handlers
from homeport.services.ec2.service import ec2
from homeport.services.ecr import handlers as ecr_handlers
from homeport.services.ecr.service import ecr
from homeport.services.ecs import handlers as ecs_handlers
from homeport.services.ecs.service import ecs
from homeport.services.elbv2 import handlers as elbv2_handlers
from homeport.services.elbv2.service import elbv2
from homeport.services.logs import handlers as logs_handlers
from homeport.services.logs.service import logs
from homeport.services.route53 import handlers as route53_handlers
from homeport.services.route53.service import route53
from homeport.services.servicediscovery import handlers as servicediscovery_handlers
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.ssm import handlers as ssm_handlers
from homeport.services.ssm.service import ssm
from homeport.services.sts import handlers as sts_handlers
from homeport.services.sts.service import sts

#: The modules whose import registers operations; named, so that nothing depends on the order of imports.
HANDLERS = (
    acm_handlers,
    applicationautoscaling_handlers,
    cloudwatch_handlers,
    ec2_handlers,
    ecr_handlers,
    ecs_handlers,
    elbv2_handlers,
    logs_handlers,
    route53_handlers,
    servicediscovery_handlers,
    ssm_handlers,
    sts_handlers,
)

SERVICES: dict[str, Service] = {
    service.name: service
    for service in (
        acm,
        autoscaling,
        cloudwatch,
        ec2,
        ecr,
        ecs,
        elbv2,
        logs,
        route53,
        servicediscovery,
        ssm,
        sts,
    )
}
