-- Cloud Map.  Ids and names compare by bytes (SQLite's default; a PostgreSQL database is created with collation C).

CREATE TABLE servicediscovery_namespaces (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    http_name TEXT NOT NULL,
    service_count BIGINT NOT NULL,
    instance_count BIGINT NOT NULL,
    document TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (region, id),
    UNIQUE (region, http_name)
);

CREATE INDEX servicediscovery_namespaces_name ON servicediscovery_namespaces (region, name);

-- unique_name is in lower case where the name is one of DNS.
CREATE TABLE servicediscovery_services (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    namespace_id TEXT NOT NULL,
    name TEXT NOT NULL,
    unique_name TEXT NOT NULL,
    instance_count BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (region, id),
    UNIQUE (region, namespace_id, unique_name)
);

CREATE INDEX servicediscovery_services_name ON servicediscovery_services (region, namespace_id, name);

CREATE INDEX servicediscovery_services_namespace ON servicediscovery_services (region, namespace_id, id);

-- health is empty where the service has no health check.
CREATE TABLE servicediscovery_instances (
    region TEXT NOT NULL,
    service_id TEXT NOT NULL,
    id TEXT NOT NULL,
    health TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (region, service_id, id)
);

CREATE TABLE servicediscovery_operations (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    type TEXT NOT NULL,
    namespace_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

CREATE INDEX servicediscovery_operations_created ON servicediscovery_operations (region, created, id);

CREATE INDEX servicediscovery_operations_namespace ON servicediscovery_operations (region, namespace_id, created, id);

CREATE INDEX servicediscovery_operations_service ON servicediscovery_operations (region, service_id, created, id);
