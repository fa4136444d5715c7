"""Which questions are asked: of calendars in UTC, and of clocks around the days on which they change."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import product
from zoneinfo import ZoneInfo

from cronsim import CronSim

from oracles import fields

UTC = timezone.utc
SEED = 2026
# Instants of a vector in UTC; enough to cross what the expression has to cross.
INSTANTS = 10
CIVIL_RANDOM = 260
# Questions about one change of a clock.
CHANGE_MAX = 14


@dataclass(frozen=True)
class Question:
    cron: str
    start: datetime
    end: datetime
    zone: str = "UTC"
    gap: str = "after"
    overlap: str = "first"
    # The zone's offset then is not a whole number of minutes.
    odd: bool = False


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Month ends, year ends, leap days (2000 had one, 2100 has none), weekdays, both fields of days, names, steps, seconds.
CALENDAR = {
    "2023-12-30T22:30:00": [
        "* * * * *", "*/7 * * * *", "0 * * * *", "59 23 31 12 *", "0 0 1 1 *", "0 0 1 * *", "30 4 1,15 * 5", "0 0 * * 0",
        "0 0 * * 7", "0 0 * * mon-fri", "5-59/15 * * * *", "0 22-23,0-1 * * *", "0 0 31 * *", "0 0 29-31 * *",
        "0 0 28-31 1,2 *", "0 9 ? * MON", "0 9 1 * ?", "0 0 */10 * *", "0 0 */2 * mon", "0 0 1-7 * */3", "0 0 13 * fri",
        "15 10 * jan,Jul sun", "0 0 1 */3 *", "*/20 9-17/4 * * 1-5", "0,10,20 0-4/2 2-8/3 * *", "0 0 * * 5-7",
        "0 0 * * 1-7/2", "0 0 * * */2", "0 12 1-31 2 *", "0 0 1,1,2-4,3 * *", "007 08 09 10 *", "0 0 30 feb mon",
        "0 0 31 4,6,9,11 wed", "* * * * * *", "*/25 * * * * *", "30 59 23 * * *", "0,59 0,59 0,23 1,31 1,12 *",
        "10-50/20 */30 * * * 6", "59 59 23 31 12 *",
    ],
    "1999-11-01T00:00:00": ["0 0 29 2 *", "0 12 29 2 *", "59 23 28,29 2 *", "0 0 1 3 *", "0 0 29 2 2"],
    "2096-02-28T23:59:00": ["0 0 29 2 *", "0 0 29 2 */7", "0 0 28-31 2 *", "0 0 1 3 */7", "0 0 29 2 thu"],
    "2000-02-28T23:59:30": ["*/30 59 23 28-29 2 *", "0 0 0 29 2 *", "0 0 */29 * *", "0 6 29 2 */1"],
}


def random_field(rng, place):
    low, high = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)][place]
    kind = rng.choice(["one", "one", "list", "range", "star step", "range step", "star"])
    values = sorted(rng.sample(range(low, high + 1), 3))
    match kind:
        case "one":
            return str(values[0])
        case "list":
            return ",".join(map(str, values[: rng.choice([2, 3])]))
        case "range":
            return f"{values[0]}-{values[2]}"
        case "star step":
            return f"*/{rng.choice([2, 3, 4, 5])}"
        case "range step":
            return f"{values[0]}-{values[2]}/{rng.choice([2, 3])}"
    return "*"


def window(cron, start):
    """Until after the first instants."""
    at = start
    for count, at in enumerate(CronSim(cron.replace("?", "*"), start - timedelta(seconds=1)), 1):
        if count == INSTANTS or at - start > timedelta(days=366 * 45):
            break
    return at + timedelta(seconds=1)


def civil_questions():
    rng = random.Random(SEED)
    asked = [(cron, utc(start)) for start, crons in CALENDAR.items() for cron in crons]
    while len(asked) < CIVIL_RANDOM:
        seconds = rng.random() < 0.25
        cron = " ".join(random_field(rng, place) for place in range(0 if seconds else 1, 6))
        start = utc("2019-01-01T00:00:00") + timedelta(seconds=rng.randrange(7 * 365 * 86400))
        if not seconds:
            start = start.replace(second=0)
        asked.append((cron, start))
    for cron, start in asked:
        try:
            yield Question(cron, start, window(cron, start))
        except Exception as error:
            if "Bad" not in str(error):
                raise


# Years in which the clocks of a zone changed in ways worth a look; all long settled.
CHANGES = {
    "America/New_York": [1974, 1987, 2006, 2007, 2025, 2026],
    "Europe/Lisbon": [1966, 1992, 1993, 1996, 2026],  # to another hour and back
    "Europe/London": [1968, 1971, 2025],  # three years of summer time
    "Europe/Dublin": [1971, 1972, 2025],  # winter is the saved time
    "Australia/Lord_Howe": [1981, 1985, 2008, 2025],  # half an hour
    "America/Sao_Paulo": [2017, 2018, 2019],  # at midnight
    "Asia/Beirut": [2022, 2025],  # at midnight
    "America/Havana": [2012, 2025],  # at midnight and at one
    "Pacific/Apia": [2010, 2011, 2012],  # a day left out
    "Pacific/Kwajalein": [1993],  # another
    "Asia/Kolkata": [1941, 1942, 1945],
    "Africa/Casablanca": [2013, 2018, 2024],  # around Ramadan
    "Asia/Pyongyang": [2015, 2018],
    "Antarctica/Troll": [2012, 2025],  # two hours
    "Pacific/Chatham": [2024],  # at 2:45
    "Asia/Kathmandu": [1985],  # a quarter
    "America/Caracas": [2007, 2016],
    "Africa/Monrovia": [1972],  # 44 minutes and 30 seconds
    "Africa/Cairo": [2010, 2014],  # four changes in a year
    "Europe/Moscow": [2010, 2011, 2014],
    "Asia/Tehran": [2022],
    "America/Asuncion": [2024],
    "Europe/Istanbul": [2016],
}


def changes(zone, year):
    """The instants at which the offset of a zone changes in a year."""
    info = ZoneInfo(zone)

    def offset(at):
        return at.astimezone(info).utcoffset()

    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        low, high = day, day + timedelta(days=1)
        if offset(low) != offset(high):
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            yield high
        day += timedelta(days=1)


def around(first, last):
    """Expressions that a change meets whose clock leaves out, or repeats, the times from `first` to `last`."""
    inside = first + (last - first) / 2
    inside = inside.replace(second=0)
    before = first - timedelta(minutes=1)
    h, m, d, month, weekday = inside.hour, inside.minute, inside.day, inside.month, inside.isoweekday() % 7
    fixed = [
        f"{m} {h} * * *",
        f"{first.minute} {first.hour} * * *",
        f"{last.minute} {last.hour} * * *",
        f"{before.minute} {before.hour} * * *",
        f"0,15,30,45 {h} * * *",
        f"{m},{last.minute} {h},{last.hour} * * *",
        f"{m} {min(h, 20)}-{min(h, 20) + 3} * * *",
        f"{m} {h} {d} {month} *",
        f"{m} {h} * * {weekday}",
        f"{m} {h} */2 * *",
        "0 0 * * *",
        f"0 0,{h} 1,{d} * {weekday}",
        f"0,30 {m} {h} * * *",
        f"15 {first.minute},{m} {first.hour},{h} * * {weekday}",
    ]
    following = [
        f"{m} * * * *",
        f"* {h} * * *",
        f"*/20 {h} * * *",
        "0 */2 * * *",
        "*/30 * * * *",
        f"5-55/10 {h} * * *",
        f"{m} {min(h, 20)}-{min(h, 20) + 3}/2 * * *",
        f"*/15 * {d} * {weekday}",
        f"{m} * * {month} {weekday}",
        f"*/20 {m} {h} * * *",
        f"30 */10 {h} * * *",
    ]
    return fixed, following


def zone_questions():
    rng = random.Random(SEED)
    for zone, years in CHANGES.items():
        info = ZoneInfo(zone)
        for at in (at for year in years for at in changes(zone, year)):
            before = (at - timedelta(seconds=1)).astimezone(info)
            after = at.astimezone(info)
            odd = any(reading.utcoffset().total_seconds() % 60 for reading in (before, after))
            edges = sorted([before.replace(tzinfo=None) + timedelta(seconds=1), after.replace(tzinfo=None)])
            fixed, following = around(*edges)
            policies = list(product(["after", "skip"], ["first", "both"]))
            asked = [(cron, *policy) for cron in fixed for policy in policies]
            # What follows the clock has no use for policies.
            asked += [(cron, *rng.choice([policies[0], policies[0], policies[3]])) for cron in following]
            for cron, gap, overlap in rng.sample(asked, min(CHANGE_MAX, len(asked))):
                by_seconds = fields(cron)[1]
                hours = 30 if by_seconds or odd else 54
                start = (at - timedelta(hours=hours)).replace(minute=0, second=0)
                yield Question(cron, start, start + timedelta(hours=2 * hours), zone, gap, overlap, odd)
