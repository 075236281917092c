-- Application Auto Scaling.  Times are seconds since the epoch.  A resource is `service/CLUSTER/NAME`.
CREATE TABLE autoscaling_targets (
    region TEXT NOT NULL,
    resource TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    suspended TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (region, resource)
);

-- `document` is what was declared; `progress` is the scaling's own: when the policy last acted.
CREATE TABLE autoscaling_policies (
    region TEXT NOT NULL,
    resource TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    created_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL,
    progress TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (region, resource, name)
);

CREATE TABLE autoscaling_scheduled_actions (
    region TEXT NOT NULL,
    resource TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    created_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL,
    due DOUBLE PRECISION,
    PRIMARY KEY (region, resource, name)
);

CREATE INDEX autoscaling_scheduled_actions_due ON autoscaling_scheduled_actions (due) WHERE due IS NOT NULL;

CREATE TABLE autoscaling_activities (
    id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    resource TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    description TEXT NOT NULL,
    cause TEXT NOT NULL,
    outcome TEXT NOT NULL,
    message TEXT NOT NULL,
    wanted INTEGER
);

CREATE INDEX autoscaling_activities_by_resource ON autoscaling_activities (region, resource, started_at, id);

CREATE INDEX autoscaling_activities_by_region ON autoscaling_activities (region, started_at, id);

CREATE INDEX autoscaling_activities_open ON autoscaling_activities (region, resource) WHERE outcome = 'InProgress';

CREATE INDEX autoscaling_activities_by_age ON autoscaling_activities (started_at);
