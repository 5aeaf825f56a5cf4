package gateway

import (
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
	"calgate/translate"
)

// reportAnswer is the answer to a REPORT, which may ask for parts of objects.
func (q *request) reportAnswer(report *davxml.Report) (*multistatus, error) {
	m := q.multistatus(&report.Names, true)
	for _, p := range report.Props {
		if p.Data == nil {
			continue
		}
		var err error
		if m.data, err = newData(p.Data); err != nil {
			return nil, err
		}
		format, _, _ := strings.Cut(p.ContentType, ";")
		m.data.JSON = strings.EqualFold(strings.TrimSpace(format), jcalType)
	}
	return m, nil
}

func newData(d *davxml.CalendarData) (*translate.Data, error) {
	out := &translate.Data{Budget: translate.NewBudget()}
	if d.Comp != nil {
		if !strings.EqualFold(d.Comp.Name, "VCALENDAR") {
			return nil, badRequest("the outermost comp of calendar-data is VCALENDAR")
		}
		c := compData(d.Comp)
		out.Comp = &c
	}
	for _, part := range []struct {
		from *davxml.TimeRange
		to   **translate.TimeRange
	}{{d.Expand, &out.Expand}, {d.LimitRecurrence, &out.LimitRecurrence}, {d.LimitFreeBusy, &out.LimitFreeBusy}} {
		var err error
		if *part.to, err = timeRange(part.from); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func compData(c *davxml.Comp) translate.CompData {
	out := translate.CompData{Name: c.Name, AllProp: c.AllProp, AllComp: c.AllComp}
	for _, p := range c.Props {
		out.Props = append(out.Props, translate.PropData(p))
	}
	for i := range c.Comps {
		out.Comps = append(out.Comps, compData(&c.Comps[i]))
	}
	return out
}

// findZone finds out where floating times are, when that matters.
func (m *multistatus) findZone(view *calendar.View) (err error) {
	if m.zone == nil && !m.data.Whole() {
		m.zone, err = m.q.zone(view)
	}
	return err
}

// calendarText is what is wanted of an object, as text that XML can hold.
func (m *multistatus) calendarText(body []byte) ([]byte, error) {
	text, err := m.data.Apply(translate.WholeFolds(body), m.zone)
	return text, err
}
