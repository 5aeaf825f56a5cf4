#!/usr/bin/python3
"""Instances by other people's libraries: icalendar reads the object, dateutil expands its rules.

Each line of input is JSON: {"object": iCalendar, "from": T, "to": T}. Each line of output is the sorted list of when the
instances in that range begin, as 20260310T100000Z, or a date; null where dateutil looks for what never comes, until the
year 9999. The instances are made in local time and put into their
zone by dateutil; what is not its own domain (see the test) is not asked for."""

import datetime
import json
import signal
import sys

import icalendar
from dateutil import rrule, tz

UTC = tz.UTC


def values(component, name):
    """All values of a property that may be a list and may stand often."""
    found = component.get(name)
    for p in found if isinstance(found, list) else [found] if found is not None else []:
        for d in p.dts:
            yield d.dt


def naive(value):
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    return datetime.datetime(value.year, value.month, value.day)


def local(value, zone):
    """The local time in a zone of a value that may be in UTC."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None and value.utcoffset() == datetime.timedelta(0):
        return value.astimezone(zone).replace(tzinfo=None)
    return naive(value)


def expand(raw, low, high):
    calendar = icalendar.Calendar.from_ical(raw)
    events = [e for e in calendar.walk("VEVENT")]
    master = [e for e in events if "RECURRENCE-ID" not in e][0]
    start = master["DTSTART"]
    dates = not isinstance(start.dt, datetime.datetime)
    zone = tz.gettz(start.params["TZID"]) if "TZID" in start.params else UTC
    begin = naive(start.dt)

    chosen = rrule.rruleset()
    chosen.rdate(begin)
    rules = master.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        rule = dict(rule)
        count = rule.pop("COUNT", [None])[0]
        until = rule.pop("UNTIL", [None])[0]
        text = icalendar.vRecur(rule).to_ical().decode()
        try:
            made = rrule.rrulestr(text, dtstart=begin)
        except ValueError as e:
            if "empty set" in str(e):  # no time of day is left
                continue
            raise
        if until is not None:
            made = made.replace(until=local(until, zone))
        if count is not None:
            # DTSTART is the first instance, whether it fits or not (RFC 5545 section 3.3.10).
            first = next(iter(made), None)
            made = made.replace(count=count if first == begin else count - 1) if first == begin or count > 1 else rrule.rrule(
                rrule.DAILY, dtstart=begin, count=1)
        chosen.rrule(made)
    for d in values(master, "RDATE"):
        chosen.rdate(local(d, zone))
    for d in values(master, "EXDATE"):
        chosen.exdate(local(d, zone))
    own = []
    for e in events:
        if e is not master:
            chosen.exdate(local(e["RECURRENCE-ID"].dt, zone))
            own.append(local(e["DTSTART"].dt, zone))

    low, high = (datetime.datetime.strptime(t, "%Y%m%dT%H%M%SZ") for t in (low, high))
    found = []
    margin = datetime.timedelta(days=2)
    for wall in own + chosen.between(low - margin, high + margin, inc=True):
        at = wall
        if not dates:
            at = tz.resolve_imaginary(wall.replace(tzinfo=zone)).astimezone(UTC).replace(tzinfo=None)
        if low <= at < high:
            found.append(at.strftime("%Y%m%d" if dates else "%Y%m%dT%H%M%SZ"))
    return sorted(found)


class TooLong(Exception):
    pass


def too_long(*_):
    raise TooLong


signal.signal(signal.SIGALRM, too_long)
for line in sys.stdin:
    asked = json.loads(line)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        answer = expand(asked["object"], asked["from"], asked["to"])
        signal.setitimer(signal.ITIMER_REAL, 0)
    except TooLong:
        answer = None
    print(json.dumps(answer), flush=True)
