-- Which alarms call for an action now: their state is the one that the action is for, and their actions are enabled.
ALTER TABLE cloudwatch_alarm_actions ADD COLUMN calling INTEGER NOT NULL DEFAULT 0;

CREATE INDEX cloudwatch_alarm_actions_calling ON cloudwatch_alarm_actions (action, region, name) WHERE calling = 1;
