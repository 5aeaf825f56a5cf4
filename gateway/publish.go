package gateway

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"calgate/gateway/calendar"
	"calgate/translate"
)

// maxFeedTries bounds how often a feed is begun anew because the calendar changed.
const maxFeedTries = 5

// heldFeed is how much of a feed is held back, in octets: one that is no longer is
// sent with its length, and is begun anew if the calendar changes while it is read.
const heldFeed = 1 << 20

// skippedHeader counts the objects that a feed lacks because they cannot be read.
const skippedHeader = "X-Calgate-Skipped"

// publish answers GET and HEAD of a whole calendar: one VCALENDAR with all objects.
// HEAD and 304 fetch no object.
func (q *request) publish() error {
	if q.place.kind == placeFeed && !q.place.calendar.Exists {
		return notFound("no such calendar") // Thunderbird: a new one
	}
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	for range maxFeedTries {
		title, err := q.title(view)
		if err != nil {
			return err
		}
		s := view.FeedState(title)
		err = q.cond.check(q.r.Method, feedState(s))
		if err != nil && err != errNotModified {
			return err
		}
		q.validators(calendar.Entry{ETag: s.ETag, Modified: s.Modified})
		if err == errNotModified {
			q.w.WriteHeader(http.StatusNotModified)
			return nil
		}
		q.w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
		if q.r.Method == http.MethodHead {
			q.w.WriteHeader(http.StatusOK)
			return nil
		}
		if err = q.writeFeed(view, title); !errors.Is(err, calendar.ErrChanged) || q.w.status != 0 {
			return err
		}
		if err := view.Refresh(q.r.Context()); err != nil {
			return err
		}
	}
	return unavailable("the calendar keeps changing", calendar.ErrChanged)
}

func feedState(s calendar.FeedState) state {
	return state{exists: true, etag: s.ETag, modified: s.Modified}
}

// title is what a calendar is called: its displayname, else the last segment of its
// URL.
func (q *request) title(v *calendar.View) (string, error) {
	stored, err := q.storedProperties(v)
	if err != nil {
		return "", err
	}
	for i := range stored {
		if name := strings.TrimSpace(stored[i].Text); stored[i].Name == dav("displayname") && name != "" {
			return name, nil
		}
	}
	path := v.Calendar().Path
	return path[len(path)-1], nil
}

// writeFeed streams the objects of a view. What cannot be read is left out, counted
// and logged: it costs that object and no other.
func (q *request) writeFeed(view *calendar.View, title string) error {
	out := &feedAnswer{q: q, skipped: view.Unreadable()}
	feed := translate.NewFeedWriter(out, title)
	for item, err := range view.Feed(q.r.Context()) {
		if err != nil {
			return err
		}
		err = feed.Add(item.Body)
		var unreadable *translate.ObjectError
		if errors.As(err, &unreadable) || errors.Is(err, translate.ErrNoCalendar) {
			out.skipped++
			q.h.Logger.Warn("left out of a feed", "mailbox", view.Calendar().Mailbox, "uid", item.UID, "user", q.login.account, "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	if err := feed.Close(); err != nil {
		return err
	}
	return out.end()
}

// feedAnswer is the body of a feed on its way out. The number of what was skipped goes
// before it where all of it is known in time, else behind it (RFC 9110 section 6.5).
type feedAnswer struct {
	q       *request
	held    bytes.Buffer
	begun   bool
	skipped int
}

func (a *feedAnswer) Write(p []byte) (int, error) {
	if !a.begun && a.held.Len()+len(p) <= heldFeed {
		return a.held.Write(p)
	}
	if !a.begun {
		a.begun = true
		a.q.w.Header().Set("Trailer", skippedHeader)
		a.q.w.WriteHeader(http.StatusOK)
		if _, err := a.q.w.Write(a.held.Bytes()); err != nil {
			return 0, err
		}
		a.held = bytes.Buffer{}
	}
	return a.q.w.Write(p)
}

func (a *feedAnswer) end() error {
	header := a.q.w.Header()
	if a.begun || a.skipped > 0 {
		header.Set(skippedHeader, strconv.Itoa(a.skipped))
	}
	if a.begun {
		return nil
	}
	header.Set("Content-Length", strconv.Itoa(a.held.Len()))
	a.q.w.WriteHeader(http.StatusOK)
	_, err := a.q.w.Write(a.held.Bytes())
	return err
}

// feed answers PROPFIND of a feed.
func (m *multistatus) feed() error {
	q := m.q
	if !q.place.calendar.Exists {
		return notFound("no such calendar")
	}
	view, err := q.open(q.place.calendar)
	if err != nil {
		return err
	}
	title, err := q.title(view)
	if err != nil {
		return err
	}
	s := view.FeedState(title)
	e := calendar.Entry{Name: title, ETag: s.ETag, Modified: s.Modified, Length: -1}
	return m.respondText(q.place.self, &subject{q: q, kind: placeFeed, calendar: q.place.calendar, view: view, entry: e}, 0)
}
