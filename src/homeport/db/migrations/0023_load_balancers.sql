-- Load balancers, their listeners and rules.

-- node: where the load balancer is, from when it was given one.  state, reason, observed_sequence: as that node last saw
-- it.  deleted_at: from then on it is there only until nothing of it is left on its node.  stale: the node may have to be told.
CREATE TABLE elbv2_load_balancers (
    arn TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    created_at DOUBLE PRECISION NOT NULL,
    vpc TEXT NOT NULL,
    document TEXT NOT NULL,
    attributes TEXT NOT NULL,
    node TEXT,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    observed_sequence BIGINT NOT NULL DEFAULT 0,
    deleted_at DOUBLE PRECISION,
    stale INTEGER NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX elbv2_load_balancers_by_name ON elbv2_load_balancers (region, name) WHERE deleted_at IS NULL;
CREATE INDEX elbv2_load_balancers_stale ON elbv2_load_balancers (arn) WHERE stale = 1;
CREATE INDEX elbv2_load_balancers_deleted ON elbv2_load_balancers (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX elbv2_load_balancers_by_node ON elbv2_load_balancers (node);
-- leaving_since: the load balancer has left the subnet, and the address is given back when its node surely has, too.
CREATE TABLE elbv2_zones (
    load_balancer TEXT NOT NULL REFERENCES elbv2_load_balancers (arn),
    interface TEXT NOT NULL,
    subnet TEXT NOT NULL,
    zone TEXT NOT NULL,
    leaving_since DOUBLE PRECISION,
    PRIMARY KEY (load_balancer, interface)
);
CREATE INDEX elbv2_zones_leaving ON elbv2_zones (leaving_since) WHERE leaving_since IS NOT NULL;
CREATE TABLE elbv2_listeners (
    arn TEXT PRIMARY KEY,
    load_balancer TEXT NOT NULL REFERENCES elbv2_load_balancers (arn),
    port INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX elbv2_listeners_by_port ON elbv2_listeners (load_balancer, port);
-- The default rule of a listener has a priority behind all others.
CREATE TABLE elbv2_rules (
    arn TEXT PRIMARY KEY,
    listener TEXT NOT NULL REFERENCES elbv2_listeners (arn),
    load_balancer TEXT NOT NULL,
    priority INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE UNIQUE INDEX elbv2_rules_by_priority ON elbv2_rules (listener, priority);
CREATE INDEX elbv2_rules_of_load_balancer ON elbv2_rules (load_balancer);
-- Which rules forward to which target groups.
CREATE TABLE elbv2_forwards (
    rule TEXT NOT NULL,
    target_group TEXT NOT NULL,
    load_balancer TEXT NOT NULL,
    PRIMARY KEY (rule, target_group)
);
CREATE INDEX elbv2_forwards_to ON elbv2_forwards (target_group, load_balancer);
CREATE INDEX elbv2_forwards_of ON elbv2_forwards (load_balancer, target_group);
-- assigned: the load balancer whose node has the group.  stale: as above.
ALTER TABLE elbv2_target_groups ADD COLUMN assigned TEXT NOT NULL DEFAULT '';
ALTER TABLE elbv2_target_groups ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
CREATE INDEX elbv2_target_groups_stale ON elbv2_target_groups (arn) WHERE stale = 1;
-- item: the target's id on the node that has it; empty while none has.
ALTER TABLE elbv2_targets ADD COLUMN item TEXT NOT NULL DEFAULT '';
ALTER TABLE elbv2_targets ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
CREATE INDEX elbv2_targets_stale ON elbv2_targets (target_group) WHERE stale = 1;
CREATE INDEX elbv2_targets_by_item ON elbv2_targets (item) WHERE item <> '';
CREATE INDEX elbv2_targets_by_id ON elbv2_targets (id);
-- The load balancer in whose namespace an interface lies.
ALTER TABLE ec2_interfaces ADD COLUMN balancer TEXT NOT NULL DEFAULT '';
CREATE INDEX ec2_interfaces_of_load_balancers ON ec2_interfaces (balancer) WHERE balancer <> '';
