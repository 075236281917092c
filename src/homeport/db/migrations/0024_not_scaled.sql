-- Why an activity did not scale, as JSON; empty for those that did.
ALTER TABLE autoscaling_activities ADD COLUMN not_scaled TEXT NOT NULL DEFAULT '';
