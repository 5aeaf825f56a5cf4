package calendar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"calgate/translate"
)

// Times of a publication.
const (
	// maxFeedLook is the time from a look to the last octet of the MULTIAPPEND that
	// rests on it.
	maxFeedLook = 10 * time.Minute
	// freshLook is how old a look may be where items are appended one by one.
	freshLook = 30 * time.Second
	// publishProgress is how often a long publication tells the log how far it is.
	publishProgress = 5 * time.Second
)

// FeedCondition is what must hold for a write of a whole calendar.
type FeedCondition struct {
	Title string // as in FeedState
	// Conditional tells that the client named a state: an item that loses against
	// another write is then not repeated, as the client has not seen what that made.
	Conditional bool
	Check       func(FeedState) error // nil checks nothing
	// IfMatch are the entity tags that the client wants to find: a publication that
	// has been done already is told by them from one that comes too late.
	IfMatch []string
}

// Publication is what a calendar becomes.
type Publication struct {
	Upload    *translate.Upload
	DeleteAll bool // what is not in the upload goes
	// Removes says of a component whether such objects may go; nil: all may.
	Removes func(component string) bool
}

// Replaced is what a Replace did.
type Replaced struct {
	Written int  // versions and tombstones
	Equal   bool // the calendar now holds what was uploaded and nothing else
}

// Replace publishes a whole calendar. Objects are told by their iCalendar UIDs. One
// that says the same already is left alone and keeps its name, entity tag and IMAP
// UID; the others become new versions, and with DeleteAll what is missing gets a
// tombstone, after all versions. Where the server has MULTIAPPEND it is one APPEND: a
// reader sees all of it or nothing. Elsewhere each item is complete in itself, and an
// error names the one that it stopped at.
//
// Errors: what the condition returned, and Kind Forbidden, PreconditionFailed (an item
// lost against another write), OverQuota, Unavailable (outcome unknown).
func (v *View) Replace(ctx context.Context, p Publication, c FeedCondition) (Replaced, error) {
	r := &replacement{v: v, Publication: p, conditional: c.Conditional, kept: map[string]string{}, settled: map[string]bool{}}
	for try := 0; try < maxTries; try++ {
		if r.round > 0 {
			if err := r.look(ctx); err != nil {
				return r.Replaced, err
			}
		}
		steps, err := r.plan(ctx)
		if err != nil {
			return r.Replaced, err
		}
		if r.round == 0 && c.Check != nil {
			if err := c.Check(v.FeedState(c.Title)); err != nil && (len(c.IfMatch) == 0 || len(steps) > 0) {
				return r.Replaced, err
			}
		}
		if len(steps) == 0 {
			r.Equal = r.equal()
			return r.Replaced, nil
		}
		r.round++
		before := r.Written
		if err := r.send(ctx, steps); err != nil {
			return r.Replaced, err
		}
		if r.Written > before {
			try = 0
		}
	}
	return r.Replaced, v.unavailable("Replace", errLostAgain)
}

// replacement is a Replace under way.
type replacement struct {
	Publication
	Replaced
	v           *View
	conditional bool
	round       int
	// kept are the entity tags under which the uploaded objects are in the calendar,
	// by stored UID.
	kept map[string]string
	// doomed are the objects that were there at the first look and are to go. What
	// comes later is none of this publication's.
	doomed map[string]bool
	// settled are those that need nothing more, by identity.
	settled map[string]bool
}

// look looks again at the folder that the publication began with.
func (r *replacement) look(ctx context.Context) error {
	before := r.v.ix.triple.UIDValidity
	if err := r.v.look(ctx); err != nil {
		return err
	}
	if r.v.ix.triple.UIDValidity != before {
		return r.v.unavailable("Replace", errMoved)
	}
	return nil
}

// replaceStep is one message of a publication. There are as many as objects: what the
// upload and the listing say is not copied.
type replaceStep struct {
	item  int             // in the upload; -1: a tombstone
	head  *translate.Life // that it replaces; nil: a create, or sent
	id    string          // identity
	name  string          // of the resource
	token translate.Token // drawn when it is prepared
	asof  uint32
}

// write is the step in the words of the rule.
func (r *replacement) write(s *replaceStep) translate.Write {
	w := translate.Write{Op: translate.OpDelete, Name: s.name, Token: s.token, Asof: s.asof}
	switch {
	case s.item >= 0:
		item := &r.Upload.Items[s.item]
		w.Op, w.ICalUID = translate.OpPut, translate.StoredUID(item.UID)
		w.Hash, w.Length, w.Span = item.Hash, item.Length, item.Span
	case s.head != nil:
		w.ICalUID = s.head.Head.ICalUID
	}
	return w
}

// identity is what an object is recognised by: the iCalendar UID in its stored form,
// or its name where it has none.
func identity(l *translate.Life) string {
	if l.Head.ICalUID == "" {
		return "\x00" + l.Name
	}
	return l.Head.ICalUID
}

// plan compares upload and calendar: versions first, tombstones last.
func (r *replacement) plan(ctx context.Context) ([]replaceStep, error) {
	holders := make(map[string]*translate.Life, r.v.Len())
	for l := range r.v.ix.listing.Alive() {
		holders[identity(l)] = l
	}
	uploaded := make(map[string]bool, len(r.Upload.Items))
	var steps []replaceStep
	var doubtful []int // steps that may change nothing
	for i := range r.Upload.Items {
		item := &r.Upload.Items[i]
		uid := translate.StoredUID(item.UID)
		uploaded[uid] = true
		if r.settled[uid] {
			continue
		}
		head := holders[uid]
		if head != nil && head.Head.Hash == item.Hash && head.Head.Length == item.Length {
			r.keep(uid, etag(head.Head, r.v.ix.triple.UIDValidity))
			continue
		}
		s := replaceStep{item: i, head: head, id: uid}
		if head != nil {
			s.name = head.Name
			doubtful = append(doubtful, len(steps))
		}
		steps = append(steps, s)
	}
	steps, err := r.leaveSame(ctx, steps, doubtful)
	if err != nil {
		return nil, err
	}
	return r.distinct(append(steps, r.tombstones(uploaded)...)), nil
}

func (r *replacement) keep(uid, etag string) {
	r.settled[uid] = true
	r.kept[uid] = etag
}

// leaveSame takes those steps out whose objects say the same already, in other octets.
func (r *replacement) leaveSame(ctx context.Context, steps []replaceStep, doubtful []int) ([]replaceStep, error) {
	same := map[int]bool{}
	entries := make([]Entry, len(doubtful))
	for i, n := range doubtful {
		entries[i] = r.v.entry(steps[n].head)
	}
	for batch := range batches(entries) {
		items := itemsOf(batch)
		if _, err := r.v.fetchBodies(ctx, items, indices(len(items))); err != nil {
			return nil, err
		}
		of := doubtful[:len(batch)]
		doubtful = doubtful[len(batch):]
		for i, n := range of { // one that is gone will lose, and is looked at again
			if s := &steps[n]; items[i].Body != nil && r.Upload.Same(s.item, items[i].Body) {
				same[n] = true
				r.keep(s.id, items[i].ETag)
			}
		}
	}
	if len(same) == 0 {
		return steps, nil
	}
	out := steps[:0]
	for n, s := range steps {
		if !same[n] {
			out = append(out, s)
		}
	}
	return out, nil
}

// tombstones are the steps for what is missing in the upload.
func (r *replacement) tombstones(uploaded map[string]bool) (steps []replaceStep) {
	if !r.DeleteAll {
		return nil
	}
	first := r.doomed == nil
	if first {
		r.doomed = map[string]bool{}
	}
	for l := range r.v.ix.listing.Alive() {
		id := identity(l)
		if uploaded[id] || r.settled[id] || r.Removes != nil && !r.Removes(l.Head.Span.Component) {
			continue
		}
		if first {
			r.doomed[id] = true
		}
		if r.doomed[id] {
			steps = append(steps, replaceStep{item: -1, head: l, id: id, name: l.Name})
		}
	}
	return steps
}

// distinct names what is new, and leaves for a later round what would share a name or
// a life with another step: of two such messages in one batch no reader could say
// which was meant.
func (r *replacement) distinct(steps []replaceStep) []replaceStep {
	names, lives := map[string]bool{}, map[translate.Token]bool{}
	for _, s := range steps {
		if s.head != nil {
			names[s.name] = true
		}
	}
	out := steps[:0]
	for _, s := range steps {
		if s.head == nil {
			s.name = r.newName(r.Upload.Items[s.item].UID, names)
			names[s.name] = true
		} else if life := s.head.Head.Life; life != "" && !s.head.Foreign {
			if lives[life] {
				continue
			}
			lives[life] = true
		}
		out = append(out, s)
	}
	return out
}

// newName is the name of an object that nobody named: the same on every gateway, and
// one that no object had, alive or dead.
func (r *replacement) newName(uid string, taken map[string]bool) string {
	sum := sha256.Sum256([]byte(uid))
	base := hex.EncodeToString(sum[:8])
	name := base + ".ics"
	for n := 2; taken[name] || r.v.ix.listing.Seen(name); n++ {
		name = fmt.Sprintf("%s-%d.ics", base, n)
	}
	return name
}

// equal tells whether the calendar is what was uploaded.
func (r *replacement) equal() bool {
	if r.Upload.Lossy || r.v.Len() != len(r.Upload.Items) {
		return false
	}
	for e := range r.v.Entries() {
		if tag, ok := r.kept[e.ICalUID]; !ok || tag != e.ETag {
			return false
		}
	}
	return true
}
