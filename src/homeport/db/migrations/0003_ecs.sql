-- Clusters, task definitions and tasks.  Documents are JSON as the API shows them; tags stand apart because they are shown only when asked for.
CREATE TABLE ecs_clusters (
    arn TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    tags TEXT NOT NULL,
    inactive_since DOUBLE PRECISION
);
CREATE INDEX ecs_clusters_by_name ON ecs_clusters (region, status, name);
CREATE INDEX ecs_clusters_inactive ON ecs_clusters (inactive_since) WHERE inactive_since IS NOT NULL;
-- The last revision survives its definitions: revisions are never used twice.
CREATE TABLE ecs_families (
    region TEXT NOT NULL,
    family TEXT NOT NULL,
    last_revision BIGINT NOT NULL,
    active BIGINT NOT NULL,
    inactive BIGINT NOT NULL,
    PRIMARY KEY (region, family)
);
CREATE TABLE ecs_task_definitions (
    region TEXT NOT NULL,
    family TEXT NOT NULL,
    revision BIGINT NOT NULL,
    status TEXT NOT NULL,
    document TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (region, family, revision)
);
CREATE INDEX ecs_task_definitions_by_status ON ecs_task_definitions (region, status, family, revision);
-- position orders tasks by creation; waiting marks what placement has yet to look at.
CREATE TABLE ecs_tasks (
    id TEXT PRIMARY KEY,
    position TEXT NOT NULL,
    cluster TEXT NOT NULL,
    desired_status TEXT NOT NULL,
    last_status TEXT NOT NULL,
    family TEXT NOT NULL,
    revision BIGINT NOT NULL,
    started_by TEXT,
    launch_type TEXT NOT NULL,
    capacity_provider TEXT,
    node TEXT,
    waiting BIGINT,
    observed_sequence BIGINT NOT NULL,
    stopped_at DOUBLE PRECISION,
    document TEXT NOT NULL,
    launch TEXT NOT NULL,
    tags TEXT NOT NULL
);
CREATE INDEX ecs_tasks_listed ON ecs_tasks (cluster, desired_status, position);
CREATE INDEX ecs_tasks_by_family ON ecs_tasks (cluster, desired_status, family, position);
CREATE INDEX ecs_tasks_by_starter ON ecs_tasks (cluster, desired_status, started_by, position) WHERE started_by IS NOT NULL;
CREATE INDEX ecs_tasks_by_launch_type ON ecs_tasks (cluster, desired_status, launch_type, position);
CREATE INDEX ecs_tasks_live ON ecs_tasks (cluster, last_status) WHERE stopped_at IS NULL;
CREATE INDEX ecs_tasks_of_provider ON ecs_tasks (cluster, capacity_provider) WHERE capacity_provider IS NOT NULL AND stopped_at IS NULL;
CREATE INDEX ecs_tasks_on_node ON ecs_tasks (node) WHERE node IS NOT NULL AND stopped_at IS NULL;
CREATE INDEX ecs_tasks_of_definition ON ecs_tasks (family, revision) WHERE stopped_at IS NULL;
CREATE INDEX ecs_tasks_waiting ON ecs_tasks (waiting, position) WHERE waiting IS NOT NULL;
CREATE INDEX ecs_tasks_stopped ON ecs_tasks (stopped_at) WHERE stopped_at IS NOT NULL;
-- What a client token was used for, so that a retry starts nothing twice.
CREATE TABLE ecs_client_tokens (
    cluster TEXT NOT NULL,
    token TEXT NOT NULL,
    request TEXT NOT NULL,
    tasks TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (cluster, token)
);
CREATE INDEX ecs_client_tokens_by_age ON ecs_client_tokens (created_at);
CREATE TABLE ecs_account_settings (
    region TEXT NOT NULL,
    principal TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (region, principal, name)
);
