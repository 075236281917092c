"""
Application Auto Scaling of ECS services: scalable targets, scaling policies, scheduled actions, scaling activities.

What it does outside the store's own rows: it sets the desired count of services (`ecs.scaling`), and keeps the alarms
of target tracking policies in CloudWatch.
"""
