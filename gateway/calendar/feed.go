package calendar

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"slices"
	"time"
)

// FeedState is what a whole calendar, seen as one resource, can be conditional on.
type FeedState struct {
	ETag     string    // strong and quoted
	Modified time.Time // zero where nothing was ever in it
}

// FeedState is that of what the view shows, under a title. Every gateway comes to the
// same, and clean-up does not change it.
func (v *View) FeedState(title string) FeedState {
	h := sha256.New()
	h.Write([]byte(title))
	h.Write([]byte{0})
	var s FeedState
	for e := range v.Entries() { // by name
		h.Write([]byte(e.Name))
		h.Write([]byte{0})
		h.Write([]byte(e.ETag))
		h.Write([]byte{0})
		s.later(e.Modified)
	}
	for l := range v.ix.listing.Dead() {
		s.later(l.Head.InternalDate)
	}
	if props := v.ix.listing.Props(collection); props != nil { // the title is among them
		s.later(props.Head.InternalDate)
	}
	s.ETag = `"` + hex.EncodeToString(h.Sum(nil)[:16]) + `"`
	return s
}

func (s *FeedState) later(t time.Time) {
	if t.After(s.Modified) {
		s.Modified = t
	}
}

// ErrChanged says that the calendar changed while it was read as a whole.
var ErrChanged = errors.New("calendar: it changed while it was read")

// Feed gives all objects in the order of their iCalendar UIDs, then names, and
// exactly as the view shows them: where one is gone or replaced meanwhile it ends with
// ErrChanged, since a reader must see the calendar as it was before a publication or
// after it, and no mixture. After Refresh another try may do.
func (v *View) Feed(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		entries := slices.SortedFunc(v.Entries(), func(x, y Entry) int {
			return cmp.Or(cmp.Compare(x.ICalUID, y.ICalUID), cmp.Compare(x.Name, y.Name))
		})
		for batch := range batches(entries) {
			items := itemsOf(batch)
			missing, err := v.fetchBodies(ctx, items, indices(len(items)))
			if err == nil && len(missing) > 0 || err != nil && ctx.Err() == nil && !v.account.session.Usable() {
				err = ErrChanged // or the session broke: a look logs in again
			}
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, it := range items {
				if !yield(it, nil) {
					return
				}
			}
		}
	}
}

// Unreadable is how many messages of other programs say that they are iCalendar, and
// are not shown because they cannot be read.
func (v *View) Unreadable() (n int) {
	for _, r := range v.ix.records {
		if r.Unreadable && !r.Deleted {
			n++
		}
	}
	return n
}

// Refresh moves the view to what the folder shows now.
func (v *View) Refresh(ctx context.Context) error {
	if !v.calendar.Exists {
		return nil
	}
	return v.look(ctx)
}
