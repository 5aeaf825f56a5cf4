package gateway

import (
	"encoding/xml"
	"strings"
	"testing"
)

const zone = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\n" +
	"DTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n"

func set(content string) string {
	return element("D:propertyupdate", "<D:set><D:prop>"+content+"</D:prop></D:set>")
}

func escaped(s string) string { return strings.NewReplacer("\r", "&#13;", "&", "&amp;").Replace(s) }

func TestProppatch(t *testing.T) {
	r := newRig(t)
	l := r.ask("PROPPATCH", "/CalDAV/Calendar/", set(`<D:displayname xml:lang="de">Büro</D:displayname>
		<A:calendar-color symbolic-color="red">#FF0000FF</A:calendar-color><A:calendar-order>7</A:calendar-order>
		<C:calendar-timezone>`+escaped(zone)+`</C:calendar-timezone><C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>
		<bare>1</bare>`))
	for name, p := range l.resources[0].props {
		if p.status != 200 || p.Text != "" || len(p.Nodes) > 0 {
			t.Errorf("%v: %+v", name, p)
		}
	}
	if len(l.resources[0].props) != 6 {
		t.Errorf("got %v", l.resources[0].props)
	}
	body := propfindOf("D:displayname", "A:calendar-color", "A:calendar-order", "C:calendar-timezone", "C:schedule-calendar-transp", "bare")
	got := r.ask("PROPFIND", "/CalDAV/~me/", body, "Depth: 1").of("/CalDAV/~me/Calendar/")
	if got.text(dav("displayname")) != "Büro" || got.text(apple("calendar-order")) != "7" || got.text(xml.Name{Local: "bare"}) != "1" ||
		got.text(caldav("calendar-timezone")) != zone || got.props[caldav("schedule-calendar-transp")].names()[0] != "transparent" {
		t.Errorf("got %+v", got.props)
	}
	color := got.props[apple("calendar-color")]
	attrs := map[string]string{}
	for _, a := range color.Attrs {
		attrs[a.Name.Local] = a.Value
	}
	if color.Text != "#FF0000FF" || attrs["symbolic-color"] != "red" {
		t.Errorf("color %+v", color)
	}

	// The last instruction about a name counts; one that is not there can be removed.
	r.ask("PROPPATCH", "/CalDAV/Calendar/", element("D:propertyupdate", `<D:remove><D:prop><A:calendar-order/><none/></D:prop></D:remove>
		<D:set><D:prop><bare>2</bare></D:prop></D:set><D:set><D:prop><bare>3</bare></D:prop></D:set>`))
	got = r.ask("PROPFIND", "/CalDAV/Calendar/", body, "Depth: 0").resources[0]
	if got.props[apple("calendar-order")].status != 404 || got.text(xml.Name{Local: "bare"}) != "3" || got.text(dav("displayname")) != "Büro" {
		t.Errorf("got %+v", got.props)
	}

	// A name without text is none.
	r.ask("PROPPATCH", "/CalDAV/Calendar/", set(`<D:displayname> </D:displayname>`))
	if got := r.ask("PROPFIND", "/CalDAV/Calendar/", body, "Depth: 0").resources[0].text(dav("displayname")); got != "Calendar" {
		t.Errorf("displayname %q", got)
	}
}

func TestProppatchAllOrNothing(t *testing.T) {
	r := newRig(t)
	r.ask("PROPPATCH", "/CalDAV/Calendar/", set(`<D:displayname>Before</D:displayname>`))
	p := r.ask("PROPPATCH", "/CalDAV/Calendar/", set(`<D:displayname>After</D:displayname><D:sync-token>x</D:sync-token>
		<C:calendar-timezone>none</C:calendar-timezone><C:supported-calendar-component-set/>`)).resources[0].props
	for name, want := range map[xml.Name][2]any{
		dav("displayname"):                         {424, ""},
		dav("sync-token"):                          {403, "cannot-modify-protected-property"},
		caldav("supported-calendar-component-set"): {403, "cannot-modify-protected-property"},
		caldav("calendar-timezone"):                {403, "valid-calendar-data"},
	} {
		if p[name].status != want[0] || p[name].condition != want[1] {
			t.Errorf("%v: %d %q, want %v", name, p[name].status, p[name].condition, want)
		}
	}
	if got := r.ask("PROPFIND", "/CalDAV/Calendar/", propfindOf("D:displayname"), "Depth: 0").resources[0].text(dav("displayname")); got != "Before" {
		t.Errorf("displayname %q", got)
	}
}

func TestProppatchElsewhere(t *testing.T) {
	r := newRig(t)
	r.want(201, "PUT", "/CalDAV/Calendar/a.ics", event("a", "A"))
	for _, url := range []string{"/", "/UserDAV/", "/CalDAV/", "/CalDAV/~me/", "/CalDAV/Calendar/a.ics"} {
		p := r.ask("PROPPATCH", url, set(`<D:displayname>x</D:displayname><y/>`)).resources[0].props
		for _, name := range []xml.Name{dav("displayname"), {Local: "y"}} {
			if p[name].status != 403 || p[name].condition != "cannot-modify-protected-property" {
				t.Errorf("%s %v: %+v", url, name, p[name])
			}
		}
	}
	r.want(404, "PROPPATCH", "/CalDAV/Calendar/none.ics", set(`<y/>`))
	r.want(400, "PROPPATCH", "/CalDAV/Calendar/", element("D:propertyupdate", "<D:prop><y/></D:prop>"))
	r.want(400, "PROPPATCH", "/CalDAV/Calendar/", "")
	if a := r.want(200, "PROPPATCH", "/CalDAV/Calendar/", set(`<y/>`), "Prefer: return=minimal"); a.body != "" || a.Header.Get("Preference-Applied") == "" {
		t.Errorf("minimal: %v %q", a.Header, a.body)
	}
}

func TestProppatchTooMuch(t *testing.T) {
	r := newRig(t)
	var many strings.Builder
	for i := range 501 {
		many.WriteString("<x" + strings.Repeat("y", i) + "/>")
	}
	r.want(507, "PROPPATCH", "/CalDAV/Calendar/", set(many.String()))
	r.want(507, "PROPPATCH", "/CalDAV/Calendar/", set("<x>"+strings.Repeat("y", 1<<20)+"</x>"))
	if p := r.ask("PROPFIND", "/CalDAV/Calendar/", propfindOf("x"), "Depth: 0").resources[0].props[xml.Name{Local: "x"}]; p.status != 404 {
		t.Errorf("got %+v", p)
	}
}
