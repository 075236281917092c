-- Route 53: hosted zones, record sets, and what nodes have yet to be told.  Names compare by bytes.

CREATE TABLE route53_zones (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    caller_reference TEXT NOT NULL UNIQUE,
    private INTEGER NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    comment TEXT,
    owner TEXT,
    record_sets BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX route53_zones_by_name ON route53_zones (sort_name, id);
CREATE INDEX route53_zones_private ON route53_zones (private, id);

-- A private zone answers in these VPCs; no two of one name do so in one VPC.
CREATE TABLE route53_associations (
    vpc TEXT NOT NULL,
    zone_name TEXT NOT NULL,
    zone TEXT NOT NULL,
    region TEXT NOT NULL,
    PRIMARY KEY (vpc, zone_name)
);
CREATE INDEX route53_associations_by_zone ON route53_associations (zone, vpc);

CREATE TABLE route53_record_sets (
    zone TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    set_identifier TEXT NOT NULL,
    health_check TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (zone, sort_name, kind, set_identifier)
);
CREATE INDEX route53_record_sets_by_health_check ON route53_record_sets (health_check);

CREATE TABLE route53_tags (
    resource_type TEXT NOT NULL,
    resource TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (resource_type, resource)
);

CREATE TABLE route53_changes (
    number BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    submitted DOUBLE PRECISION NOT NULL,
    comment TEXT
);
CREATE INDEX route53_changes_by_time ON route53_changes (submitted);

-- What has changed since the nodes were told, and in which change: a zone where there is no kind, else a record set.
CREATE TABLE route53_untold (
    zone TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    set_identifier TEXT NOT NULL,
    change_number BIGINT NOT NULL,
    PRIMARY KEY (zone, name, kind, set_identifier)
);
CREATE INDEX route53_untold_by_change ON route53_untold (change_number);

-- Nodes that have once been told everything, and since then every change.
CREATE TABLE route53_nodes (
    node TEXT PRIMARY KEY
);
