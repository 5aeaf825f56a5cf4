package calendar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"calgate/translate"
)

// Deleted is an object that can come back: a tombstone, and below it the last
// version.
type Deleted struct {
	Entry             // of the last version, under the name that it had
	Summary string    // SUMMARY
	At      time.Time // INTERNALDATE of the tombstone
	Holder  string    // name of the object that has its iCalendar UID now, "" if none: then it cannot come back
	Err     error     // why the last version cannot be read; it cannot come back then

	uidValidity uint32
}

// errHeld and errGone tell why a deleted object does not come back.
var (
	errHeld = errors.New("an object with the same iCalendar UID is there")
	errGone = errors.New("its last version is gone")
)

// Deleted lists what can come back, the latest deletion first. The bodies are read
// in parts, and with them whether they can be read at all.
func (v *View) Deleted(ctx context.Context) ([]Deleted, error) {
	var all []Deleted
	byUID := map[uint32]int{}
	for t := range v.ix.listing.Dead() {
		k := v.ix.listing.KeptBelow(t)
		if k == nil || t.Head.Op != translate.OpDelete {
			continue
		}
		if i, twice := byUID[k.UID]; twice { // two tombstones over one version: the first one ended it
			if t.Head.InternalDate.Before(all[i].At) {
				all[i].At, all[i].Name = t.Head.InternalDate, t.Head.Name
			}
			continue
		}
		byUID[k.UID] = len(all)
		d := Deleted{At: t.Head.InternalDate, Err: errGone, uidValidity: v.ix.triple.UIDValidity}
		d.Entry = v.entry(&translate.Life{Name: t.Head.Name, Head: k, Members: []*translate.Record{k}})
		if h := v.ix.listing.Holder(k.ICalUID); h != nil {
			d.Holder = h.Name
		}
		all = append(all, d)
	}
	if err := v.readDeleted(ctx, all, byUID); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(x, y Deleted) int { return y.At.Compare(x.At) })
	return all, nil
}

// readDeleted fills what only the body says.
func (v *View) readDeleted(ctx context.Context, all []Deleted, byUID map[uint32]int) error {
	var records []*translate.Record
	for i := range all {
		records = append(records, v.ix.record(all[i].UID))
	}
	return v.account.bodies(ctx, v.calendar.Mailbox, records, func(r *translate.Record, message []byte) {
		d := &all[byUID[r.UID]]
		o, err := lastVersion(r, message)
		if d.Err = err; err == nil {
			d.Summary, d.Length = strings.Clone(o.Summary), int64(len(o.Raw))
		}
	})
}

// lastVersion reads what can come back. A body that is not what its fields say is
// taken all the same, if it is a calendar object: it is all there is.
func lastVersion(r *translate.Record, message []byte) (*translate.Object, error) {
	body, err := r.Shown(message)
	if err != nil && !errors.Is(err, translate.ErrBody) {
		return nil, err
	}
	return translate.ParseObject(body)
}

// Undelete brings a deleted object back as a new life: a create under the name
// that it had, or under a free one where another object has that now. Of two
// writers who want the name or the iCalendar UID at once one wins, and the other is
// told; what is kept below the tombstone stays there until its time is over.
//
// Errors: Kind NotFound (it is gone, or cannot be read), UIDConflict, Forbidden,
// OverQuota, Unavailable.
func (v *View) Undelete(ctx context.Context, d Deleted) (Result, error) {
	create := Condition{Conditional: true, Check: func(_ Entry, exists bool) error {
		if exists {
			return errLost
		}
		return nil
	}}
	for range maxTries {
		if err := v.look(ctx); err != nil {
			return Result{}, err
		}
		o, err := v.readAgain(ctx, d)
		if err != nil {
			return Result{}, err
		}
		if h := v.ix.listing.Holder(translate.StoredUID(o.UID)); h != nil {
			return Result{}, &Error{Op: "Undelete", Mailbox: v.calendar.Mailbox, Kind: UIDConflict, Name: h.Name, Err: errHeld}
		}
		r, err := v.Put(ctx, v.free(d.Name), o, create)
		if !IsKind(err, PreconditionFailed) && !errors.Is(err, errLost) {
			return r, err
		}
	}
	return Result{}, &Error{Op: "Undelete", Mailbox: v.calendar.Mailbox, Kind: Unavailable, Name: d.Name, Err: errLostAgain}
}

// readAgain reads the version that is to come back, as it is now.
func (v *View) readAgain(ctx context.Context, d Deleted) (o *translate.Object, err error) {
	r := v.ix.record(d.UID)
	if err = errGone; r != nil && v.ix.triple.UIDValidity == d.uidValidity {
		failed := v.account.bodies(ctx, v.calendar.Mailbox, []*translate.Record{r}, func(r *translate.Record, message []byte) {
			o, err = lastVersion(r, bytes.Clone(message))
		})
		if failed != nil {
			return nil, failed
		}
	}
	if err != nil {
		return nil, &Error{Op: "Undelete", Mailbox: v.calendar.Mailbox, Kind: NotFound, Name: d.Name, Err: err}
	}
	return o, nil
}

// free is a name that no object has: the wanted one, else with a number. A name
// that a deleted object had is taken only by that object itself.
func (v *View) free(name string) string {
	if v.ix.listing.Live(name) == nil {
		return name
	}
	base, ics := strings.CutSuffix(name, ".ics")
	suffix := ""
	if ics {
		suffix = ".ics"
	}
	for len(base) > 0 && len(base)+len(suffix)+8 > translate.MaxName {
		base = base[:len(base)-1]
	}
	for i := 2; ; i++ {
		if n := fmt.Sprintf("%s-%d%s", base, i, suffix); !v.ix.listing.Seen(n) {
			return n
		}
	}
}
