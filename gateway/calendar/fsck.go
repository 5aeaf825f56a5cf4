package calendar

import (
	"context"
	"errors"
	"slices"
	"strings"

	"calgate/translate"
)

// Fault is what is wrong with a message of a calendar folder.
type Fault int

// The faults.
const (
	Damaged    Fault = iota // the body does not match X-Calgate-Hash and X-Calgate-Length
	TornMove                // a MOVE that ended between its two steps: the object is in both calendars
	Unreadable              // iCalendar that is no calendar object resource, or too large to be read
	Newer                   // written by a newer calgate
)

// String is the fault in a word or two.
func (f Fault) String() string {
	return [...]string{"damaged", "torn move", "unreadable", "newer version"}[f]
}

// Finding is one message with which something is wrong.
type Finding struct {
	Fault    Fault
	UID      uint32
	Standing translate.Standing
	Name     string // resource name, "" where there is none
	Source   string // TornMove: the mailbox that it came from
	Repaired bool
	Err      error // what is wrong, and after Repair why it still is
}

// Report is what a folder's log holds.
type Report struct {
	Calendar Calendar
	Messages int
	Count    map[translate.Standing]int // of every message, one standing each
	Garbage  int                        // may be expunged at once
	Mixed    int                        // hidden mail with more in it than an event: never removed
	Findings []Finding
	Expunged int // by Repair
	// MovesOnly: nothing else was looked for, and nothing else is repaired.
	MovesOnly bool
}

// Wrong tells whether something is wrong that was not repaired. Garbage is not: the
// next writer takes it away.
func (r *Report) Wrong() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return !f.Repaired })
}

// Progress is told how many of the messages that must be read have been.
type Progress func(done, of int)

// errOversize says why a message is not looked into.
var errOversize = errors.New("larger than any calendar object can be")

// Examine reads a whole folder, every body in it that the protocol answers for, and
// changes nothing.
func (a *Account) Examine(ctx context.Context, c Calendar, progress Progress) (*Report, error) {
	v, err := a.examined(ctx, c)
	if err != nil {
		return nil, err
	}
	r := &Report{Calendar: c, Messages: len(v.ix.records), Count: map[translate.Standing]int{}, Garbage: len(v.ix.listing.Garbage())}
	standings := v.ix.listing.Standings()
	names := map[uint32]string{}
	for l := range v.ix.listing.Alive() {
		names[l.Head.UID] = l.Name // a relic may be shown under another one than its own
	}
	var read []*translate.Record
	for _, m := range v.ix.records {
		s := standings[m.UID]
		r.Count[s]++
		switch {
		case m.ReadOnly:
			r.Findings = append(r.Findings, Finding{Fault: Newer, UID: m.UID, Standing: s, Err: ErrNewer})
		case m.Mixed && s == translate.StandingHidden:
			r.Mixed++
		case m.Unopened:
			r.Findings = append(r.Findings, Finding{Fault: Unreadable, UID: m.UID, Standing: s, Err: errOversize})
		}
		if garbage := s == translate.StandingSuperseded || s == translate.StandingLoser; m.Ours && m.Hash != "" && !garbage || m.Opened && !m.Ours && !m.Foreign {
			read = append(read, m)
		}
	}
	done := 0
	err = a.bodies(ctx, c.Mailbox, read, func(m *translate.Record, message []byte) {
		if done++; progress != nil {
			progress(done, len(read))
		}
		if f, bad := examineBody(m, message); bad {
			f.Standing = standings[m.UID]
			if n, shown := names[m.UID]; shown {
				f.Name = n
			}
			r.Findings = append(r.Findings, f)
		}
	})
	if err != nil {
		return nil, err
	}
	torn, err := v.tornMoves(ctx)
	r.Findings = append(r.Findings, torn...)
	slices.SortStableFunc(r.Findings, func(x, y Finding) int { return int(int64(x.UID) - int64(y.UID)) })
	return r, err
}

// examined is a view for reading, of a folder too that a newer calgate has written
// to and this one must not.
func (a *Account) examined(ctx context.Context, c Calendar) (*View, error) {
	ix, looked, err := a.look(ctx, c.Mailbox)
	if err != nil && (ix == nil || !errors.Is(err, ErrNewer)) {
		return nil, err
	}
	v := &View{account: a, calendar: c, ix: ix, rights: rightsOf(looked), looked: a.server.o.Now()}
	return v, v.require("Examine", Read)
}

// examineBody compares a body with what its fields, or its Content-Type, promise.
func examineBody(m *translate.Record, message []byte) (Finding, bool) {
	f := Finding{UID: m.UID, Name: strings.Clone(m.Name)}
	if m.Ours {
		_, f.Err = m.Body(message)
		f.Fault = Damaged
		return f, f.Err != nil
	}
	again := translate.Record{UID: m.UID}
	f.Fault, f.Err = Unreadable, again.Open(message)
	return f, f.Err != nil
}

// errTorn says what a torn move is.
var errTorn = errors.New("moved here, and its source is still there")

// tornMoves are the objects whose source is still what X-Calgate-Moved-From names:
// a MOVE made the copy and did not come to the tombstone.
func (v *View) tornMoves(ctx context.Context) ([]Finding, error) {
	var torn []Finding
	sources := map[string]*View{}
	for l := range v.ix.listing.Alive() {
		if l.Head.MovedFrom == "" || l.Foreign {
			continue
		}
		source, head, err := v.movedFrom(ctx, l.Head, sources)
		if err != nil {
			return torn, err
		}
		if head != nil {
			torn = append(torn, Finding{Fault: TornMove, UID: l.Head.UID, Standing: translate.StandingLive, Name: l.Name,
				Source: source.calendar.Mailbox, Err: errTorn})
		}
	}
	return torn, nil
}

// ExamineShares looks for what the user moved into calendars of other users and did not
// come to remove from the user's own: no folder of the user's own tells of it. A report
// is of one calendar with such.
func (a *Account) ExamineShares(ctx context.Context) ([]*Report, error) {
	h, err := a.OpenHome(ctx)
	if err != nil {
		return nil, err
	}
	var all []*Report
	for _, c := range h.Shares {
		v, err := a.examined(ctx, c)
		if IsKind(err, NotFound) || IsKind(err, Forbidden) {
			continue
		}
		if err != nil {
			return nil, err
		}
		torn, err := v.tornMoves(ctx)
		if err != nil {
			return nil, err
		}
		torn = slices.DeleteFunc(torn, func(f Finding) bool { return strings.HasPrefix(f.Source, "~") })
		if len(torn) > 0 {
			all = append(all, &Report{Calendar: c, Findings: torn, MovesOnly: true})
		}
	}
	return all, nil
}

// movedFrom finds the source of a MOVE, as long as it is what was moved. sources are
// folders that were opened before.
func (v *View) movedFrom(ctx context.Context, m *translate.Record, sources map[string]*View) (*View, *translate.Life, error) {
	calendars, err := v.account.namedBy(ctx, m.MovedFrom)
	if err != nil {
		return nil, nil, err
	}
	token := translate.Token(m.MovedFrom[strings.LastIndexByte(m.MovedFrom, ';')+1:])
	for _, c := range calendars {
		anywhere := strings.TrimSuffix(translate.FormatMovedFrom(c.Mailbox, 0, ""), "0;")
		if c.Mailbox == v.calendar.Mailbox || !strings.HasPrefix(m.MovedFrom, anywhere) {
			continue
		}
		source := sources[c.Mailbox]
		if source == nil {
			if source, err = v.account.Open(ctx, c); IsKind(err, NotFound) || IsKind(err, Forbidden) {
				continue
			} else if err != nil {
				return nil, nil, err
			}
			sources[c.Mailbox] = source
		}
		if translate.FormatMovedFrom(c.Mailbox, source.ix.triple.UIDValidity, token) != m.MovedFrom {
			return nil, nil, nil // the folder is another one now
		}
		return source, source.ix.listing.Unmoved(m, token), nil
	}
	return nil, nil, nil
}

// namedBy are the calendars one of which X-Calgate-Moved-From may name: the account's
// own, or those of the other user whom it names.
func (a *Account) namedBy(ctx context.Context, movedFrom string) ([]Calendar, error) {
	mailbox, _, _ := strings.Cut(movedFrom, ";")
	mailbox, _ = translate.PercentDecode(mailbox)
	home := a.Home
	if of, others := strings.CutPrefix(mailbox, "~"); others {
		owner, _, _ := strings.Cut(of, "/")
		home = func(ctx context.Context) (*Home, error) { return a.HomeOf(ctx, owner) }
	}
	h, err := home(ctx)
	if err != nil {
		return nil, err
	}
	return h.Calendars, nil
}
