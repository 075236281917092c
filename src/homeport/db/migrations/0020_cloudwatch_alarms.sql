-- CloudWatch's alarms.  Times are seconds since the epoch.  What the user declared is `document`; the state and what
-- belongs to it has one writer, the evaluation, and SetAlarmState for a moment.
CREATE TABLE cloudwatch_alarms (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}',
    updated DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_data TEXT NOT NULL DEFAULT '',
    state_updated DOUBLE PRECISION NOT NULL,
    due DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (region, name)
);

CREATE INDEX cloudwatch_alarms_by_due ON cloudwatch_alarms (due);

-- Which alarms look at a metric.
CREATE TABLE cloudwatch_alarm_metrics (
    metric_id BIGINT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (metric_id, region, name)
);

CREATE INDEX cloudwatch_alarm_metrics_by_alarm ON cloudwatch_alarm_metrics (region, name);

-- Which alarms call for an action, and in which state: who carries actions out looks here.
CREATE TABLE cloudwatch_alarm_actions (
    action TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (action, region, name, state)
);

CREATE INDEX cloudwatch_alarm_actions_by_alarm ON cloudwatch_alarm_actions (region, name);

-- `number` tells apart what happened to an alarm at one moment.
CREATE TABLE cloudwatch_alarm_history (
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    timestamp DOUBLE PRECISION NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (region, name, timestamp, number)
);

CREATE INDEX cloudwatch_alarm_history_by_region ON cloudwatch_alarm_history (region, timestamp, number);

CREATE INDEX cloudwatch_alarm_history_by_age ON cloudwatch_alarm_history (timestamp);
