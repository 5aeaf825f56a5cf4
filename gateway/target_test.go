package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		path  string
		realm Realm
		owner string // "" none
		below []string
		slash bool
		self  string // with the slash of the URL
	}{
		{"", RealmRoot, "", nil, false, "/"},
		{"/", RealmRoot, "", nil, true, "/"},
		{"/CalDAV", RealmCalDAV, "", nil, false, "/CalDAV"},
		{"/CalDAV/", RealmCalDAV, "", nil, true, "/CalDAV/"},
		{"/CalDAV/Work", RealmCalDAV, "", []string{"Work"}, false, "/CalDAV/Work"},
		{"//CalDAV//Work//", RealmCalDAV, "", []string{"Work"}, true, "/CalDAV/Work/"},
		{"/CalDAV/~me", RealmCalDAV, "me", nil, false, "/CalDAV/~me"},
		{"/CalDAV/%7Eme/Work/", RealmCalDAV, "me", []string{"Work"}, true, "/CalDAV/%7Eme/Work/"},
		{"/CalDAV/%7ebob%40b.org/a%20b/c%2ed.ics", RealmCalDAV, "bob@b.org", []string{"a b", "c.d.ics"}, false, "/CalDAV/%7ebob%40b.org/a%20b/c%2ed.ics"},
		{"/CalDAV/Work/~x", RealmCalDAV, "", []string{"Work", "~x"}, false, "/CalDAV/Work/~x"},
		{"/CalDAV/K%C3%A4se/%FF", RealmCalDAV, "", []string{"Käse", "\xff"}, false, "/CalDAV/K%C3%A4se/%FF"},
		{"/CalDAV/a%25b", RealmCalDAV, "", []string{"a%b"}, false, "/CalDAV/a%25b"},
		{"/C%61lDAV/Work", RealmCalDAV, "", []string{"Work"}, false, "/C%61lDAV/Work"},
		{"/CalDAV/a&b'c", RealmCalDAV, "", []string{"a&b'c"}, false, "/CalDAV/a&b'c"},
		{"/CalDAV/<\">", RealmCalDAV, "", []string{"<\">"}, false, "/CalDAV/%3C%22%3E"},
		{"/CalDAV/...", RealmCalDAV, "", []string{"..."}, false, "/CalDAV/..."},
		{"/UserDAV/", RealmUser, "", nil, true, "/UserDAV/"},
		{"/UserDAV/bob@b.org", RealmUser, "bob@b.org", nil, false, "/UserDAV/bob@b.org"},
		{"/UserDAV/%7Eme/", RealmUser, "me", nil, true, "/UserDAV/%7Eme/"},
		{"/UserDAV/a/b", RealmNone, "", nil, false, "/UserDAV/a/b"},
		{"/CalendarData/~bob/Work.ics", RealmFeed, "bob", []string{"Work.ics"}, false, "/CalendarData/~bob/Work.ics"},
		{"/CalendarDataDel/", RealmFeedDel, "", nil, true, "/CalendarDataDel/"},
		{"/.well-known/caldav", RealmWellKnown, "", nil, false, "/.well-known/caldav"},
		{"/.well-known/caldav/", RealmWellKnown, "", nil, true, "/.well-known/caldav/"},
		{"/.well-known/carddav", RealmNone, "", nil, false, "/.well-known/carddav"},
		{"/.well-known", RealmNone, "", nil, false, "/.well-known"},
		{"/robots.txt", RealmRobots, "", nil, false, "/robots.txt"},
		{"/robots.txt/", RealmNone, "", nil, true, "/robots.txt/"},
		{"/caldav/Work", RealmNone, "", nil, false, "/caldav/Work"},
		{"/principals/", RealmNone, "", nil, true, "/principals/"},
	} {
		got, err := ParseTarget(c.path)
		if err != nil {
			t.Errorf("%q: %v", c.path, err)
			continue
		}
		if got.Realm != c.realm || got.Owner != c.owner || got.HasOwner != (c.owner != "") || !slices.Equal(got.Path, c.below) || got.Slash != c.slash {
			t.Errorf("%q: got %+v", c.path, got)
		}
		if self := got.self(got.Slash); self != c.self {
			t.Errorf("%q: self is %q, want %q", c.path, self, c.self)
		}
	}
}

func TestTargetRefused(t *testing.T) {
	for path, status := range map[string]int{
		"/CalDAV/.":             404,
		"/CalDAV/..":            404,
		"/CalDAV/%2e%2E/x":      404,
		"/CalDAV/a%2Fb":         404,
		"/CalDAV/a%2fb.ics":     404,
		"/CalDAV/a%00b":         404,
		"/CalDAV/a\x01b":        404,
		"/CalDAV/a%0d%0aX: y":   404,
		"/CalDAV/%7F":           404,
		"/CalDAV/%":             400,
		"/CalDAV/%4":            400,
		"/CalDAV/%zz":           400,
		"*":                     404,
		"CalDAV/Work":           404,
		"/CalDAV/Work/%2F..%2F": 404,

		"/CalDAV/~" + strings.Repeat("o", 256) + "/":           404,
		"/CalDAV/~" + strings.Repeat("%C3%B6", 128) + "/x.ics": 404,
		"/CalDAV/~me/~" + strings.Repeat("o", 256) + ":Work/":  404,
		"/CalendarData/~" + strings.Repeat("o", 256) + ":Work": 404,
		"/UserDAV/" + strings.Repeat("o", 256):                 404,
	} {
		_, err := ParseTarget(path)
		var h *HTTPError
		if !errors.As(err, &h) || h.Code != status {
			t.Errorf("%q: got %v, want %d", path, err, status)
		}
	}
}

// An owner has a longest name; a path has none here: what is too long for an object is not for every calendar.
func TestTargetLong(t *testing.T) {
	owner, level := strings.Repeat("o", 255), strings.Repeat("l", 1000)
	for _, path := range []string{"/CalDAV/~" + owner + "/" + level + "/" + level, "/CalDAV/~me/~" + owner + ":" + level + "/", "/UserDAV/" + owner} {
		if _, err := ParseTarget(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// net/url forgets the spelling where it is its own; it must not be lost on the way.
func TestRawPath(t *testing.T) {
	for _, uri := range []string{"/CalDAV/%7Eme/a%2Fb", "/CalDAV/~me/a@b", "/CalDAV/a%40b", "//CalDAV/x", "http://host/CalDAV/a%3Bb", "/CalDAV/a;b?x=y"} {
		u, err := url.ParseRequestURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.TrimPrefix(uri, "http://host")
		want, _, _ = strings.Cut(want, "?")
		if got := rawPath(&http.Request{URL: u}); got != want {
			t.Errorf("%q: got %q", uri, got)
		}
	}
}

func TestPathOf(t *testing.T) {
	for href, want := range map[string]string{
		"/CalDAV/a.ics":                          "/CalDAV/a.ics",
		" \n/CalDAV/a%20b.ics\t":                 "/CalDAV/a%20b.ics",
		"https://cal.example.org/CalDAV/a.ics?x": "/CalDAV/a.ics",
		"http://h:8100":                          "/",
		"http://h?x":                             "",
		"/CalDAV/a://b":                          "/CalDAV/a://b",
		"a.ics":                                  "",
		"":                                       "",
	} {
		got, ok := pathOf(href)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q %v, want %q", href, got, ok, want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/", "/CalDAV/~me/Work/a.ics", "/CalDAV/%7Ebob%40b.org/%2e%2e/x", "//UserDAV//a//", "/CalDAV/%C3%A4%00", "/CalDAV/a%2Fb/<>\"", "/%", "*", "/CalDAV/~me/~bob:Work/a.ics", "/CalDAV/~b:=3A:x/~c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := ParseTarget(s)
		if err != nil {
			var h *HTTPError
			if !errors.As(err, &h) || h.Code != 400 && h.Code != 404 {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		for _, p := range target.Path {
			if p == "" || p == "." || p == ".." || strings.ContainsAny(p, "/\x00\r\n") {
				t.Fatalf("%q: segment %q", s, p)
			}
		}
		self := target.self(target.Slash)
		again, err := ParseTarget(self)
		if err != nil || again.Realm != target.Realm || again.Owner != target.Owner || !slices.Equal(again.Path, target.Path) || again.self(again.Slash) != self {
			t.Fatalf("%q: own href %q means %+v, not %+v (%v)", s, self, again, target, err)
		}
		if strings.HasPrefix(self, "//") {
			t.Fatalf("%q: own href %q names a host", s, self)
		}
		if u, err := url.Parse(self); err != nil || u.EscapedPath() != self {
			t.Fatalf("%q: own href %q is no URL path: %v", s, self, err)
		}
		written, err := ParseTarget("/CalDAV/" + escapePath(target.Path))
		if target.Realm == RealmCalDAV && !target.HasOwner && target.Share == nil && (err != nil || !slices.Equal(written.Path, target.Path)) {
			t.Fatalf("%q: written as %q and read as %+v (%v)", s, escapePath(target.Path), written, err)
		}
	})
}
