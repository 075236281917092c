-- EC2's instances.  options: what was asked for, as one document.  node: where it runs, for ever.  agent: what user data
-- has configured, once the instance was seen running.  stale: its node may have to be told of a change; assigned: the node
-- has been told of it at all, and so will report its end.
CREATE TABLE ec2_instances (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    reservation TEXT NOT NULL,
    launch_index INTEGER NOT NULL,
    type TEXT NOT NULL,
    image TEXT NOT NULL,
    vpc TEXT NOT NULL,
    subnet TEXT NOT NULL,
    zone TEXT NOT NULL,
    interface TEXT NOT NULL,
    node TEXT NOT NULL,
    options TEXT NOT NULL,
    launched_at DOUBLE PRECISION NOT NULL,
    launched_by TEXT NOT NULL,
    state TEXT NOT NULL,
    state_reason TEXT NOT NULL,
    transition_reason TEXT NOT NULL,
    terminated_at DOUBLE PRECISION,
    rebooting INTEGER NOT NULL,
    agent TEXT,
    observed_sequence INTEGER NOT NULL,
    assigned INTEGER NOT NULL,
    stale INTEGER NOT NULL
);
CREATE INDEX ec2_instances_by_region ON ec2_instances (region, id);
CREATE INDEX ec2_instances_by_reservation ON ec2_instances (reservation);
CREATE INDEX ec2_instances_by_node ON ec2_instances (node, state);
CREATE INDEX ec2_instances_by_state ON ec2_instances (state, id);
CREATE INDEX ec2_instances_stale ON ec2_instances (stale) WHERE stale = 1;
CREATE INDEX ec2_instances_terminated ON ec2_instances (terminated_at) WHERE terminated_at IS NOT NULL;
-- An interface attached to an instance; for_task: its device lies in the namespace of a task there.
-- detaching: its node has yet to be told that the instance has lost it.
ALTER TABLE ec2_interfaces ADD COLUMN kind TEXT NOT NULL DEFAULT 'interface';
ALTER TABLE ec2_interfaces ADD COLUMN instance TEXT REFERENCES ec2_instances (id);
ALTER TABLE ec2_interfaces ADD COLUMN device_index INTEGER NOT NULL DEFAULT 1;
ALTER TABLE ec2_interfaces ADD COLUMN for_task INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ec2_interfaces ADD COLUMN delete_on_termination INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ec2_interfaces ADD COLUMN attached_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE ec2_interfaces ADD COLUMN detaching INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ec2_interfaces ADD COLUMN block_metadata INTEGER NOT NULL DEFAULT 0;
UPDATE ec2_interfaces SET attached_at = created_at;
CREATE UNIQUE INDEX ec2_interfaces_by_device ON ec2_interfaces (instance, device_index) WHERE instance IS NOT NULL;
-- A branch and the trunk that carries it.
CREATE TABLE ec2_trunk_associations (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    trunk TEXT NOT NULL REFERENCES ec2_interfaces (id),
    branch TEXT NOT NULL UNIQUE REFERENCES ec2_interfaces (id),
    vlan INTEGER NOT NULL,
    UNIQUE (trunk, vlan)
);
CREATE INDEX ec2_trunk_associations_by_region ON ec2_trunk_associations (region, id);
-- The key that instance identity documents are signed with: one for the installation.
CREATE TABLE ec2_identity (
    id INTEGER PRIMARY KEY,
    signing_key TEXT NOT NULL,
    certificate TEXT NOT NULL
);
