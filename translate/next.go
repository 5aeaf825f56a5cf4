package translate

// Write is what a writer wants to do.
type Write struct {
	Op        Op
	Name      string
	ICalUID   string // in its stored form
	Token     Token
	Asof      uint32 // highest UID known at the look
	Hash      string
	Length    int64
	Span      Span
	MovedFrom string
	MailboxID string // of the mailbox that properties are about, "" to say none; at most MaxName octets
}

// Next fills the fields of the version that replaces, or deletes, what h shows; h
// nil: a create.
func (l *Listing) Next(w Write, h *Life) Record {
	r := Record{
		Ours: true, Op: w.Op, Name: w.Name, ICalUID: w.ICalUID,
		Folder: l.UIDValidity, Gen: 1, Asof: w.Asof, Life: w.Token, Token: w.Token,
		Hash: w.Hash, Length: w.Length, Span: w.Span, MovedFrom: w.MovedFrom,
	}
	switch w.Op {
	case OpDelete:
		r.Hash, r.Length, r.Span = "", 0, Span{}
	case OpProps:
		r.Name, r.ICalUID, r.Span = storedName(r.Name), "", Span{}
		r.MailboxID = w.MailboxID
	}
	if h == nil {
		return r
	}
	if h.Head.ICalUID != "" { // constant for the life of a resource
		r.ICalUID = h.Head.ICalUID
	}
	r.Base = h.Head.UID
	r.Prev = predecessors(h)
	switch {
	case h.Foreign: // all foreign messages of one iCalendar UID are one life, called after the lowest
		r.Life = lifeOver(l.UIDValidity, h.Members[0].UID)
	case h.Head.Gen >= maxGen:
		// Nobody comes here by writing. A forged number must not keep an object
		// from being changed, so its life ends and another one begins.
	default:
		r.Life, r.Gen = h.Head.Life, h.Head.Gen+1
		if h.native {
			r.Asof = h.Head.Asof
		}
		if w.Op == OpPut && w.MovedFrom == "" {
			r.MovedFrom = h.Head.MovedFrom // the move may still be torn
		}
	}
	return r
}

// predecessors are what replaces h names: its head, with its UID of now, and
// what that names. The UIDs in a relic or a copy mean nothing here.
func predecessors(h *Life) []Predecessor {
	prev := make([]Predecessor, 0, min(MaxPrev, 1+len(h.Head.Prev)))
	prev = append(prev, Predecessor{h.Head.UID, h.Head.Token})
	for _, p := range h.Head.Prev {
		if len(prev) == MaxPrev {
			break
		}
		if !h.native {
			p.UID = 0
		}
		if p != (Predecessor{}) {
			prev = append(prev, p)
		}
	}
	return prev
}
