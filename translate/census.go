package translate

// Standing is what a message of a folder is to the rule.
type Standing uint8

// The standings. Every message has exactly one.
const (
	StandingMail       Standing = iota // holds no iCalendar, as far as it can be read
	StandingLive                       // the version of an object that clients see
	StandingForeign                    // the same, by another program or put there again
	StandingProperties                 // the properties of the collection
	StandingTombstone                  // the end of a life
	StandingKept                       // the last version of a life that ended
	StandingSuperseded                 // replaced by a later version: garbage
	StandingLoser                      // lost a race, or its life was never accepted: garbage
	StandingHidden                     // of somebody else or of another folder, and not shown
)

var standingText = [...]string{"mail", "live", "foreign", "properties", "tombstone", "kept", "superseded", "loser", "hidden"}

// String is the standing in a word.
func (s Standing) String() string { return standingText[s] }

// Standings tells of every message that holds an object what it is; what is not
// in it is mail.
func (l *Listing) Standings() map[uint32]Standing {
	all := make(map[uint32]Standing, len(l.records))
	replaced := map[Token]bool{} // by an accepted head
	newest := map[Token]uint32{} // Life -> Gen of its accepted native head
	for _, e := range l.lives {
		for _, p := range e.Head.Prev {
			if p.Token != "" {
				replaced[p.Token] = true
			}
		}
		if e.native {
			newest[e.ID] = max(newest[e.ID], e.Head.Gen)
		}
	}
	for _, m := range l.records {
		switch {
		case !l.isNative(m):
			all[m.UID] = StandingHidden
		case replaced[m.Token] || m.Gen+MaxPrev < newest[m.Life]:
			all[m.UID] = StandingSuperseded
		default:
			all[m.UID] = StandingLoser
		}
	}
	for _, e := range l.lives {
		if k := l.KeptBelow(e); k != nil {
			all[k.UID] = StandingKept
		}
	}
	for _, e := range l.lives {
		switch {
		case e.props():
			all[e.Head.UID] = StandingProperties
		case e.Dead:
			all[e.Head.UID] = StandingTombstone
		case e.Foreign:
			all[e.Head.UID] = StandingForeign
		default:
			all[e.Head.UID] = StandingLive
		}
	}
	return all
}

// KeptBelow is the last version of a life that ended, as long as it is there; nil
// for a life that has not ended.
func (l *Listing) KeptBelow(t *Life) *Record {
	if !t.Dead {
		return nil
	}
	return l.kept(t)
}
