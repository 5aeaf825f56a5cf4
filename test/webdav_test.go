package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"calgate/test/backends"

	"github.com/emersion/go-ical"
	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/caldav"
)

// The CalDAV client of go-webdav, which knows nothing of us, walks from the bare host to an event and back: discovery, PUT,
// query with an open end (which it sends as the year 1), multiget, sync. What it reads go-ical must read as strictly as it does.
func TestGoWebDAV(t *testing.T) {
	t.Parallel()
	b := backends.Memory(t)
	user, password := b.User()
	endpoint := "http://" + startGateway(t, b, nil, false)
	c, err := caldav.NewClient(webdav.HTTPClientWithBasicAuth(http.DefaultClient, user, password), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	home, err := c.FindCalendarHomeSet(ctx, principal)
	if err != nil {
		t.Fatal(err)
	}
	calendars, err := c.FindCalendars(ctx, home)
	if err != nil || len(calendars) != 2 || calendars[0].Name != "Calendar" || calendars[0].MaxResourceSize != 10<<20 {
		t.Fatalf("%+v %v", calendars, err)
	}
	path := calendars[0].Path

	start := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	event := ical.NewEvent()
	event.Props.SetText(ical.PropUID, "go-webdav@example.com")
	event.Props.SetDateTime(ical.PropDateTimeStamp, start)
	event.Props.SetDateTime(ical.PropDateTimeStart, start)
	event.Props.SetDateTime(ical.PropDateTimeEnd, start.Add(time.Hour))
	event.Props.SetText(ical.PropSummary, "Commas, and; such")
	object := ical.NewCalendar()
	object.Props.SetText(ical.PropVersion, "2.0")
	object.Props.SetText(ical.PropProductID, "-//test//EN")
	object.Children = append(object.Children, event.Component)
	put, err := c.PutCalendarObject(ctx, path+"a.ics", object)
	if err != nil || put.ETag == "" {
		t.Fatalf("%+v %v", put, err)
	}

	all := caldav.CalendarCompRequest{Name: "VCALENDAR", AllProps: true, AllComps: true}
	for name, filter := range map[string]struct {
		of   caldav.CompFilter
		want int
	}{
		"open end":  {caldav.CompFilter{Name: "VEVENT", Start: start.Add(30 * time.Minute)}, 1},
		"too late":  {caldav.CompFilter{Name: "VEVENT", Start: start.Add(time.Hour)}, 0},
		"two sides": {caldav.CompFilter{Name: "VEVENT", Start: start.Add(-time.Hour), End: start.Add(time.Minute)}, 1},
		"tasks":     {caldav.CompFilter{Name: "VTODO"}, 0},
	} {
		got, err := c.QueryCalendar(ctx, path, &caldav.CalendarQuery{CompRequest: all, CompFilter: caldav.CompFilter{Name: "VCALENDAR", Comps: []caldav.CompFilter{filter.of}}})
		if err != nil || len(got) != filter.want {
			t.Errorf("%s: %d objects, want %d; %v", name, len(got), filter.want, err)
		}
	}
	got, err := c.MultiGetCalendar(ctx, path, &caldav.CalendarMultiGet{CompRequest: all, Paths: []string{path + "a.ics"}})
	if err != nil || len(got) != 1 || got[0].ETag != put.ETag {
		t.Fatalf("%+v %v", got, err)
	}
	// (The client asks for calendar-data of what changed, too.)
	synced, err := c.SyncCollection(ctx, path, &caldav.SyncQuery{CompRequest: all})
	if err != nil || len(synced.Updated) != 1 || synced.SyncToken == "" {
		t.Fatalf("%+v %v", synced, err)
	}
	if err := c.RemoveAll(ctx, path+"a.ics"); err != nil {
		t.Fatal(err)
	}
	synced, err = c.SyncCollection(ctx, path, &caldav.SyncQuery{CompRequest: all, SyncToken: synced.SyncToken})
	if err != nil || len(synced.Updated) != 0 || len(synced.Deleted) != 1 || !strings.HasSuffix(synced.Deleted[0], "/a.ics") {
		t.Errorf("%+v %v", synced, err)
	}
}
