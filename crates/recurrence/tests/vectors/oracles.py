"""Three answers to the question which instants an expression names, by three ways that share no code.

The rules that they speak for:

days       Day of month and day of week: either is enough, unless one of them begins with `*`: then both must hold
           (Vixie's cron). All three oracles; croniter with implement_cron_bug, which is its name for that rule.
clock      An expression follows the clock when its second, minute or hour has a `*` or a `/`: it fires whenever the
           clock reads so. All others name fixed times.
gap        A fixed time that does not exist: after = at once when the clock goes on, once; skip = not.
overlap    A fixed time that comes twice: first = the first time; both = both times.

walk       The definition, word by word: goes through every minute (or second) of UTC, reads the clock by zoneinfo, and looks
           whether the expression has that reading, and whether readings were left out since the step before.
           It speaks for everything.
debian     cronsim, which does as Debian's cron: after and first. It sees a fixed time only in expressions of five fields
           whose minute and hour do not begin with `*`; so it is not asked about steps of ranges, nor about fixed times with
           seconds, in a zone whose clock changes. It walks by whole hours and minutes of
           UTC, and so passes over times where zones are not ahead by such: it is not asked what follows the clock in zones
           with half hours, nor anything where a shift has seconds. It speaks for the two policies that are the default.
mapped     croniter for the civil times, without any zone, and dateutil for what each of them comes to in the zone: from the
           clock to the instants, where `walk` goes from the instants to the clock. It speaks for all policies.
"""

from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim
from dateutil import tz as dateutil_tz

UTC = timezone.utc
# No clock was ever put forward or back by more than a day.
SHIFT_MAX = timedelta(hours=26)
LIMITS = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
NAMES = {
    4: ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    5: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}


def fields(cron):
    """Six texts, and whether seconds were written."""
    texts = cron.split()
    return (texts, True) if len(texts) == 6 else (["0", *texts], False)


def follows_clock(cron):
    return any("*" in text or "/" in text for text in fields(cron)[0][:3])


@cache
def values(place, text):
    """The values of a field, Sunday as 0."""
    low, high = LIMITS[place]

    def number(word):
        return NAMES[place].index(word.lower()) if word.isalpha() else int(word)

    found = set()
    for part in text.replace("?", "*").split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        start, end = number(first), number(last or first)
        found |= set(range(start, end + 1, int(step or 1)))
    return frozenset(value % 7 for value in found) if place == 5 else frozenset(found)


def date_fits(texts, day):
    in_days = day.day in values(3, texts[3])
    in_weekdays = day.isoweekday() % 7 in values(5, texts[5])
    both = texts[3][0] in "*?" or texts[5][0] in "*?"
    fits = in_days and in_weekdays if both else in_days or in_weekdays
    return fits and day.month in values(4, texts[4])


def reading_fits(texts, reading):
    time = (reading.second, reading.minute, reading.hour)
    return all(time[place] in values(place, texts[place]) for place in range(3)) and date_fits(texts, reading)


def walk(question):
    """By definition."""
    texts, has_seconds = fields(question.cron)
    if question.zone == "UTC":
        return walk_evenly(texts, question)
    zone = ZoneInfo(question.zone)
    step = timedelta(seconds=1 if has_seconds or question.odd else 60)
    fixed = not follows_clock(question.cron)
    found = []
    before = (question.start - step).astimezone(zone).replace(tzinfo=None)
    at = question.start
    while at < question.end:
        local = at.astimezone(zone)
        reading = local.replace(tzinfo=None, fold=0)
        fires = reading_fits(texts, reading) and not (fixed and local.fold and question.overlap == "first")
        left_out = before + step
        while left_out < reading and fixed and question.gap == "after" and not fires:
            fires = reading_fits(texts, left_out)
            left_out += step
        if fires:
            found.append(at)
        before = reading
        at += step
    return found


def walk_evenly(texts, question):
    """The same where a clock never changes: days and hours that are not named are passed over as wholes."""
    found = []
    at = question.start
    while at < question.end:
        if not date_fits(texts, at):
            at = (at + timedelta(days=1)).replace(hour=0, minute=0, second=0)
        elif at.hour not in values(2, texts[2]):
            at = (at + timedelta(hours=1)).replace(minute=0, second=0)
        else:
            if reading_fits(texts, at):
                found.append(at)
            at += timedelta(seconds=1)
    return found


def parts_of_hours(question):
    """Whether the zone is not ahead of UTC by whole hours all the time."""
    zone = ZoneInfo(question.zone)
    hours = range(int((question.end - question.start) / timedelta(hours=1)) + 1)
    return any((question.start + timedelta(hours=hour)).astimezone(zone).utcoffset() % timedelta(hours=1) for hour in hours)


def debian(question):
    """By cronsim; none where it has another rule."""
    texts, has_seconds = fields(question.cron)
    if question.zone != "UTC":
        if (question.gap, question.overlap) != ("after", "first"):
            return None
        fixed_there = not has_seconds and not texts[1].startswith("*") and not texts[2].startswith("*")
        if fixed_there == follows_clock(question.cron) or question.odd or (not fixed_there and parts_of_hours(question)):
            return None
    zone = UTC if question.zone == "UTC" else ZoneInfo(question.zone)
    found = []
    start = (question.start - timedelta(seconds=1)).astimezone(zone)
    for at in CronSim(question.cron.replace("?", "*"), start):
        at = at.astimezone(UTC)
        if at >= question.end:
            return found
        found.append(at)
    return found


@cache
def dateutil_zone(name):
    with (files("tzdata") / "zoneinfo" / name).open("rb") as file:
        return dateutil_tz.tzfile(file, name)


def mapped(question):
    """By croniter and dateutil."""
    zone = dateutil_tz.UTC if question.zone == "UTC" else dateutil_zone(question.zone)
    fixed = not follows_clock(question.cron)
    shift_max = timedelta(0) if question.zone == "UTC" else SHIFT_MAX
    start = question.start.replace(tzinfo=None) - shift_max
    end = question.end.replace(tzinfo=None) + shift_max
    civil = croniter(
        question.cron,
        start - timedelta(seconds=1),
        ret_type=datetime,
        implement_cron_bug=True,
        second_at_beginning=True,
        max_years_between_matches=60,
    )
    step = timedelta(seconds=1 if fields(question.cron)[1] or question.odd else 60)
    found = set()
    while (at := civil.get_next()) < end:
        if dateutil_tz.datetime_exists(at, zone):
            twice = dateutil_tz.datetime_ambiguous(at, zone)
            folds = [0, 1] if twice and (not fixed or question.overlap == "both") else [0]
        elif fixed and question.gap == "after":
            folds = [0]
            while not dateutil_tz.datetime_exists(at, zone):
                at += step
        else:
            folds = []
        for fold in folds:
            found.add(dateutil_tz.enfold(at, fold).replace(tzinfo=zone).astimezone(UTC))
    return sorted(at for at in found if question.start <= at < question.end)


ORACLES = {"walk": walk, "debian": debian, "mapped": mapped}
