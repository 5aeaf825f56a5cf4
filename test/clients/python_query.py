#!/usr/bin/python3
"""What python-caldav can ask of a calendar: python_query.py URL USER PASSWORD

Ranges with and without expansion, tasks pending and done, journals, text, free-busy, objects by UID, synchronisation. It exits
1 with a traceback at the first answer that is not RFC 4791's."""

import datetime
import sys

import caldav
from caldav.elements import cdav, dav

url, user, password = sys.argv[1:]
UTC = datetime.timezone.utc
principal = caldav.DAVClient(url=url, username=user, password=password).principal()


def at(*args):
    return datetime.datetime(*args, tzinfo=UTC)


def save(add, component, uid, *lines):
    body = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:" + component, "UID:" + uid, "DTSTAMP:20260101T000000Z"]
    return add("\r\n".join(body + list(lines) + ["END:" + component, "END:VCALENDAR", ""]))


def uid(found):
    return next(str(c["UID"]) for c in found.icalendar_instance.subcomponents if c.name != "VTIMEZONE")


def uids(found):
    return sorted(uid(o) for o in found)


def starts(found):
    """When the instances begin, each of the component that is no time zone."""
    return sorted(
        c["DTSTART"].dt for o in found for c in o.icalendar_instance.subcomponents if c.name in ("VEVENT", "VTODO", "VJOURNAL")
    )


def equal(got, want):
    assert got == want, "got %r, want %r" % (got, want)


work = principal.make_calendar(name="Queries", cal_id="queries")
save(work.save_event, "VEVENT", "single", "DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", "SUMMARY:Dentist", "CATEGORIES:Health,Personal")
save(work.save_event, "VEVENT", "weekly", "DTSTART;TZID=Europe/Berlin:20260302T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=6",
     "EXDATE;TZID=Europe/Berlin:20260316T100000", "SUMMARY:Choir", "STATUS:TENTATIVE")
save(work.save_event, "VEVENT", "yearly", "DTSTART;VALUE=DATE:19571102", "RRULE:FREQ=YEARLY", "SUMMARY:Birthday, Büro", "TRANSP:TRANSPARENT")
save(work.save_event, "VEVENT", "alone", "DTSTART:20260401T090000Z", "DURATION:PT30M", "SUMMARY:Dentist again", "CLASS:CONFIDENTIAL")

# Ranges. A series is found by an instance far from its start.
equal(uids(work.date_search(at(2026, 3, 10), at(2026, 3, 11), expand=False)), ["single"])
equal(uids(work.date_search(at(2026, 3, 16), at(2026, 3, 17), expand=False)), [])  # excluded
equal(uids(work.date_search(at(2049, 11, 2), at(2049, 11, 3), expand=False)), ["yearly"])
equal(uids(work.date_search(at(2026, 4, 6), expand=False)), ["weekly", "yearly"])  # no end; the last one is on 6 April
equal(uids(work.date_search(at(2026, 3, 10, 10), at(2026, 3, 10, 11), expand=False)), [])  # ends as the range begins

# Expanded by the server: the clocks change on 29 March.
found = work.date_search(at(2026, 3, 1), at(2026, 5, 1), expand=True)
weekly = [o for o in found if "weekly" in o.data]
equal(starts(weekly), [at(2026, 3, 2, 9), at(2026, 3, 9, 9), at(2026, 3, 23, 9), at(2026, 3, 30, 8), at(2026, 4, 6, 8)])
assert not any("RRULE" in o.data or "VTIMEZONE" in o.data for o in found)
equal([d.year for d in starts(work.date_search(at(2027, 1, 1), at(2030, 1, 1), expand=True))], [2027, 2028, 2029])

# Text, in one case, as a part, negated by what is not defined.
equal(uids(work.search(comp_class=caldav.Event, summary="Dentist")), ["alone", "single"])
equal(uids(work.search(comp_class=caldav.Event, summary="dentist")), [])  # it asks with i;octet
equal(uids(work.search(comp_class=caldav.Event, summary="day, Büro")), ["yearly"])
equal(uids(work.search(comp_class=caldav.Event, category="Health")), ["single"])
equal(uids(work.search(comp_class=caldav.Event, class_="CONF")), ["alone"])
equal(uids(work.search(comp_class=caldav.Event, summary="Dentist", start=at(2026, 4, 1), end=at(2026, 4, 2))), ["alone"])
none = cdav.CompFilter("VCALENDAR") + (cdav.CompFilter("VEVENT") + (cdav.PropFilter("CATEGORIES") + cdav.NotDefined()))
equal(uids(work.search(xml=cdav.CalendarQuery() + [dav.Prop() + cdav.CalendarData(), cdav.Filter() + none], comp_class=caldav.Event)),
      ["alone", "weekly", "yearly"])
equal(uids(work.search()), ["alone", "single", "weekly", "yearly"])
equal(len(work.events()), 4)
equal([uid(o) for o in work.search(comp_class=caldav.Event, sort_keys=("summary",))],
      ["yearly", "weekly", "single", "alone"])

# Tasks: pending ones have no COMPLETED and are neither completed nor cancelled.
save(work.save_todo, "VTODO", "due", "DUE:20260312T120000Z", "SUMMARY:Taxes", "STATUS:NEEDS-ACTION", "PRIORITY:1")
save(work.save_todo, "VTODO", "open", "SUMMARY:Some day")
save(work.save_todo, "VTODO", "done", "DUE:20260301T120000Z", "SUMMARY:Done", "STATUS:COMPLETED", "COMPLETED:20260228T120000Z")
save(work.save_todo, "VTODO", "cancelled", "SUMMARY:No more", "STATUS:CANCELLED")
save(work.save_todo, "VTODO", "daily", "DTSTART:20260310T080000Z", "DUE:20260310T083000Z", "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:Vitamins")
equal(uids(work.todos()), ["daily", "due", "open"])
equal(uids(work.todos(include_completed=True)), ["cancelled", "daily", "done", "due", "open"])
equal([uid(o) for o in work.todos(sort_keys=("priority",))][-1], "due")
equal(uids(work.date_search(at(2026, 3, 12, 11), at(2026, 3, 12, 13), compfilter="VTODO", expand=False)), ["cancelled", "due", "open"])
equal(uids(work.date_search(at(2026, 3, 12), at(2026, 3, 12, 9), compfilter="VTODO", expand=False)), ["cancelled", "daily", "open"])
work.todo_by_uid("due").complete()
equal(uids(work.todos()), ["daily", "open"])

# Journals.
save(work.save_journal, "VJOURNAL", "diary", "DTSTART;VALUE=DATE:20260310", "SUMMARY:Rain")
equal(uids(work.journals()), ["diary"])
equal(uids(work.search(comp_class=caldav.Journal, start=at(2026, 3, 10), end=at(2026, 3, 11))), ["diary"])
equal(uids(work.search(comp_class=caldav.Journal, start=at(2026, 3, 11), end=at(2026, 3, 12))), [])

# Free-busy: the tentative series, the dentist, not the transparent day.
answer = work.freebusy_request(at(2026, 3, 9), at(2026, 3, 11)).vobject_instance.vfreebusy
busy = [(line.params.get("FBTYPE"), [[t if isinstance(t, datetime.timedelta) else t.astimezone(UTC) for t in p] for p in line.value])
        for line in answer.contents["freebusy"]]
equal(busy, [(["BUSY-TENTATIVE"], [[at(2026, 3, 9, 9), at(2026, 3, 9, 10)]]), (["BUSY"], [[at(2026, 3, 10, 9), at(2026, 3, 10, 10)]])])

# One object.
equal(uids([work.object_by_uid("weekly"), work.event_by_uid("single"), work.todo_by_uid("done"), work.journal_by_uid("diary")]),
      ["diary", "done", "single", "weekly"])
for missing in (lambda: work.event_by_uid("done"), lambda: work.object_by_uid("nobody"), lambda: work.todo_by_uid("singl")):
    try:
        missing()
    except caldav.lib.error.NotFoundError:
        continue
    raise AssertionError("found what is not there")

# Synchronisation.
known = work.objects_by_sync_token()
equal(len(list(known)), 10)
equal(list(work.objects_by_sync_token(known.sync_token)), [])
work.event_by_uid("alone").delete()
changed = work.event_by_uid("single")
changed.vobject_instance.vevent.summary.value = "Dentist, moved"
changed.save()
equal(len(list(work.objects_by_sync_token(known.sync_token))), 2)
cache = work.objects(load_objects=True)
save(work.save_event, "VEVENT", "new", "DTSTART:20260501T090000Z")
work.journal_by_uid("diary").delete()
updated, deleted = cache.sync()
equal((len(list(updated)), len(list(deleted))), (1, 1))

work.delete()
print("ok")
