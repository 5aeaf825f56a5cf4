#!/usr/bin/python3
"""python-caldav of a user with whom two others share: python_shares.py URL USER PASSWORD READER WRITER

READER lets the user read a calendar, WRITER lets him write to it. Exits 1 with a traceback at the first thing that is not so."""

import sys
import urllib.parse

import caldav
from caldav.elements import dav
from caldav.elements.ical import CalendarColor

url, user, password, reader, writer = sys.argv[1:]


def connect():
    return caldav.DAVClient(url=url, username=user, password=password).principal()


def calendars():
    return {urllib.parse.unquote(c.url.path).rstrip("/").split("/")[-1]: c for c in connect().calendars()}


def privileges(calendar):
    body = '<propfind xmlns="DAV:"><prop><current-user-privilege-set/></prop></propfind>'
    tree = calendar.client.propfind(str(calendar.url), body, depth=0).tree
    return {e[0].tag.split("}")[1] for e in tree.iter("{DAV:}privilege")}


def event(summary):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:guest\r\nDTSTAMP:20261125T090000Z\r\n"
        "DTSTART:20261125T110000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n" % summary
    )


# Discovery finds them all, under names that tell whose they are.
found = calendars()
own, reading, writing = (found.get(n) for n in ("Calendar", "~%s:Calendar" % reader, "~%s:Calendar" % writer))
assert own and reading and writing, list(found)
for calendar, owner in (own, user), (reading, reader), (writing, writer):
    (first,) = calendar.events()
    assert first.vobject_instance.vevent.summary.value == "of " + owner
name = reading.get_properties([dav.DisplayName()])[dav.DisplayName.tag]
assert name == "Calendar (%s)" % reader, name

# Read-only is shown, and enforced.
assert "write" in privileges(own) and "write-content" in privileges(writing), (privileges(own), privileges(writing))
assert not privileges(reading) & {"all", "write", "write-content", "bind", "unbind"}, privileges(reading)
for change in lambda: reading.save_event(event("By a guest")), lambda: reading.events()[0].delete():
    try:
        change()
    except caldav.error.DAVError as e:
        assert "403" in str(e) or isinstance(e, caldav.error.AuthorizationError), e
    else:
        raise AssertionError("a calendar that may only be read was changed")

# What may be written goes to its owner.
writing.save_event(event("By a guest"))
again = calendars()["~%s:Calendar" % writer].event_by_uid("guest")
again.vobject_instance.vevent.summary.value = "Changed by a guest"
again.save()

# A colour of one's own.
assert reading.get_properties([CalendarColor()])[CalendarColor.tag] == "#112233"
reading.set_properties([CalendarColor("#FF8800")])
assert calendars()["~%s:Calendar" % reader].get_properties([CalendarColor()])[CalendarColor.tag] == "#FF8800"
print("ok")
