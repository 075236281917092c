-- CloudWatch: metrics and their datapoints.  Times are seconds since the epoch.

-- A metric's id follows from its region, namespace, name and dimensions, so that a datapoint is stored without a look-up.
CREATE TABLE cloudwatch_metrics (
    id BIGINT PRIMARY KEY,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    newest BIGINT NOT NULL,
    UNIQUE (region, namespace, name, dimensions)
);

CREATE INDEX cloudwatch_metrics_by_newest ON cloudwatch_metrics (newest);

-- What was measured between `timestamp` and `resolution` seconds later.  `distribution` is a JSON list of values and
-- their counts; it is absent where minimum and maximum say it all, and where nobody knows it (a statistic set).
CREATE TABLE cloudwatch_datapoints (
    metric_id BIGINT NOT NULL,
    timestamp BIGINT NOT NULL,
    resolution INTEGER NOT NULL,
    unit TEXT NOT NULL,
    sample_count DOUBLE PRECISION NOT NULL,
    total DOUBLE PRECISION NOT NULL,
    minimum DOUBLE PRECISION NOT NULL,
    maximum DOUBLE PRECISION NOT NULL,
    distribution TEXT,
    PRIMARY KEY (metric_id, timestamp, resolution, unit)
);

-- The oldest of each resolution are merged into the next coarser one.
CREATE INDEX cloudwatch_datapoints_by_age ON cloudwatch_datapoints (resolution, timestamp);
