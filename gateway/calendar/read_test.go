package calendar_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"calgate/gateway/calendar"
	"calgate/test/backends"
	"calgate/test/faulty"
)

// TestReadOverBrokenWire: an object whose octets the gateway had in its cache, and that is replaced while those of another
// one are fetched over a wire that breaks, comes with an ETag and octets that belong together.
func TestReadOverBrokenWire(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	b := backends.Memory(t)
	g := newFleet(t, b, 1, calendar.Options{})
	wire := faulty.New(t, b.Addr)
	g.servers = append(g.servers, newServer(t, wire.URL(), calendar.Options{}))

	other := g.open(t, 0)
	for _, name := range []string{"a", "b"} {
		if _, err := other.Put(ctx, name, event(name, "old "+name), calendar.Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	v := g.open(t, 1)
	read := func(names ...string) (items []calendar.Item) {
		t.Helper()
		var entries []calendar.Entry
		for _, name := range names {
			e, ok := v.Entry(name)
			if !ok {
				t.Fatalf("%s is not there", name)
			}
			entries = append(entries, e)
		}
		for item, err := range v.Read(ctx, entries) {
			if err != nil || item.Err != nil {
				t.Fatal(err, item.Err)
			}
			items = append(items, item)
		}
		return items
	}
	read("a")
	put, err := other.Put(ctx, "a", event("a", "new a"), calendar.Condition{})
	if err != nil {
		t.Fatal(err)
	}
	wire.Set(faulty.Fault{At: faulty.Before, Command: `^UID FETCH .*BODY\.PEEK\[\]`})
	items := read("a", "b")
	select {
	case <-wire.Fired():
	default:
		t.Fatal("the wire did not break")
	}
	for _, item := range items {
		want := "old b"
		if item.Name == "a" {
			want = "old a"
			if item.ETag == put.ETag {
				want = "new a"
			}
		}
		if !strings.Contains(string(item.Body), "SUMMARY:"+want) {
			t.Errorf("%s %s: %q", item.Name, item.ETag, item.Body)
		}
	}
}

// TestReadOfTheExpunged: what another gateway replaced and expunged, or a mail program expunged, after the look of this one is
// never read as something else. Courier answers with a notice, as if that were the message.
func TestReadOfTheExpunged(t *testing.T) {
	eachBackend(t, func(t *testing.T, g *fleet) {
		ctx := t.Context()
		g.open(t, 0)
		g.deliver(t, asCalendar, invitation("u1", "by mail", 0))
		property := func(value string) []calendar.Property {
			return []calendar.Property{{Name: calendar.PropertyName{Space: "urn:x", Local: "p"}, XML: value}}
		}
		write := func(value string) {
			writer := g.open(t, 0)
			_, err := writer.Put(ctx, "a.ics", event("a", value), calendar.Condition{})
			must(t, err)
			must(t, writer.Patch(ctx, property(value), nil))
			must(t, writer.CleanUp(ctx))
		}
		write("old")
		views := [3]*calendar.View{g.open(t, 1), g.open(t, 1), g.open(t, 1)}
		deleted := uidOf(t, views[0], "mail.ics")
		write("new")
		must(t, g.account(t, 2).Session().Expunge(ctx, "Calendar", []uint32{deleted}))

		entries := slices.Collect(views[0].Entries())
		if len(entries) != 2 {
			t.Fatal(entries)
		}
		// Some servers still give what was there at the look.
		for item, err := range views[0].Read(ctx, entries) {
			must(t, err)
			body := string(item.Body)
			switch {
			case item.Err != nil && item.Name == "mail.ics" && calendar.IsKind(item.Err, calendar.NotFound):
			case item.Err != nil || !strings.Contains(body, "SUMMARY:old\r\n") && !strings.Contains(body, "SUMMARY:new\r\n") && !strings.Contains(body, "SUMMARY:by mail\r\n"):
				t.Errorf("%s: %v %q", item.Name, item.Err, body)
			}
		}
		got, err := views[1].Properties(ctx)
		if must(t, err); !slices.Equal(got, property("new")) && !slices.Equal(got, property("old")) {
			t.Errorf("the properties are %v", got)
		}
		var feed []string
		for item, err := range views[2].Feed(ctx) {
			if errors.Is(err, calendar.ErrChanged) {
				return
			}
			must(t, err)
			feed = append(feed, item.ICalUID+" "+summary(item.Body))
		}
		if !slices.Equal(feed, []string{"a old", "u1 by mail"}) {
			t.Errorf("the feed is %q", feed)
		}
	})
}

func summary(body []byte) string {
	_, rest, _ := strings.Cut(string(body), "SUMMARY:")
	line, _, _ := strings.Cut(rest, "\r\n")
	return line
}
