package test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"calgate/test/backends"
)

// fleetMail is a mail program in the calendar's folder: it brings objects by mail, flags, copies and expunges them, and never
// touches what the gateways wrote.
type fleetMail struct {
	t      testing.TB
	h      *history
	rand   *rand.Rand
	c      *imapclient.Client
	folder string
	next   int
	acts   int
	copies map[string]imap.UIDSet // by value
	seen   map[string]int64       // when these were what there is
	gone   map[string]imap.UIDSet // the same of what it expunged
}

// newFleetMail logs in, past all wires that break.
func newFleetMail(f *fleet) *fleetMail {
	c, err := backends.Dial(f.server.Addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	m := &fleetMail{t: f.t, h: f.h, rand: rand.New(rand.NewPCG(f.rand.Uint64(), 0)), c: c, folder: f.store.name("Calendar"), copies: map[string]imap.UIDSet{}, seen: map[string]int64{}, gone: map[string]imap.UIDSet{}}
	if err := c.Login(f.client.user, f.client.secret).Wait(); err != nil {
		f.t.Fatal(err)
	}
	if _, err := c.Select(m.folder, nil).Wait(); err != nil {
		f.t.Fatal(err)
	}
	return m
}

// run works until the context ends, and expunges nothing more from when calm is closed, which it does itself, after the first
// expunge and half of this time: an expunge may make a sync-token worthless, and then a client can follow one.
func (m *fleetMail) run(ctx context.Context, long time.Duration, calm chan<- struct{}) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	expunges := true
	for {
		select {
		case <-ctx.Done():
			for value := range m.copies {
				if err := m.recheck(value, false); err != nil {
					m.t.Errorf("the mail program: %v", err)
				}
			}
			return
		case <-tick.C:
		}
		if expunges && len(m.gone) > 0 && time.Since(m.h.begin) > long/2 {
			expunges = false
			close(calm)
		}
		did, err := m.act(expunges)
		if err != nil {
			m.t.Errorf("the mail program: %v", err)
			return
		}
		m.h.count(did)
	}
}

// mailActs come round. The expunge is early: where others hold the lock of a folder, one act may take a second.
var mailActs = []string{"mail appended", "mail appended", "mail expunged", "mail copied", "mail flagged"}

// act does the next of these, and says which.
func (m *fleetMail) act(expunges bool) (string, error) {
	if err := m.c.Noop().Wait(); err != nil { // Courier shows a session its own copies only then
		return "", err
	}
	did := mailActs[m.acts%len(mailActs)]
	m.acts++
	values := slices.Sorted(maps.Keys(m.copies))
	switch {
	case len(values) == 0:
		did = "mail appended"
	case did == "mail appended" && len(values) >= 20, did == "mail expunged" && !expunges:
		did = "mail flagged"
	}
	if did == "mail appended" {
		return did, m.append()
	}
	value := values[m.rand.IntN(len(values))]
	if err := m.recheck(value, false); err != nil { // what will be expunged, too: a token may have been refused before
		return did, err
	}
	uids := m.copies[value]
	switch did {
	case "mail flagged":
		flags := []imap.Flag{imap.FlagFlagged, imap.FlagAnswered, imap.FlagSeen}
		return did, m.c.Store(uids, &imap.StoreFlags{Op: []imap.StoreFlagsOp{imap.StoreFlagsAdd, imap.StoreFlagsDel}[m.rand.IntN(2)], Silent: true,
			Flags: flags[m.rand.IntN(3):]}, nil).Close()
	case "mail copied":
		_, err := m.c.Copy(uids, m.folder).Wait()
		if err == nil {
			err = m.recheck(value, true)
		}
		return did, err
	}
	delete(m.copies, value)
	m.gone[value] = uids
	m.h.mailed(value, func(v *mailed) { v.expunging = m.h.now() })
	err := m.expunge(value)
	m.h.mailed(value, func(v *mailed) { v.gone = m.h.now() })
	return did, err
}

// recheck finds the copies of a value again. Other ones than before, where it made none, were numbered anew by the server.
func (m *fleetMail) recheck(value string, made bool) error {
	found, err := m.search(value)
	if err != nil {
		return err
	}
	uids, now := imap.UIDSetNum(found...), m.h.now()
	if known, ok := m.copies[value]; ok && !made && known.String() != uids.String() {
		m.h.renumber(m.seen[value], now)
	}
	m.copies[value], m.seen[value] = uids, now
	return nil
}

// expunge looks whether it has happened: that a server says OK proves nothing while others work in the folder.
func (m *fleetMail) expunge(value string) error {
	for range 20 {
		found, err := m.search(value)
		if err != nil || len(found) == 0 {
			return err
		}
		uids := imap.UIDSetNum(found...)
		if err := m.c.Store(uids, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
			return err
		}
		if err := m.c.UIDExpunge(uids).Close(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s cannot be expunged", value)
}

// search finds all copies of a value. Courier does not name all of them in COPYUID while others append.
func (m *fleetMail) search(value string) ([]imap.UID, error) {
	if err := m.c.Noop().Wait(); err != nil {
		return nil, err
	}
	found, err := m.c.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: "<" + value + ">"}}}, nil).Wait()
	if err != nil {
		return nil, err
	}
	return found.AllUIDs(), nil
}

func (m *fleetMail) append() error {
	m.next++
	value := fmt.Sprintf("mail-%d", m.next)
	message := []byte("From: x@example.com\r\nSubject: <" + value + ">\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\n" + displaced(value))
	data, err := appendTo(m.c, m.folder, message)
	if err != nil {
		return err
	}
	m.copies[value], m.seen[value] = imap.UIDSetNum(data.UID), m.h.now()
	m.h.mailed(value, func(v *mailed) { v.there = m.h.now() })
	return nil
}

// about tells what the folder holds of a value, for people.
func (m *fleetMail) about(value string) string {
	found, err := m.search(value)
	return fmt.Sprintf("%s: known and expunged were %v, there is %v %v", value, m.gone[value], found, err)
}

// left are the values of what it brought and did not expunge.
func (m *fleetMail) left() []string { return slices.Sorted(maps.Keys(m.copies)) }
