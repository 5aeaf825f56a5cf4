package translate

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything is the filter of clients that want all.
func everything() *Filter { return &Filter{Comp: CompFilter{Name: "VCALENDAR"}} }

// of is a filter of components of VCALENDAR.
func of(comps ...CompFilter) *Filter {
	return &Filter{Comp: CompFilter{Name: "VCALENDAR", Comps: comps}, Zone: UTC}
}

// within is a time-range filter on one component.
func within(component string, r TimeRange) *Filter {
	return of(CompFilter{Name: component, TimeRange: &r})
}

// at reads a time of a test; "-" is an open end.
func at(s string, open int64) int64 {
	if s == "-" {
		return open
	}
	i := parseInstant([]byte(s))
	if i.state != known || i.zone != UTC {
		panic("no UTC time: " + s)
	}
	return i.wall
}

func span(start, end string) TimeRange { return TimeRange{at(start, openStart), at(end, openEnd)} }

// checkFilter checks what holds for every filter and object: the index never
// says what the object does not.
func checkFilter(t testing.TB, f *Filter, o *Object) bool {
	t.Helper()
	matches := f.Match(o)
	if matches && !f.MayMatch(o.Span) {
		t.Errorf("%s matches, but its span %q says no\n%s", cmp.Diff(Filter{}, *f), o.Span, o.Raw)
	}
	if !matches && f.MayMatch(o.Span) && !f.NeedsBody(o.Span) {
		t.Errorf("%s does not match, but its span %q says yes\n%s", cmp.Diff(Filter{}, *f), o.Span, o.Raw)
	}
	return matches
}

// TestCaseRanges holds the answers of RFC 4791 for objects of public reports.
func TestCaseRanges(t *testing.T) {
	berlin := location("Europe/Berlin")
	ranges, err := os.ReadFile("testdata/cases/ranges.txt")
	if err != nil {
		t.Fatal(err)
	}
	files := caseFiles(t)
	for line := range strings.Lines(string(ranges)) {
		var name, component, start, end, want string
		if n, _ := fmt.Sscan(line, &name, &component, &start, &end, &want); n != 5 || name == "#" {
			continue
		}
		f := within(component, span(start, end))
		if name == "013-floating-in-calendar-timezone" {
			f.Zone = berlin
		}
		got := checkFilter(t, f, parse(t, string(files[name])))
		switch {
		case want == "in" && !got:
			t.Errorf("missed: %s", line)
		case want == "out" && got:
			t.Errorf("found: %s", line)
		}
	}
}

func TestCheck(t *testing.T) {
	r := &TimeRange{0, 1}
	text := &TextMatch{Text: "x"}
	many := make([]PropFilter, MaxFilter)
	for i := range many {
		many[i].Name = "UID"
	}
	deep := CompFilter{Name: "X-A"}
	for range MaxFilterDepth {
		deep = CompFilter{Name: "X-A", Comps: []CompFilter{deep}}
	}
	inEvent := func(p PropFilter) *Filter { return of(CompFilter{Name: "VEVENT", Props: []PropFilter{p}}) }
	for name, c := range map[string]struct {
		f    *Filter
		want string
	}{
		"everything":          {everything(), ""},
		"lower case":          {&Filter{Comp: CompFilter{Name: "vcalendar"}}, ""},
		"range":               {within("VEVENT", *r), ""},
		"alarm":               {of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM", TimeRange: r}}}), ""},
		"completed":           {inEvent(PropFilter{Name: "COMPLETED", TimeRange: r}), ""},
		"x- property":         {inEvent(PropFilter{Name: "X-AT", TimeRange: r}), ""},
		"collations":          {inEvent(PropFilter{Name: "UID", Text: &TextMatch{Collation: "i;unicode-casemap"}}), ""},
		"no name":             {&Filter{}, "valid-filter"},
		"other root":          {&Filter{Comp: CompFilter{Name: "VEVENT"}}, "valid-filter"},
		"no component name":   {of(CompFilter{}), "valid-filter"},
		"no property name":    {inEvent(PropFilter{}), "valid-filter"},
		"no parameter name":   {inEvent(PropFilter{Name: "UID", Params: []ParamFilter{{}}}), "valid-filter"},
		"event in task":       {of(CompFilter{Name: "VTODO", Comps: []CompFilter{{Name: "VEVENT"}}}), "valid-filter"},
		"calendar in itself":  {of(CompFilter{Name: "VCALENDAR"}), "valid-filter"},
		"range of a zone":     {within("VTIMEZONE", *r), "valid-filter"},
		"range of a calendar": {&Filter{Comp: CompFilter{Name: "VCALENDAR", TimeRange: r}}, "valid-filter"},
		"range of SUMMARY":    {inEvent(PropFilter{Name: "summary", TimeRange: r}), "valid-filter"},
		"range and text":      {inEvent(PropFilter{Name: "DTSTART", TimeRange: r, Text: text}), "valid-filter"},
		"not alone":           {of(CompFilter{Name: "VEVENT", IsNotDefined: true, TimeRange: r}), "valid-filter"},
		"not alone, property": {inEvent(PropFilter{Name: "UID", IsNotDefined: true, Text: text}), "valid-filter"},
		"not alone, param":    {inEvent(PropFilter{Name: "UID", Params: []ParamFilter{{"X", true, text}}}), "valid-filter"},
		"collation":           {inEvent(PropFilter{Name: "UID", Text: &TextMatch{Collation: "i;x"}}), "supported-collation"},
		"collation of param":  {inEvent(PropFilter{Name: "UID", Params: []ParamFilter{{"X", false, &TextMatch{Collation: "*"}}}}), "supported-collation"},
		"too many":            {of(CompFilter{Name: "VEVENT", Props: many}), "supported-filter"},
		"too deep":            {of(deep), "supported-filter"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.f.Check()
			var filterErr *FilterError
			if c.want == "" && err != nil {
				t.Error(err)
			} else if c.want != "" && (!errors.As(err, &filterErr) || filterErr.Precondition != c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// TestMatchStructure: comp-filter, prop-filter, param-filter, text-match.
func TestMatchStructure(t *testing.T) {
	o := parse(t, calendar(
		"BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "END:VTIMEZONE",
		"BEGIN:VEVENT", "UID:u", "DTSTART:20260310T090000Z", "RRULE:FREQ=DAILY", `SUMMARY:Tea\, Büro`, "STATUS:CONFIRMED",
		`ATTENDEE;CN="Rook, Ada";PARTSTAT=ACCEPTED:mailto:ada@example.test`,
		"ATTENDEE;CN=Quay;MEMBER=\"mailto:a@x.test\",\"mailto:b@x.test\":mailto:quay@exa", " mple.test",
		"CATEGORIES:Work,Home", "X-EMPTY:",
		"BEGIN:VALARM", "TRIGGER:-PT5M", "ACTION:DISPLAY", "END:VALARM", "END:VEVENT",
		"BEGIN:VEVENT", "UID:u", "RECURRENCE-ID:20260311T090000Z", "DTSTART:20260311T100000Z", "SUMMARY:Moved", "STATUS:CANCELLED", "END:VEVENT"))
	prop := func(p ...PropFilter) CompFilter { return CompFilter{Name: "VEVENT", Props: p} }
	text := func(name, s string) CompFilter { return prop(PropFilter{Name: name, Text: &TextMatch{Text: s}}) }
	param := func(p ParamFilter) CompFilter { return prop(PropFilter{Name: "ATTENDEE", Params: []ParamFilter{p}}) }
	alarm := func(c CompFilter) CompFilter { return CompFilter{Name: "VEVENT", Comps: []CompFilter{c}} }
	for name, c := range map[string]struct {
		comp CompFilter
		want bool
	}{
		"component":               {CompFilter{Name: "VEVENT"}, true},
		"component, lower case":   {CompFilter{Name: "vevent"}, true},
		"other component":         {CompFilter{Name: "VTODO"}, false},
		"none of the other":       {CompFilter{Name: "VTODO", IsNotDefined: true}, true},
		"none of it":              {CompFilter{Name: "VEVENT", IsNotDefined: true}, false},
		"time zone":               {CompFilter{Name: "VTIMEZONE"}, true},
		"alarm":                   {alarm(CompFilter{Name: "VALARM"}), true},
		"an event without alarm":  {alarm(CompFilter{Name: "VALARM", IsNotDefined: true}), true},
		"alarm is not at the top": {CompFilter{Name: "VALARM"}, false},
		"property of the alarm":   {alarm(CompFilter{Name: "VALARM", Props: []PropFilter{{Name: "ACTION", Text: &TextMatch{Text: "DISP"}}}}), true},
		"not of the alarm":        {alarm(CompFilter{Name: "VALARM", Props: []PropFilter{{Name: "UID"}}}), false},
		"not of the event":        {prop(PropFilter{Name: "ACTION"}), false},
		"property":                {prop(PropFilter{Name: "STATUS"}), true},
		"empty property":          {prop(PropFilter{Name: "X-EMPTY"}), true},
		"no such property":        {prop(PropFilter{Name: "LOCATION"}), false},
		"property not defined":    {prop(PropFilter{Name: "LOCATION", IsNotDefined: true}), true},
		"not defined in one":      {prop(PropFilter{Name: "CATEGORIES", IsNotDefined: true}), true},
		"defined in all":          {prop(PropFilter{Name: "UID", IsNotDefined: true}), false},
		"text":                    {text("SUMMARY", "tea"), true},
		"text unescaped":          {text("SUMMARY", "tea, b"), true},
		"text escaped":            {text("SUMMARY", `tea\,`), false},
		"text of umlauts":         {text("SUMMARY", "büRO"), true},
		"other umlaut":            {text("SUMMARY", "BÜRO"), false},
		"unicode-casemap":         {prop(PropFilter{Name: "SUMMARY", Text: &TextMatch{Collation: "i;unicode-casemap", Text: "BÜRO"}}), true},
		"unicode, decomposed":     {prop(PropFilter{Name: "SUMMARY", Text: &TextMatch{Collation: "i;unicode-casemap", Text: "bu\u0308ro"}}), true},
		"octet":                   {prop(PropFilter{Name: "SUMMARY", Text: &TextMatch{Collation: "i;octet", Text: "Tea"}}), true},
		"octet, other case":       {prop(PropFilter{Name: "SUMMARY", Text: &TextMatch{Collation: "i;octet", Text: "tea"}}), false},
		"text under a fold":       {text("ATTENDEE", "QUAY@EXAMPLE"), true},
		"second of a name":        {text("attendee", "quay"), true},
		"text of a parameter":     {text("ATTENDEE", "Rook"), false},
		"empty text":              {text("X-EMPTY", ""), true},
		"negated":                 {prop(PropFilter{Name: "STATUS", Text: &TextMatch{Text: "CANCEL", Negate: true}}), true},
		"negated, in all":         {prop(PropFilter{Name: "UID", Text: &TextMatch{Text: "U", Negate: true}}), false},
		"negated, absent":         {prop(PropFilter{Name: "LOCATION", Text: &TextMatch{Text: "x", Negate: true}}), false},
		"all of one component":    {prop(PropFilter{Name: "STATUS", Text: &TextMatch{Text: "CANCELLED"}}, PropFilter{Name: "SUMMARY", Text: &TextMatch{Text: "tea"}}), false},
		"both of one component":   {prop(PropFilter{Name: "STATUS", Text: &TextMatch{Text: "CONFIRMED"}}, PropFilter{Name: "SUMMARY", Text: &TextMatch{Text: "tea"}}), true},
		"parameter":               {param(ParamFilter{Name: "partstat"}), true},
		"parameter text":          {param(ParamFilter{Name: "CN", Text: &TextMatch{Text: "rook, a"}}), true},
		"parameter in a list":     {param(ParamFilter{Name: "MEMBER", Text: &TextMatch{Text: "b@x"}}), true},
		"parameter negated":       {param(ParamFilter{Name: "CN", Text: &TextMatch{Text: "o", Negate: true}}), true},
		"parameter of no one":     {param(ParamFilter{Name: "ROLE"}), false},
		"without the parameter":   {param(ParamFilter{Name: "PARTSTAT", IsNotDefined: true}), true},
		"all have the parameter":  {param(ParamFilter{Name: "CN", IsNotDefined: true}), false},
		"parameter of the same": {prop(PropFilter{Name: "ATTENDEE", Text: &TextMatch{Text: "quay"},
			Params: []ParamFilter{{Name: "PARTSTAT"}}}), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := checkFilter(t, of(c.comp), o); got != c.want {
				t.Errorf("Match = %v", got)
			}
		})
	}
	for _, f := range []*Filter{
		{Comp: CompFilter{Name: "VEVENT"}},
		{Comp: CompFilter{Name: "VCALENDAR", IsNotDefined: true}},
		of(CompFilter{Name: "VEVENT"}, CompFilter{Name: "VTODO"}),
		{Comp: CompFilter{Name: "VCALENDAR", Props: []PropFilter{{Name: "METHOD"}}}},
	} {
		if checkFilter(t, f, o) {
			t.Errorf("%+v matches", f)
		}
	}
	if !checkFilter(t, &Filter{Comp: CompFilter{Name: "VCALENDAR", Props: []PropFilter{{Name: "PRODID"}}}}, o) {
		t.Error("VCALENDAR has a PRODID")
	}
}

// TestNeedsBody: what the index answers alone, so that no body is fetched.
func TestNeedsBody(t *testing.T) {
	inside, outside := span("20260301T000000Z", "20260401T000000Z"), span("20260401T000000Z", "20260501T000000Z")
	plain := event("DTSTART:20260310T090000Z", "DTEND:20260310T100000Z")
	for name, c := range map[string]struct {
		f                *Filter
		raw              string
		mayMatch, needed bool
	}{
		"everything":         {everything(), plain, true, false},
		"component":          {of(CompFilter{Name: "VEVENT"}), plain, true, false},
		"other component":    {of(CompFilter{Name: "VTODO"}), plain, false, false},
		"inside":             {within("VEVENT", inside), plain, true, false},
		"outside":            {within("VEVENT", outside), plain, false, false},
		"on the border":      {within("VEVENT", span("20260310T100000Z", "-")), plain, true, true},
		"all-day inside":     {within("VEVENT", inside), event("DTSTART;VALUE=DATE:20260310"), true, false},
		"all-day near":       {within("VEVENT", span("20260311T010000Z", "-")), event("DTSTART;VALUE=DATE:20260310"), true, true},
		"recurring":          {within("VEVENT", outside), event("DTSTART:20260310T090000Z", "RRULE:FREQ=DAILY"), true, true},
		"recurring later":    {within("VEVENT", outside), event("DTSTART:20270310T090000Z", "RRULE:FREQ=DAILY"), false, false},
		"recurring ended":    {within("VEVENT", outside), event("DTSTART:20260310T090000Z", "RRULE:FREQ=DAILY;UNTIL=20260320T090000Z"), false, false},
		"recurring around":   {within("VEVENT", outside), event("DTSTART:20260310T090000Z", "RRULE:FREQ=YEARLY;UNTIL=20270320T090000Z"), true, true},
		"no DTSTART":         {within("VEVENT", outside), event(), true, true},
		"property":           {of(CompFilter{Name: "VEVENT", Props: []PropFilter{{Name: "UID"}}}), plain, true, true},
		"no alarm":           {of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM"}}}), plain, false, false},
		"alarm":              {of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM"}}}), event("BEGIN:VALARM\r\nEND:VALARM"), true, false},
		"alarm not defined":  {of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM", IsNotDefined: true}}}), plain, true, false},
		"alarm in the range": {of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM", TimeRange: &outside}}}), event("BEGIN:VALARM\r\nEND:VALARM"), true, true},
		"time zone":          {of(CompFilter{Name: "VTIMEZONE"}), plain, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := parse(t, c.raw)
			checkFilter(t, c.f, o)
			if got := c.f.MayMatch(o.Span); got != c.mayMatch {
				t.Errorf("MayMatch(%v) = %v", o.Span, got)
			}
			if got := c.f.NeedsBody(o.Span); got != c.needed {
				t.Errorf("NeedsBody(%v) = %v", o.Span, got)
			}
			newer := Span{Version: SpanVersion + 1}
			if !c.f.MayMatch(newer) || !c.f.MayMatch(Span{}) {
				t.Error("a span of other rules says no")
			}
		})
	}
}

// TestMatchIsLinear: what a quadratic step would make take minutes.
func TestMatchIsLinear(t *testing.T) {
	never := span("19700101T000000Z", "19700102T000000Z")
	late := &TimeRange{at("29990101T000000Z", 0), openEnd}
	many := make([]PropFilter, 50)
	for i := range many {
		many[i] = PropFilter{Name: "X-NOT-THERE", Text: &TextMatch{Text: "x"}}
	}
	for name, c := range map[string]struct {
		raw string
		f   *Filter
	}{
		"alarms": {event("DTSTART:20260310T090000Z", strings.Repeat("BEGIN:VALARM\r\nTRIGGER:PT0S\r\nREPEAT:99\r\nDURATION:PT1S\r\nEND:VALARM\r\n", MaxComponents-2)),
			of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "VALARM", TimeRange: late}}})},
		"components": {event(strings.Repeat("BEGIN:X-A\r\nBEGIN:X-B\r\nEND:X-B\r\nEND:X-A\r\n", MaxComponents/2-2)),
			of(CompFilter{Name: "VEVENT", Comps: []CompFilter{{Name: "X-A", Comps: []CompFilter{{Name: "X-C"}}}}})},
		"overrides": {calendar(strings.Repeat("BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID:x\r\nDTSTART:20260310T090000Z\r\nEND:VEVENT\r\n", MaxComponents-1)),
			within("VEVENT", never)},
		"dates": {event("DTSTART:20260310T090000Z", "RDATE:"+strings.Repeat("20260310T090000Z,", 9_000)), within("VEVENT", never)},
		"lines": {event(strings.Repeat("X-A:1\r\n", 100_000)), of(CompFilter{Name: "VEVENT", Props: many})},
		"text":  {event("SUMMARY:" + strings.Repeat("a", 1<<20)), of(CompFilter{Name: "VEVENT", Props: []PropFilter{{Name: "SUMMARY", Text: &TextMatch{Text: strings.Repeat("a", 1000) + "b"}}}})},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.f.Check(); err != nil {
				t.Fatal(err)
			}
			if checkFilter(t, c.f, parse(t, c.raw)) {
				t.Error("it matches")
			}
		})
	}
}
