package calendar

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"calgate/imapstore"
	"calgate/translate"
)

// send is one round: it sends the steps and finds out which of them won.
func (r *replacement) send(ctx context.Context, steps []replaceStep) error {
	if err := r.require(steps); err != nil {
		return err
	}
	r.makeRoom(steps)
	appendSteps := r.appendEach
	if len(steps) > 1 && r.v.account.session.Caps().MultiAppend {
		appendSteps = r.appendAll
	}
	sent, err := appendSteps(ctx, steps)
	switch {
	case IsKind(err, OverQuota) && len(sent) == 0 && r.onlyTombstones(steps):
		return r.deleteEach(ctx, steps)
	case storeKind(err, imapstore.TooLate): // what came too late is not stored
		if !r.v.account.session.Usable() {
			if err := r.v.account.renew(ctx); err != nil {
				return err
			}
		}
		err = nil
	case unknown(err):
		if err := r.v.account.renew(ctx); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if len(sent) == 0 {
		return nil
	}
	for i := range steps { // else the listing of before would stay in memory beside the one of after
		steps[i].head = nil
	}
	for i := range sent {
		sent[i].head = nil
	}
	return r.settle(ctx, sent, err)
}

// require checks for all steps, before anything is written, that they may be done.
func (r *replacement) require(steps []replaceStep) error {
	for _, s := range steps {
		p := WriteContent
		switch {
		case s.item < 0:
			p = Unbind
		case s.head == nil:
			p = Bind
		}
		if err := r.v.require("Replace", p); err != nil {
			return err
		}
		if s.head != nil && s.head.Head.ReadOnly {
			return r.v.unavailable("Replace", ErrNewer)
		}
	}
	return nil
}

// makeRoom frees the octets of what is replaced or removed: a calendar of them would
// stay in memory beside the upload.
func (r *replacement) makeRoom(steps []replaceStep) {
	for i := range steps {
		if head := steps[i].head; head != nil {
			r.v.account.server.cache.forgetBody(r.v.bodyKey(head.Head.UID))
		}
	}
}

// prepare puts a step on the head that the view shows. ok is false where that is
// another one than was planned.
func (r *replacement) prepare(s *replaceStep) (ok bool) {
	v := r.v
	if now := v.ix.listing.Live(s.name); s.head == nil && now != nil || s.head != nil && (now == nil || now.Head.UID != s.head.Head.UID) {
		return false
	} else if s.head != nil {
		s.head = now
	}
	s.token, s.asof = translate.NewToken(), v.ix.triple.UIDNext-1
	return true
}

// message writes the message of a step that is prepared on the present look.
func (r *replacement) message(s *replaceStep, at time.Time) imapstore.Outgoing {
	w := r.write(s)
	e := translate.Envelope{From: r.v.account.name, Date: at, Summary: s.name, Component: w.Span.Component}
	var body []byte
	if s.item >= 0 {
		e.Summary = r.Upload.Items[s.item].Summary
		body = r.Upload.Octets(s.item)
	}
	return imapstore.Outgoing{Octets: translate.Message(r.v.ix.listing.Next(w, s.head), e, body), Flags: []string{`\Seen`}}
}

// appendAll sends the steps as one APPEND.
func (r *replacement) appendAll(ctx context.Context, steps []replaceStep) (sent []replaceStep, err error) {
	v := r.v
	for i := range steps {
		r.prepare(&steps[i]) // on the very look that they were planned on
	}
	now := v.account.server.o.Now()
	tell := r.progress(len(steps))
	answered := func() {}
	err = v.account.session.AppendAll(ctx, v.calendar.Mailbox, len(steps), func(i int) imapstore.Outgoing {
		tell(i)
		if i == len(steps)-1 {
			answered()
			answered = r.awaited(len(steps))
		}
		return r.message(&steps[i], now)
	}, v.looked.Add(maxFeedLook))
	answered()
	switch {
	case err == nil, unknown(err):
		return steps, err
	case storeKind(err, imapstore.TooLate):
		return nil, err
	}
	return nil, wrap("Replace", v.calendar.Mailbox, err)
}

// appendEach sends the steps one by one, as far as it comes.
func (r *replacement) appendEach(ctx context.Context, steps []replaceStep) (sent []replaceStep, err error) {
	v := r.v
	tell := r.progress(len(steps))
	for i := range steps {
		s := &steps[i]
		tell(i)
		now := v.account.server.o.Now()
		if now.Sub(v.looked) > freshLook {
			if err := r.look(ctx); err != nil {
				return sent, err
			}
		}
		if !r.prepare(s) {
			continue // another writer was there: the next round looks at it again
		}
		_, err := v.account.session.Append(ctx, v.calendar.Mailbox, r.message(s, now), v.looked.Add(maxLook))
		switch {
		case err == nil:
			sent = append(sent, *s)
		case storeKind(err, imapstore.OverQuota) && len(sent) > 0: // what is left may be tombstones only, which need no room
			return sent, nil
		case storeKind(err, imapstore.TooLate):
			return sent, err
		case unknown(err):
			return append(sent, *s), err
		default:
			return sent, stoppedAt(wrap("Replace", v.calendar.Mailbox, err), s.name)
		}
	}
	return sent, nil
}

// stoppedAt names the item that an error is about.
func stoppedAt(err error, name string) error {
	var e *Error
	if errors.As(err, &e) && e.Name == "" {
		e.Name = name
	}
	return err
}

// progress tells the log about a publication that takes long.
func (r *replacement) progress(of int) func(done int) {
	now := r.v.account.server.o.Now
	last := now()
	return func(done int) {
		if at := now(); at.Sub(last) >= publishProgress {
			last = at
			r.tell(done, of)
		}
	}
}

// awaited tells the log, as often, that all is sent and the mail server has not
// answered yet, until its result is called.
func (r *replacement) awaited(of int) (answered func()) {
	end := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		tick := time.NewTicker(publishProgress)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				r.tell(of, of)
			}
		}
	})
	return func() { close(end); teller.Wait() }
}

func (r *replacement) tell(done, of int) {
	r.v.account.server.o.Logger.Info("publishing", "mailbox", r.v.calendar.Mailbox, "user", r.v.account.name, "done", done, "of", of)
}

// settle is the check after an APPEND: who won, and who is taken back. unsure is the
// error of one whose answer did not come.
func (r *replacement) settle(ctx context.Context, sent []replaceStep, unsure error) error {
	v := r.v
	if err := r.look(ctx); err != nil {
		return err
	}
	won, own, alive := v.ix.fates(sent)
	var lost []uint32
	var loser *replaceStep
	for i := range sent {
		s := &sent[i]
		token := s.token
		switch {
		case won[token]:
			r.Written++
			r.settled[s.id] = true
			if s.item >= 0 {
				r.kept[s.id] = etag(&translate.Record{Token: token, Hash: r.Upload.Items[s.item].Hash}, v.ix.triple.UIDValidity)
			}
			continue
		case s.item < 0 && !alive[s.id]: // ended by another writer, or raw
			r.settled[s.id] = true
		default:
			loser = s
		}
		if uid := own[token]; uid != 0 {
			lost = append(lost, uid)
		} else if unsure != nil {
			return stoppedAt(v.unavailable("Replace", unsure), s.name)
		}
	}
	if len(lost) > 0 { // nothing depends on their going: they can never become heads
		slices.Sort(lost)
		if err := v.account.session.Expunge(ctx, v.calendar.Mailbox, lost); err != nil && !v.account.session.Usable() {
			return v.unavailable("Replace", err)
		}
	}
	if loser != nil && r.conditional {
		return &Error{Op: "Replace", Mailbox: v.calendar.Mailbox, Kind: PreconditionFailed, Name: loser.name, Err: errLost}
	}
	return nil
}

// fates tells of many writes at once what Won and own tell of one, and which objects
// are alive.
func (ix *index) fates(sent []replaceStep) (won map[translate.Token]bool, own map[translate.Token]uint32, alive map[string]bool) {
	won, own, alive = map[translate.Token]bool{}, map[translate.Token]uint32{}, map[string]bool{}
	for i := range sent {
		won[sent[i].token] = false
	}
	note := func(t translate.Token) {
		if _, ours := won[t]; ours {
			won[t] = true
		}
	}
	for l := range ix.listing.Native() {
		note(l.Head.Token)
		for _, p := range l.Head.Prev {
			note(p.Token)
		}
	}
	for _, m := range ix.records {
		if m.Folder == ix.triple.UIDValidity {
			if _, ours := won[m.Token]; ours {
				own[m.Token] = m.UID // the highest one
			}
		}
	}
	for l := range ix.listing.Alive() {
		alive[identity(l)] = true
	}
	return won, own, alive
}

func (r *replacement) onlyTombstones(steps []replaceStep) bool {
	return !slices.ContainsFunc(steps, func(s replaceStep) bool { return s.item >= 0 })
}

// deleteEach deletes one by one where the account is full: whoever is over quota must
// be able to delete.
func (r *replacement) deleteEach(ctx context.Context, steps []replaceStep) error {
	for _, s := range steps {
		if err := r.v.Delete(ctx, s.name, Condition{}); err != nil && !IsKind(err, NotFound) {
			return stoppedAt(err, s.name)
		}
		r.Written++
		r.settled[s.id] = true
	}
	return nil
}
