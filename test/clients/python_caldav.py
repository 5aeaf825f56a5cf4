#!/usr/bin/python3
"""A session of python-caldav, the library of Home Assistant's integration: python_caldav.py URL USER PASSWORD

It starts from the bare host, as its users do, and exits 1 with a traceback at the first thing that is not so."""

import datetime
import sys

import caldav

url, user, password = sys.argv[1:]
UTC = datetime.timezone.utc


def connect():
    return caldav.DAVClient(url=url, username=user, password=password).principal()


def calendar(name):
    found = [c for c in connect().calendars() if c.url.path.rstrip("/").endswith("/" + name)]
    assert len(found) == 1, (name, [str(c.url) for c in connect().calendars()])
    return found[0]


def event(uid, summary, start, extra=""):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20261125T090000Z\r\n"
        "DTSTART:%s\r\nDURATION:PT1H\r\nSUMMARY:%s\r\n%sEND:VEVENT\r\nEND:VCALENDAR\r\n" % (uid, start, summary, extra)
    )


def summaries(found):
    return sorted(e.vobject_instance.vevent.summary.value for e in found)


# Discovery.
events, tasks = calendar("Calendar"), calendar("Tasks")
assert "VEVENT" in events.get_supported_components()
assert tasks.get_supported_components() == ["VTODO"], tasks.get_supported_components()

# Create, and query by date.
events.save_event(event("noon", "Noon é", "20261125T110000Z"))
events.save_event(event("later", "Later", "20261210T110000Z"))
day = events.date_search(
    start=datetime.datetime(2026, 11, 25, tzinfo=UTC), end=datetime.datetime(2026, 11, 26, tzinfo=UTC), expand=False
)
assert summaries(day) == ["Noon é"], summaries(day)
assert summaries(calendar("Calendar").events()) == ["Later", "Noon é"]

# Another client sees it, changes it; the first one sees the change.
other = calendar("Calendar").event_by_uid("noon")
other.vobject_instance.vevent.summary.value = "Noon, changed"
other.save()
assert summaries(events.events()) == ["Later", "Noon, changed"]

# Synchronisation by token.
sync = events.objects(load_objects=True)
assert len(list(sync)) == 2
calendar("Calendar").event_by_uid("later").delete()
calendar("Calendar").save_event(event("new", "New", "20261126T110000Z"))
updated, deleted = sync.sync()
assert len(list(updated)) == 1 and len(list(deleted)) == 1, (list(updated), list(deleted))

# Tasks: pending, done.
tasks.save_todo(
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VTODO\r\nUID:milk\r\nDTSTAMP:20261125T090000Z\r\n"
    "SUMMARY:Milk\r\nSTATUS:NEEDS-ACTION\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
)
pending = calendar("Tasks").todos()
assert [t.vobject_instance.vtodo.summary.value for t in pending] == ["Milk"], pending
pending[0].complete()
assert calendar("Tasks").todos() == []
done = calendar("Tasks").todos(include_completed=True)
assert [t.vobject_instance.vtodo.status.value for t in done] == ["COMPLETED"]

# A calendar of one's own.
made = connect().make_calendar(name="Büro & Co", cal_id="office")
made.save_event(event("desk", "Desk", "20261125T110000Z"))
again = calendar("office")
assert again.get_properties([caldav.elements.dav.DisplayName()])["{DAV:}displayname"] == "Büro & Co"
assert summaries(again.events()) == ["Desk"]
again.delete()
assert not [c for c in connect().calendars() if "office" in c.url.path]

for e in calendar("Calendar").events():
    e.delete()
assert calendar("Calendar").events() == []
print("ok")
