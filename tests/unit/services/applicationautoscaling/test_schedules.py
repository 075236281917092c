"""Schedules mean the times that AWS's pages give, by the clock of their zone, whatever that clock does."""

import zoneinfo
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from homeport.services.applicationautoscaling.schedules import BadSchedule, parse_schedule


def times(expression, start, count=3, zone="UTC"):
    """Return the next times after *start*, as the zone's clock shows them."""
    clock = ZoneInfo(zone)
    moment = datetime.fromisoformat(start).replace(tzinfo=clock).timestamp()
    schedule = parse_schedule(expression, zone, moment)
    found = []
    for _ in range(count):
        following = schedule.next_after(moment)
        if following is None:
            break
        assert following > moment
        moment = following
        found.append(datetime.fromtimestamp(moment, clock).isoformat(sep=" ")[:16])
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-11-27 10:00", "2026-11-28 10:00", "2026-11-29 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-11-26 12:15", "2026-11-27 12:15", "2026-11-28 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-26 18:00", "2026-11-27 18:00", "2026-11-30 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01 08:00", "2027-01-01 08:00", "2027-02-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-26 11:15", "2026-11-26 11:30", "2026-11-26 11:45"]),
        ("cron(*/20 11 * * ? *)", ["2026-11-26 11:20", "2026-11-26 11:40", "2026-11-27 11:00"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-12-07 09:00", "2027-01-04 09:00", "2027-02-01 09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-11-27 09:00", "2026-12-25 09:00", "2027-01-29 09:00"]),
        ("cron(0 9 ? * L *)", ["2026-11-28 09:00", "2026-12-05 09:00", "2026-12-12 09:00"]),
        ("cron(0 9 L * ? *)", ["2026-11-30 09:00", "2026-12-31 09:00", "2027-01-31 09:00"]),
        ("cron(0 9 1W * ? *)", ["2026-12-01 09:00", "2027-01-01 09:00", "2027-02-01 09:00"]),
        ("cron(0 9 30W MAY ? *)", ["2027-05-31 09:00", "2028-05-30 09:00", "2029-05-30 09:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(5,10 7-8 26 NOV ? 2026-2027)", ["2027-11-26 07:05", "2027-11-26 07:10", "2027-11-26 08:05"]),
        ("cron(0 12 * * ? 2026)", ["2026-11-26 12:00", "2026-11-27 12:00", "2026-11-28 12:00"]),
        ("rate(1 hour)", ["2026-11-26 12:00", "2026-11-26 13:00", "2026-11-26 14:00"]),
        ("rate(5 minutes)", ["2026-11-26 11:05", "2026-11-26 11:10", "2026-11-26 11:15"]),
        ("at(2026-11-26T11:30:00)", ["2026-11-26 11:30"]),
        ("at(2026-11-26T10:30:00)", []),
        ("cron(0 12 * * ? 2020)", []),
    ],
)
def test_an_expression_means_these_times(expression, expected):
    assert times(expression, "2026-11-26 11:00") == expected


def test_a_zone_s_clock_is_what_counts():
    new_york = "America/New_York"
    schedule = parse_schedule("cron(0 9 * * ? *)", new_york, 0)
    winter = datetime(2026, 1, 5, 12, tzinfo=ZoneInfo("UTC")).timestamp()
    summer = datetime(2026, 7, 5, 12, tzinfo=ZoneInfo("UTC")).timestamp()
    assert [schedule.next_after(moment) for moment in (winter, summer)] == [winter + 2 * 3_600, summer + 3_600]
    assert times("at(2026-07-05T09:00:00)", "2026-07-05 08:00", zone=new_york) == ["2026-07-05 09:00"]


def test_a_time_that_clocks_leave_out_is_not_left_out_and_one_that_they_repeat_comes_once():
    berlin = "Europe/Berlin"
    spring = times("cron(30 2 * * ? *)", "2026-03-28 12:00", zone=berlin)
    assert spring == ["2026-03-29 03:30", "2026-03-30 02:30", "2026-03-31 02:30"]
    autumn = times("cron(30 2 * * ? *)", "2026-10-24 12:00", zone=berlin)
    assert autumn == ["2026-10-25 02:30", "2026-10-26 02:30", "2026-10-27 02:30"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "tomorrow",
        "at(tomorrow)",
        "at(2026-13-01T00:00:00)",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(2 minute)",
        "rate(5 seconds)",
        "cron(0 10 * * ?)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 10 32 * ? *)",
        "cron(0 10 31 2 ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 ? * MON#6 *)",
        "cron(0 10 * FOO ? *)",
        "cron(0 10 * * ? 1969)",
        "cron(5-1 10 * * ? *)",
        "cron(0/0 10 * * ? *)",
        "cron(*-5 10 * * ? *)",
        "cron(²2 10 * * ? *)",
    ],
)
def test_what_means_no_time_is_refused(expression):
    with pytest.raises(BadSchedule):
        parse_schedule(expression, "", 0)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc/passwd"])
def test_a_zone_that_does_not_exist_is_refused(zone):
    with pytest.raises(BadSchedule, match="there is no time zone"):
        parse_schedule("rate(1 hour)", zone, 0)


def test_utc_needs_no_time_zones_on_the_machine():
    zoneinfo.reset_tzpath(to=())
    try:
        assert parse_schedule("cron(0 10 * * ? *)", "", 0).next_after(0) == 36_000
        assert parse_schedule("cron(0 10 * * ? *)", "UTC", 0).next_after(0) == 36_000
    finally:
        zoneinfo.reset_tzpath()
