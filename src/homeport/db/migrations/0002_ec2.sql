-- EC2's VPC part.  Ids are unique in the installation; every resource belongs to a region.
-- A region is seeded once, so that a default VPC its user deleted does not come back.
CREATE TABLE ec2_regions (
    name TEXT PRIMARY KEY,
    dhcp_options TEXT NOT NULL
);
CREATE TABLE ec2_vpcs (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    cidr TEXT NOT NULL,
    cidr_association TEXT NOT NULL,
    network_acl TEXT NOT NULL UNIQUE,
    is_default INTEGER NOT NULL,
    dns_hostnames INTEGER NOT NULL
);
CREATE INDEX ec2_vpcs_by_region ON ec2_vpcs (region, id);
CREATE TABLE ec2_subnets (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    vpc TEXT NOT NULL REFERENCES ec2_vpcs (id),
    cidr TEXT NOT NULL,
    zone TEXT NOT NULL,
    network_acl_association TEXT NOT NULL,
    default_for_zone INTEGER NOT NULL,
    map_public_ip INTEGER NOT NULL
);
CREATE INDEX ec2_subnets_by_region ON ec2_subnets (region, id);
CREATE INDEX ec2_subnets_by_vpc ON ec2_subnets (vpc, id);
-- Addresses are numbers.  A pool (a subnet, or the public one) hands out upcoming, upcoming + 1, ... to last_address,
-- then what was given back, longest ago first.
CREATE TABLE ec2_address_pools (
    id TEXT PRIMARY KEY,
    first_address BIGINT NOT NULL,
    last_address BIGINT NOT NULL,
    upcoming BIGINT NOT NULL,
    lent BIGINT NOT NULL,
    returns BIGINT NOT NULL
);
-- An address that is lent (returned IS NULL), or waits for its next turn (returned is its place in the queue).
CREATE TABLE ec2_addresses (
    pool TEXT NOT NULL,
    address BIGINT NOT NULL,
    returned BIGINT,
    PRIMARY KEY (pool, address)
);
CREATE INDEX ec2_addresses_returned ON ec2_addresses (pool, returned) WHERE returned IS NOT NULL;
CREATE TABLE ec2_security_groups (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    vpc TEXT NOT NULL REFERENCES ec2_vpcs (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (vpc, name)
);
CREATE INDEX ec2_security_groups_by_region ON ec2_security_groups (region, id);
-- One row per protocol, ports and source; the source is a cidr of either family or a group's id.
CREATE TABLE ec2_security_group_rules (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    group_id TEXT NOT NULL REFERENCES ec2_security_groups (id),
    egress INTEGER NOT NULL,
    protocol TEXT NOT NULL,
    from_port INTEGER NOT NULL,
    to_port INTEGER NOT NULL,
    source TEXT NOT NULL,
    description TEXT NOT NULL,
    UNIQUE (group_id, egress, protocol, from_port, to_port, source)
);
CREATE INDEX ec2_security_group_rules_by_region ON ec2_security_group_rules (region, id);
CREATE INDEX ec2_security_group_rules_by_source ON ec2_security_group_rules (source);
-- stale: the interface's projection may differ from what its node was told.
CREATE TABLE ec2_interfaces (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    vpc TEXT NOT NULL REFERENCES ec2_vpcs (id),
    subnet TEXT NOT NULL REFERENCES ec2_subnets (id),
    zone TEXT NOT NULL,
    mac TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    public_address TEXT UNIQUE,
    description TEXT NOT NULL,
    requester TEXT NOT NULL,
    attachment TEXT UNIQUE,
    created_at DOUBLE PRECISION NOT NULL,
    stale INTEGER NOT NULL,
    UNIQUE (subnet, address)
);
CREATE INDEX ec2_interfaces_by_region ON ec2_interfaces (region, id);
CREATE INDEX ec2_interfaces_by_vpc ON ec2_interfaces (vpc, id);
CREATE INDEX ec2_interfaces_by_address ON ec2_interfaces (address);
CREATE INDEX ec2_interfaces_by_description ON ec2_interfaces (description);
CREATE INDEX ec2_interfaces_stale ON ec2_interfaces (stale) WHERE stale = 1;
CREATE TABLE ec2_interface_groups (
    interface TEXT NOT NULL REFERENCES ec2_interfaces (id),
    position INTEGER NOT NULL,
    group_id TEXT NOT NULL REFERENCES ec2_security_groups (id),
    PRIMARY KEY (interface, position)
);
CREATE INDEX ec2_interface_groups_by_group ON ec2_interface_groups (group_id, interface);
CREATE TABLE ec2_internet_gateways (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    vpc TEXT UNIQUE REFERENCES ec2_vpcs (id)
);
CREATE INDEX ec2_internet_gateways_by_region ON ec2_internet_gateways (region, id);
CREATE TABLE ec2_route_tables (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    vpc TEXT NOT NULL REFERENCES ec2_vpcs (id)
);
CREATE INDEX ec2_route_tables_by_region ON ec2_route_tables (region, id);
CREATE INDEX ec2_route_tables_by_vpc ON ec2_route_tables (vpc, id);
-- The local route is not a row: every table has it.  A route outlives its gateway, leading nowhere.
CREATE TABLE ec2_routes (
    route_table TEXT NOT NULL REFERENCES ec2_route_tables (id),
    destination TEXT NOT NULL,
    gateway TEXT NOT NULL,
    PRIMARY KEY (route_table, destination)
);
-- The association without a subnet makes its table the VPC's main one.
CREATE TABLE ec2_route_table_associations (
    id TEXT PRIMARY KEY,
    vpc TEXT NOT NULL REFERENCES ec2_vpcs (id),
    route_table TEXT NOT NULL REFERENCES ec2_route_tables (id),
    subnet TEXT UNIQUE REFERENCES ec2_subnets (id)
);
CREATE INDEX ec2_route_table_associations_by_table ON ec2_route_table_associations (route_table);
CREATE INDEX ec2_route_table_associations_by_vpc ON ec2_route_table_associations (vpc);
CREATE UNIQUE INDEX ec2_route_table_associations_main ON ec2_route_table_associations (vpc) WHERE subnet IS NULL;
CREATE TABLE ec2_tags (
    resource TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    region TEXT NOT NULL,
    PRIMARY KEY (resource, key)
);
CREATE INDEX ec2_tags_by_value ON ec2_tags (key, value, resource);
CREATE INDEX ec2_tags_by_region ON ec2_tags (region, resource, key);
-- What a client token made, so that a retry makes nothing twice.
CREATE TABLE ec2_client_tokens (
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    request TEXT NOT NULL,
    resource TEXT NOT NULL,
    PRIMARY KEY (region, token)
);
CREATE INDEX ec2_client_tokens_by_resource ON ec2_client_tokens (resource);
