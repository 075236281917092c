-- Container instances.  document: what was registered.  used: what tasks take of it, changed with each task.
CREATE TABLE ecs_container_instances (
    id TEXT PRIMARY KEY,
    arn TEXT NOT NULL UNIQUE,
    cluster TEXT NOT NULL,
    ec2_instance TEXT NOT NULL,
    status TEXT NOT NULL,
    registered_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL,
    used TEXT NOT NULL,
    tags TEXT NOT NULL,
    inactive_since DOUBLE PRECISION
);
CREATE INDEX ecs_container_instances_listed ON ecs_container_instances (cluster, status, id);
CREATE INDEX ecs_container_instances_of_machine ON ecs_container_instances (ec2_instance);
CREATE INDEX ecs_container_instances_inactive ON ecs_container_instances (inactive_since) WHERE inactive_since IS NOT NULL;
-- Attributes that users have given, beside those that were registered.
CREATE TABLE ecs_attributes (
    container_instance TEXT NOT NULL REFERENCES ecs_container_instances (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (container_instance, name)
);
ALTER TABLE ecs_tasks ADD COLUMN container_instance TEXT;
CREATE INDEX ecs_tasks_on_instance ON ecs_tasks (container_instance, desired_status, position) WHERE container_instance IS NOT NULL;
-- When a principal last chose: instances launched before are not concerned.
ALTER TABLE ecs_account_settings ADD COLUMN chosen_at DOUBLE PRECISION NOT NULL DEFAULT 0;
