package calendar_test

import (
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
