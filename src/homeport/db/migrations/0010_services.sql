-- ECS services.  document: what the user declared.  progress: what the reconciler remembers of it.  due_at: when it must next look at it, 0 for at once, NULL for never.
CREATE TABLE ecs_services (
    arn TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    cluster TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    launch_type TEXT NOT NULL,
    scheduling_strategy TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL,
    progress TEXT NOT NULL,
    tags TEXT NOT NULL,
    due_at DOUBLE PRECISION,
    inactive_since DOUBLE PRECISION
);
CREATE INDEX ecs_services_listed ON ecs_services (cluster, name) WHERE inactive_since IS NULL;
CREATE INDEX ecs_services_by_launch_type ON ecs_services (cluster, launch_type, name) WHERE inactive_since IS NULL;
CREATE INDEX ecs_services_by_strategy ON ecs_services (cluster, scheduling_strategy, name) WHERE inactive_since IS NULL;
CREATE INDEX ecs_services_by_status ON ecs_services (cluster, status);
CREATE INDEX ecs_services_due ON ecs_services (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ecs_services_inactive ON ecs_services (inactive_since) WHERE inactive_since IS NOT NULL;
-- What a service's tasks are made from, once for each change of that.
CREATE TABLE ecs_service_revisions (
    arn TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX ecs_service_revisions_of_service ON ecs_service_revisions (service);
-- Sets of tasks of one revision, as DescribeServices shows them: id is "ecs-svc/NUMBER".  Gone with their last task.
CREATE TABLE ecs_deployments (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX ecs_deployments_of_service ON ecs_deployments (service, created_at);
-- Service deployments: each takes a service from some revisions to another, or back.
CREATE TABLE ecs_service_deployments (
    arn TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX ecs_service_deployments_listed ON ecs_service_deployments (service, created_at, arn);
CREATE TABLE ecs_service_events (
    service TEXT NOT NULL,
    number BIGINT NOT NULL,
    id TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (service, number)
);
-- service and service_revision: whose task it is, and what it was made from.  watched: the service has yet to take note of its end.
ALTER TABLE ecs_tasks ADD COLUMN service TEXT;
ALTER TABLE ecs_tasks ADD COLUMN service_revision TEXT;
ALTER TABLE ecs_tasks ADD COLUMN watched BIGINT;
ALTER TABLE ecs_tasks ADD COLUMN protected_until DOUBLE PRECISION;
CREATE INDEX ecs_tasks_of_service ON ecs_tasks (service, desired_status, position) WHERE service IS NOT NULL;
CREATE INDEX ecs_tasks_watched ON ecs_tasks (service, service_revision, desired_status, last_status) WHERE watched = 1;
