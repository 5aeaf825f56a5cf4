package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// openHome lists the home that the request is about, once.
func (q *request) openHome() (*calendar.HomeView, error) {
	if q.homeView != nil {
		return q.homeView, nil
	}
	var err error
	if q.place.owner != "" {
		q.homeView, err = q.account.OpenHomeOf(q.r.Context(), q.place.owner)
	} else {
		q.homeView, err = q.account.OpenHome(q.r.Context())
	}
	return q.homeView, err
}

// firstHome is openHome for who wants to see the calendars. Where one's own home has
// none at all the default ones are made: phones that find none make strange ones.
func (q *request) firstHome() (*calendar.HomeView, error) {
	home, err := q.openHome()
	if err != nil || len(home.Calendars) > 0 || q.place.owner != "" {
		return home, err
	}
	made, err := q.account.CreateDefaults(q.r.Context())
	switch {
	case calendar.IsKind(err, calendar.Unavailable):
		return nil, err
	case err != nil:
		q.h.Logger.Warn("default calendars cannot be made", "user", q.login.account, "err", err)
		return home, nil
	case len(made.Calendars) == 0:
		return home, nil
	}
	q.homeView = nil
	return q.openHome()
}

// home answers PROPFIND for the home and, at depth 1, for the calendars in it.
func (m *multistatus) home(d depth) error {
	q := m.q
	var home *calendar.HomeView
	var err error
	switch {
	case d == depth1:
		home, err = q.firstHome()
	case m.needsHome():
		home, err = q.openHome()
	}
	if err != nil {
		return err
	}
	s := &subject{q: q, kind: placeHome, home: home}
	if home != nil && q.place.owner == "" {
		if s.quota, err = m.quotaOf(placeHome, home.DefaultCalendar()); err != nil {
			return err
		}
	}
	if !q.noRoot(d) {
		if err := m.respond(davxml.EscapeHref(q.place.self), "", s, 0); err != nil {
			return err
		}
	}
	if d != depth1 {
		return nil
	}
	return m.calendars(home)
}

// calendars writes the responses of all calendars in a home. They are opened only
// where the listing does not tell enough.
func (m *multistatus) calendars(home *calendar.HomeView) error {
	all := home.All()
	if err := m.readQuotas(placeCalendar, all...); err != nil {
		return err
	}
	if err := m.readACLs(all); err != nil {
		return err
	}
	if !m.needsView(home) {
		for _, c := range all {
			if err := m.listCalendar(c, nil, 0); err != nil {
				return err
			}
		}
		return nil
	}
	for v, err := range m.q.account.OpenListed(m.q.r.Context(), all) {
		var c calendar.Calendar
		failed := 0
		if err == nil {
			c = v.Calendar()
		} else {
			var mailbox string
			mailbox, failed = m.q.failedMailbox(err)
			i := slices.IndexFunc(all, func(c calendar.Calendar) bool { return c.Mailbox == mailbox })
			if failed == 0 || i < 0 {
				return err
			}
			c = all[i]
		}
		if err := m.listCalendar(c, v, failed); err != nil {
			return err
		}
	}
	return nil
}

// failedMailbox is the mailbox of the calendar that an error is about, and the status
// that stands for it; 0 where all have failed.
func (q *request) failedMailbox(err error) (mailbox string, failed int) {
	var e *calendar.Error
	if !errors.As(err, &e) || e.Mailbox == "" {
		return "", 0
	}
	return e.Mailbox, q.failedPart(err)
}

// listCalendar writes the response of one calendar of the home.
func (m *multistatus) listCalendar(c calendar.Calendar, v *calendar.View, failed int) error {
	s, err := m.calendarSubject(c, v)
	if err != nil {
		if failed = m.q.failedPart(err); failed == 0 {
			return err
		}
	}
	return m.respond(davxml.EscapeHref(m.q.hrefCalendar(c)), "", s, failed)
}

// homeTag is CS:getctag of a home: it changes with any calendar in it, with what the user
// may do there or calls it, and when one comes or goes. It is the same on every gateway and for every spelling of the home:
// the owner is named as the mail server has him.
func (q *request) homeTag(home *calendar.HomeView) string {
	base := q.hrefHome()
	if q.place.owner != "" {
		base = "/CalDAV/~" + escapeSegment(strings.ToLower(home.Owner)) + "/"
	}
	lines := []string{home.SettingsTag() + "\n"}
	for _, c := range home.All() {
		href := base + escapePath(c.Path) + "/"
		if q.place.owner == "" && c.Others() {
			href = q.hrefShare(base, c)
		}
		lines = append(lines, fmt.Sprint(href, " ", home.CTag(c), " ", home.Privileges(c), "\n"))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:8])
}

// homeToken is DAV:sync-token of a home (RFC 6578 section 4).
func (q *request) homeToken(home *calendar.HomeView) string {
	return "urn:calgate:home-" + q.homeTag(home)
}

// syncsHome tells whether a sync-collection report to the URL of the request is about
// the home: to "/CalDAV/" it is about the default calendar.
func (q *request) syncsHome() bool { return q.target.HasOwner }

// syncHome answers DAV:sync-collection for a home: its members are calendars. Who has
// the token of now knows in one request that nothing has changed anywhere; what has
// changed since another one nobody can tell.
func (q *request) syncHome(report *davxml.Report) error {
	home, err := q.firstHome()
	if err != nil {
		return err
	}
	token := q.homeToken(home)
	if report.Token != "" && report.Token != token {
		return &calendar.Error{Op: "Since", Kind: calendar.InvalidToken}
	}
	if report.Token == "" && report.Limit > 0 && len(home.All()) > report.Limit {
		return &HTTPError{Code: http.StatusInsufficientStorage, Precondition: dav("number-of-matches-within-limits"),
			Public: "there are more calendars, and no part of them can be told alone"} // RFC 6578 section 3.7
	}
	m, err := q.reportAnswer(report)
	if err != nil {
		return err
	}
	if report.Token == "" {
		if err := m.calendars(home); err != nil {
			return err
		}
	}
	m.SyncToken(token)
	return m.Close()
}
