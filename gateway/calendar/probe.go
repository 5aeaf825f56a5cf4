package calendar

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"calgate/imapstore"
	"calgate/translate"
)

// Probed is what a probe of a mail server found.
type Probed struct {
	Mailbox            string
	Sessions, Messages int
	Broken             []string // what several writers at once would not survive; empty: all is well
}

// maxBroken bounds what a probe tells of one kind.
const maxBroken = 5

// appended is one APPEND of a probe, and the look after it.
type appended struct {
	token    translate.Token
	before   uint32   // the highest UID that anybody knew of when it began
	answered uint32   // its own, by the answer to APPEND; 0 without UIDPLUS
	uid      uint32   // its own, by the look; 0: the look did not show it
	seen     []uint32 // all UIDs of that look
}

// Probe tests what the storage protocol rests on: that APPEND is one order for all
// sessions, UIDs ascending in real time, and that after its OK and a NOOP a session
// sees its own message and every lower UID. Several sessions append and look at
// once, in a mailbox of their own that is deleted afterwards.
//
// The error is for a probe that could not be made or not be cleared away.
func (s *Server) Probe(ctx context.Context, account, password string, sessions, rounds int) (p Probed, err error) {
	direct := New(s.store, Options{NoCache: true, Now: s.o.Now, Logger: s.o.Logger}) // what one session sees is nothing to another
	var random [8]byte
	rand.Read(random[:])
	p.Mailbox = "calgate-probe-" + hex.EncodeToString(random[:])
	var accounts []*Account
	defer func() {
		for _, a := range accounts {
			a.Close()
		}
	}()
	for range sessions {
		a, err := direct.Login(ctx, account, password)
		if err != nil && len(accounts) < 2 {
			return p, err
		}
		if err != nil {
			break // the server takes no more
		}
		accounts = append(accounts, a)
	}
	created := accounts[0].session.Create(ctx, p.Mailbox)
	if created != nil && !unknown(created) {
		return p, wrap("Probe", p.Mailbox, created)
	}
	defer func() {
		for _, a := range accounts {
			a.Close()
		}
		accounts = nil
		err = errors.Join(err, direct.removeProbe(ctx, account, password, p.Mailbox))
	}()
	if created != nil { // it may be there all the same
		return p, wrap("Probe", p.Mailbox, created)
	}
	p.Sessions = len(accounts)
	all, err := probeAll(ctx, accounts, p.Mailbox, rounds)
	if err != nil {
		return p, err
	}
	last, _, err := accounts[0].look(ctx, p.Mailbox)
	if err != nil {
		return p, err
	}
	p.Messages = len(last.records)
	p.Broken = judge(all, uidsOf(last))
	return p, nil
}

// probeRemoval is how long the end of a probe may take that was interrupted.
const probeRemoval = 30 * time.Second

// removeProbe deletes the mailbox of a probe, also where the probe was interrupted.
func (s *Server) removeProbe(ctx context.Context, account, password, mailbox string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeRemoval)
	defer cancel()
	a, err := s.Login(ctx, account, password)
	if err == nil {
		defer a.Close()
		if err = a.session.Delete(ctx, mailbox); storeKind(err, imapstore.NotFound) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("the mailbox %s of the probe is left: %w", mailbox, wrap("Probe", mailbox, err))
	}
	return nil
}

// probeAll has every account append and look, all at once.
func probeAll(ctx context.Context, accounts []*Account, mailbox string, rounds int) ([]appended, error) {
	for _, a := range accounts { // SELECT is no part of what is measured
		if _, _, err := a.look(ctx, mailbox); err != nil {
			return nil, err
		}
	}
	var highest atomic.Uint32
	made, errs := make([][]appended, len(accounts)), make([]error, len(accounts))
	var group sync.WaitGroup
	for i, a := range accounts {
		group.Go(func() {
			for range rounds {
				one, err := a.probeOnce(ctx, mailbox, &highest)
				if errs[i] = err; err != nil {
					return
				}
				made[i] = append(made[i], one)
			}
		})
	}
	group.Wait()
	return slices.Concat(made...), errors.Join(errs...)
}

func (a *Account) probeOnce(ctx context.Context, mailbox string, highest *atomic.Uint32) (appended, error) {
	one := appended{token: translate.NewToken(), before: highest.Load()}
	message := fmt.Sprintf("From: <probe@calgate.invalid>\r\nDate: %s\r\nSubject: calgate check -probe\r\nMessage-ID: <%s@calgate.invalid>\r\n"+
		"X-Calgate-Token: %s\r\nContent-Type: text/plain\r\n\r\nThis mailbox is deleted when the probe ends.\r\n",
		a.server.o.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"), one.token, one.token)
	answer, err := a.session.Append(ctx, mailbox, imapstore.Outgoing{Octets: []byte(message), Flags: []string{`\Seen`}}, a.server.o.Now().Add(maxLook))
	if err != nil {
		return one, wrap("Probe", mailbox, err)
	}
	one.answered = answer.UID
	raise(highest, answer.UID) // whatever begins from now on comes later
	ix, _, err := a.look(ctx, mailbox)
	if err != nil {
		return one, err
	}
	one.seen = uidsOf(ix)
	for row, err := range a.session.Fields(ctx, mailbox, one.seen, []string{"X-Calgate-Token"}) {
		if err != nil {
			return one, wrap("Probe", mailbox, err)
		}
		if strings.Contains(string(row.Header), string(one.token)) {
			one.uid = row.UID
		}
	}
	raise(highest, one.uid)
	return one, nil
}

func raise(highest *atomic.Uint32, uid uint32) {
	for known := highest.Load(); uid > known && !highest.CompareAndSwap(known, uid); known = highest.Load() {
	}
}

func uidsOf(ix *index) []uint32 {
	uids := make([]uint32, len(ix.records))
	for i := range ix.records {
		uids[i] = ix.records[i].UID
	}
	return uids
}

// judge compares what sessions saw with each other and with what is there at last;
// nothing was removed meanwhile.
func judge(all []appended, last []uint32) (broken []string) {
	counts := map[string]int{}
	tell := func(format string, args ...any) {
		if counts[format]++; counts[format] <= maxBroken {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	owners := map[uint32]translate.Token{}
	for _, one := range all {
		if one.uid == 0 {
			tell("a session did not see its own message after OK and NOOP (it saw %d others)", len(one.seen))
			continue
		}
		if one.answered != 0 && one.answered != one.uid {
			tell("a message has the UID %d, but APPEND was answered with %d", one.uid, one.answered)
		}
		if _, twice := owners[one.uid]; twice {
			tell("two messages have the UID %d", one.uid)
		}
		owners[one.uid] = one.token
		if one.uid <= one.before {
			tell("a message that was appended after UID %d was known has the UID %d", one.before, one.uid)
		}
		for _, uid := range last {
			if _, saw := slices.BinarySearch(one.seen, uid); uid < one.uid && !saw {
				tell("a session that saw its own message with the UID %d did not see UID %d, which is there", one.uid, uid)
			}
		}
		if _, there := slices.BinarySearch(last, one.uid); !there {
			tell("the message with the UID %d is gone or has another UID now", one.uid)
		}
	}
	if len(last) != len(all) {
		tell("%d messages are there of %d that were appended", len(last), len(all))
	}
	return broken
}
