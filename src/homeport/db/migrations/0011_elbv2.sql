-- Elastic Load Balancing: target groups and what is registered with them.

-- document: what was declared.  attributes: those that were changed from AWS's defaults.
CREATE TABLE elbv2_target_groups (
    arn TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL,
    attributes TEXT NOT NULL
);
CREATE UNIQUE INDEX elbv2_target_groups_by_name ON elbv2_target_groups (region, name);
-- state, reason, description, observed_sequence: as the load balancer last saw this registration of the target.
CREATE TABLE elbv2_targets (
    target_group TEXT NOT NULL REFERENCES elbv2_target_groups (arn),
    id TEXT NOT NULL,
    port INTEGER NOT NULL,
    zone TEXT NOT NULL,
    address TEXT NOT NULL,
    registration BIGINT NOT NULL,
    draining_since DOUBLE PRECISION,
    state TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    observed_sequence BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (target_group, id, port)
);
CREATE TABLE elbv2_tags (
    resource TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (resource, key)
);
