#!/usr/bin/python3
"""Evolution's libraries of a user with whom two others share: libecal_shares.py URL USER PASSWORD READER WRITER

READER lets the user read a calendar, WRITER lets him write to it. Needs a D-Bus session and directories of its own. Exits 1
with a traceback at the first thing that is not so."""

import sys
import urllib.parse

import gi

gi.require_version("EDataServer", "1.2")
gi.require_version("ECal", "2.0")
gi.require_version("ICalGLib", "3.0")
from gi.repository import ECal, EDataServer, GLib, ICalGLib  # noqa: E402

url, user, password, reader, writer = sys.argv[1:]

WAIT = 30  # seconds until a backend that does not answer counts as broken

credentials = EDataServer.NamedParameters.new()
credentials.set(EDataServer.SOURCE_CREDENTIAL_USERNAME, user)
credentials.set(EDataServer.SOURCE_CREDENTIAL_PASSWORD, password)

registry = EDataServer.SourceRegistry.new_sync(None)


def source_of(address, name, color=None):
    """A calendar of the kind CalDAV, as the dialog for a new one makes it."""
    source = EDataServer.Source.new(None, None)
    source.set_parent("caldav-stub")
    source.set_display_name(name)
    extension = source.get_extension(EDataServer.SOURCE_EXTENSION_CALENDAR)
    extension.set_backend_name("caldav")
    if color:
        extension.set_color(color)
    source.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND).set_uri(GLib.Uri.parse(address, GLib.UriFlags.ENCODED))
    login = source.get_extension(EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
    login.set_method("plain/password")
    login.set_user(user)
    parts = urllib.parse.urlsplit(address)
    login.set_host(parts.hostname)
    login.set_port(parts.port)
    source.get_extension(EDataServer.SOURCE_EXTENSION_SECURITY).set_method("none")
    return source


def discover():
    """The calendars for events that the account has, by their names."""
    found = EDataServer.webdav_discover_sources_sync(
        source_of(url, "discovery"), url, EDataServer.WebDAVDiscoverSupports.EVENTS, credentials, None
    )
    return {c.display_name: c for c in found.out_discovered_sources}


def wait_until(holds):
    """Lets the main loop run until something holds."""
    context = GLib.MainContext.default()
    end = GLib.get_monotonic_time() + WAIT * 1000000
    tick = GLib.timeout_add(50, lambda: True)
    while not holds():
        assert GLib.get_monotonic_time() < end, "waited in vain"
        context.iteration(True)
    GLib.source_remove(tick)


def connected(found):
    """A client of a calendar that was found."""
    source = source_of(found.href, found.display_name, found.color)
    registry.commit_source_sync(source, None)
    source = registry.ref_source(source.get_uid())
    opened = []
    # The backend asks for the password when it is open. Nothing here keeps passwords, so it is given anew each time.
    source.connect("credentials-required", lambda *_: source.invoke_authenticate(credentials, None, None))
    ECal.Client.connect(source, ECal.ClientSourceType.EVENTS, 2**32 - 1, None, lambda _, r: opened.append(ECal.Client.connect_finish(r)))
    wait_until(lambda: opened)
    client = opened[0]
    wait_until(lambda: events(client))
    return client


def events(client):
    _, found = client.get_object_list_sync("#t", None)
    return sorted(e.get_summary() for e in found)


def event(uid, summary):
    return ICalGLib.Component.new_from_string(
        "BEGIN:VEVENT\r\nUID:%s\r\nDTSTAMP:20261125T090000Z\r\nDTSTART:20261125T110000Z\r\nDTEND:20261125T120000Z\r\n"
        "SUMMARY:%s\r\nEND:VEVENT\r\n" % (uid, summary)
    )


# Discovery finds own and others', with their colours.
found = discover()
assert set(found) == {"Calendar", "Calendar (%s)" % reader, "Calendar (%s)" % writer}, set(found)
assert [found["Calendar (%s)" % o].color for o in (reader, writer)] == ["#112233"] * 2, found["Calendar (%s)" % reader].color

clients = [connected(found[n]) for n in ("Calendar", "Calendar (%s)" % reader, "Calendar (%s)" % writer)]
assert [events(c) for c in clients] == [["of " + o] for o in (user, reader, writer)], [events(c) for c in clients]
own, reading, writing = clients

# Read-only is shown, and enforced.
assert [c.is_readonly() for c in clients] == [False, True, False], [c.is_readonly() for c in clients]
try:
    reading.create_object_sync(event("refused", "By a guest"), ECal.OperationFlags.NONE, None)
except GLib.Error as e:
    print("refused:", e.message)
else:
    raise AssertionError("a calendar that may only be read took an event")

# What may be written goes to its owner.
writing.create_object_sync(event("guest", "By a guest"), ECal.OperationFlags.NONE, None)
writing.modify_object_sync(event("guest", "Changed by a guest"), ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
print("ok")
