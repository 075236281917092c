-- Health checks that go by an alarm of CloudWatch, and whether the alarm last said that all is well.
ALTER TABLE route53_health_checks ADD COLUMN alarm INTEGER NOT NULL DEFAULT 0;
ALTER TABLE route53_health_checks ADD COLUMN passes INTEGER NOT NULL DEFAULT 1;
CREATE INDEX route53_health_checks_by_alarm ON route53_health_checks (alarm, id);
