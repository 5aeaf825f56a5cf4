package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 500, time.UTC)

var (
	there      = state{exists: true, etag: `"1-a"`, modified: noon}
	gone       = state{}
	collection = state{exists: true}
)

func header(kv ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(kv); i += 2 {
		h.Add(kv[i], kv[i+1])
	}
	return h
}

type conditionCase struct {
	name   string
	method string
	h      http.Header
	s      state
	want   int // 0: holds
}

func (c conditionCase) run(t *testing.T) {
	t.Helper()
	cond, err := parseConditions(c.h)
	if err == nil {
		err = cond.check(c.method, c.s)
	}
	var h *HTTPError
	if errors.As(err, &h); c.want == 0 && err != nil || c.want != 0 && (h == nil || h.Code != c.want) {
		t.Errorf("%s: %v, want %d", c.name, err, c.want)
	}
	wants := c.h.Get("If-Modified-Since") == "" && len(c.h) > 0 || c.h.Get("If-None-Match") != ""
	if cond.conditional() != wants {
		t.Errorf("%s: conditional %v", c.name, cond.conditional())
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []conditionCase{
		{"none", "PUT", header(), there, 0},
		{"If-Match", "PUT", header("If-Match", `"1-a"`), there, 0},
		{"If-Match other", "PUT", header("If-Match", `"2-a"`), there, 412},
		{"If-Match gone", "PUT", header("If-Match", `"1-a"`), gone, 412},
		{"If-Match list", "PUT", header("If-Match", `"2-a" , ,"1-a"`), there, 0},
		{"If-Match two lines", "PUT", header("If-Match", `"2-a"`, "If-Match", `"1-a"`), there, 0},
		{"If-Match star", "DELETE", header("If-Match", " * "), there, 0},
		{"If-Match star gone", "PUT", header("If-Match", "*"), gone, 412},
		{"If-Match star collection", "DELETE", header("If-Match", "*"), collection, 0},
		{"If-Match tag collection", "DELETE", header("If-Match", `"1-a"`), collection, 412},
		{"If-Match weak", "PUT", header("If-Match", `W/"1-a"`), there, 412},
		{"If-Match unquoted", "PUT", header("If-Match", "nothing"), there, 412},
		{"If-Match unquoted own", "PUT", header("If-Match", "1-a"), there, 412},
		{"If-Match unquoted gone", "PUT", header("If-Match", "nothing"), gone, 412},
		{"If-Match empty", "PUT", header("If-Match", ""), there, 412},
		{"If-Match empty tag", "PUT", header("If-Match", `""`), there, 412},
		{"If-Match unclosed", "PUT", header("If-Match", `"1-a`), there, 412},
		{"If-Match glued", "PUT", header("If-Match", `"1-a"x, "1-a"`), there, 0},
		{"If-Match star in a list", "PUT", header("If-Match", `*, "2-a"`), there, 412},
		{"If-None-Match star", "PUT", header("If-None-Match", "*"), gone, 0},
		{"If-None-Match star there", "PUT", header("If-None-Match", "*"), there, 412},
		{"If-None-Match star collection", "MKCALENDAR", header("If-None-Match", "*"), collection, 412},
		{"If-None-Match", "PUT", header("If-None-Match", `"1-a"`), there, 412},
		{"If-None-Match other", "PUT", header("If-None-Match", `"2-a"`), there, 0},
		{"If-None-Match GET", "GET", header("If-None-Match", `"0", W/"1-a"`), there, 304},
		{"If-None-Match HEAD", "HEAD", header("If-None-Match", "*"), there, 304},
		{"If-None-Match GET gone", "GET", header("If-None-Match", "*"), gone, 0},
		{"If-None-Match unquoted", "GET", header("If-None-Match", "1-a"), there, 0},
		{"both", "PUT", header("If-Match", `"1-a"`, "If-None-Match", `"1-a"`), there, 412},
		{"since then", "GET", header("If-Modified-Since", noon.Format(http.TimeFormat)), there, 304},
		{"since before", "GET", header("If-Modified-Since", noon.Add(-time.Second).Format(http.TimeFormat)), there, 0},
		{"since on PUT", "PUT", header("If-Modified-Since", noon.Format(http.TimeFormat)), there, 0},
		{"since beside a tag", "GET", header("If-Modified-Since", noon.Format(http.TimeFormat), "If-None-Match", `"2-a"`), there, 0},
		{"since nonsense", "GET", header("If-Modified-Since", "yesterday"), there, 0},
		{"unmodified", "PUT", header("If-Unmodified-Since", noon.Format(http.TimeFormat)), there, 0},
		{"modified", "PUT", header("If-Unmodified-Since", noon.Add(-time.Second).Format(http.TimeFormat)), there, 412},
		{"modified beside a tag", "PUT", header("If-Unmodified-Since", noon.Add(-time.Second).Format(http.TimeFormat), "If-Match", `"1-a"`), there, 0},
	} {
		c.run(t)
	}
}

func TestIf(t *testing.T) {
	for _, c := range []conditionCase{
		{"If", "PUT", header("If", `(["1-a"])`), there, 0},
		{"If other", "PUT", header("If", `(["2-a"])`), there, 412},
		{"If gone", "PUT", header("If", `(["1-a"])`), gone, 412},
		{"If GET", "GET", header("If", `(["2-a"])`), there, 412},
		{"If weak", "PUT", header("If", `([W/"1-a"])`), there, 412},
		{"If not", "PUT", header("If", `(Not ["1-a"])`), there, 412},
		{"If not other", "PUT", header("If", `(not["2-a"])`), there, 0},
		{"If not gone", "PUT", header("If", `(Not ["1-a"])`), gone, 0},
		{"If or", "PUT", header("If", `(["2-a"]) (["1-a"])`), there, 0},
		{"If and", "PUT", header("If", `(["1-a"] ["2-a"])`), there, 412},
		{"If token", "PUT", header("If", `(<urn:uuid:1>)`), there, 412},
		{"If not token", "PUT", header("If", `(Not <DAV:no-lock> ["1-a"])`), there, 0},
		{"If unlocked or", "PUT", header("If", `(<urn:uuid:1>) (Not <DAV:no-lock>)`), there, 0},
		{"If other resource", "PUT", header("If", `</CalDAV/other> (["1-a"])`), there, 412},
		{"If other resource not", "PUT", header("If", `</CalDAV/other> (Not ["1-a"])`), there, 0},
	} {
		c.run(t)
	}
}

func TestIfMalformed(t *testing.T) {
	for _, s := range []string{"", "nothing", "()", "(", `(["1"]`, `["1"]`, `("1")`, `([1])`, `(Not)`, `(<>)`, `(["1"]) x`, `<a>`, `<a> <b> (["1"])`,
		`(["1"]) <a> (["1"])`, `<> (["1"])`, `<a (["1"])`, `(["1" "2"])`, `(["1"]))`, "(" + strings.Repeat(`["1"]`, maxIf+1) + ")"} {
		_, err := parseConditions(http.Header{"If": {s}})
		var h *HTTPError
		if !errors.As(err, &h) || h.Code != 400 {
			t.Errorf("%q: %v", s[:min(len(s), 40)], err)
		}
	}
}

func TestPositiveTags(t *testing.T) {
	lists, ok := parseIf(`(["1"] <urn:x>) (Not ["2"] [W/"3"] ["4"])`)
	if got := positiveTags(lists); !ok || !slices.Equal(got, []string{`"1"`, `"4"`}) {
		t.Errorf("%q %v", got, ok)
	}
}

func FuzzIf(f *testing.F) {
	for _, s := range []string{`(["1-a"])`, `(Not <DAV:no-lock>)`, `</a> (["1"] [W/"2"]) (<urn:x>) <http://b/> (Not ["3"])`, `(`, `nothing`, `"1", W/"2", *`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseConditions(http.Header{"If": {s}})
		if err == nil {
			if len(c.ifDAV) == 0 {
				t.Fatalf("%q: no list", s)
			}
			for _, l := range c.ifDAV {
				if len(l.all) == 0 {
					t.Fatalf("%q: an empty list", s)
				}
			}
			c.check("PUT", state{exists: true, etag: `"1"`})
		}
		// A list of tags is never an error; nothing matches what does not exist.
		c, err = parseConditions(http.Header{"If-Match": {s}})
		if err != nil || c.check("PUT", state{}) == nil {
			t.Fatalf("If-Match: %q holds for nothing (%v)", s, err)
		}
		for _, tag := range c.ifMatch.tags {
			if !strings.HasSuffix(tag, `"`) || strings.Count(tag, `"`) != 2 {
				t.Fatalf("If-Match: %q has tag %q", s, tag)
			}
		}
	})
}
