package imapstore_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
)

// checkMailboxes makes, lists, looks at and deletes mailboxes with names of every kind.
func checkMailboxes(t *testing.T, b *backends.Server) {
	s := login(t, open(t, b), newUser(b))
	names := []string{"Calendar", "Calendar/Arbeit", "Calendar/Büro & Co", `Calendar/` + imapstore.EncodeLevel(`a.b "c" \ 100%* <x>/=y~`), "Calendar/日历"}
	for _, n := range names {
		create(t, s, n)
		wantKind(t, s.Create(t.Context(), n), imapstore.Exists)
	}
	for _, status := range []bool{false, true} {
		list, err := s.List(t.Context(), status)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(list, func(a, b imapstore.Listed) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("not sorted: %v", list)
		}
		for _, n := range names {
			i := slices.IndexFunc(list, func(l imapstore.Listed) bool { return l.Name == n })
			if i < 0 {
				t.Fatalf("%q is not in %v", n, list)
			}
			if list[i].HasStatus != status || (status && (list[i].UIDNext == 0 || list[i].UIDValidity == 0)) {
				t.Errorf("status %v: %+v", status, list[i])
			}
		}
		if !slices.ContainsFunc(list, func(l imapstore.Listed) bool { return l.Name == "INBOX" }) {
			t.Errorf("INBOX is not in %v", list)
		}
	}
	for _, n := range names {
		l := look(t, s, n)
		st, err := s.Status(t.Context(), n)
		if err != nil || st != l.Mailbox {
			t.Errorf("%q: look %+v, status %+v, %v", n, l, st, err)
		}
	}
	slices.Reverse(names)
	for _, n := range names {
		look(t, s, n) // selected while it is deleted
		if err := s.Delete(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		wantKind(t, s.Delete(t.Context(), n), imapstore.NotFound)
		_, err := s.Look(t.Context(), n)
		wantKind(t, err, imapstore.NotFound)
		_, err = s.Status(t.Context(), n)
		wantKind(t, err, imapstore.NotFound)
		_, err = s.Append(t.Context(), n, message(1), soon())
		wantKind(t, err, imapstore.NotFound)
	}
	for _, n := range []string{"", "a//b", "/a", "a\x00b", "a\r\nb", "\xff"} {
		_, err := s.Look(t.Context(), n)
		wantKind(t, err, imapstore.NotFound)
		wantKind(t, s.Create(t.Context(), n), imapstore.Denied)
	}
}

// checkLog appends, reads and expunges as the storage protocol does.
func checkLog(t *testing.T, b *backends.Server) {
	s := login(t, open(t, b), newUser(b))
	create(t, s, "Calendar")
	first := look(t, s, "Calendar")
	if first.Messages != 0 || len(uids(t, s, "Calendar")) != 0 {
		t.Fatalf("new mailbox: %+v", first)
	}
	large := imapstore.Outgoing{Octets: slices.Concat(message(2).Octets, bytes.Repeat([]byte("äöü 0123456789 {5}\r\n"), 5000))}
	odd := imapstore.Outgoing{Octets: []byte("X-Calgate-Name: n3\r\n\r\n* 1 EXPUNGE\r\nW1 OK {3}\r\n)\r\n")}
	var at []uint32
	for _, m := range []imapstore.Outgoing{message(1), large, odd} {
		before := look(t, s, "Calendar")
		a := add(t, s, "Calendar", m)
		now := look(t, s, "Calendar")
		if a.UID != before.UIDNext || a.UIDValidity != first.UIDValidity || now.UIDNext != a.UID+1 || now.Messages != before.Messages+1 {
			t.Fatalf("before %+v, appended %+v, now %+v", before, a, now)
		}
		at = append(at, a.UID)
	}
	if got := uids(t, s, "Calendar"); !slices.Equal(got, at) {
		t.Fatalf("UIDs %v, want %v", got, at)
	}
	h := headers(t, s, "Calendar", append([]uint32{0, 77777}, at...))
	if len(h) != 3 || h[at[0]] != "n1" || h[at[1]] != "n2" || h[at[2]] != "n3" {
		t.Errorf("headers %v", h)
	}
	m := bodies(t, s, "Calendar", []uint32{at[2], at[0], at[1], 4711})
	if len(m) != 3 || m[at[0]] != string(message(1).Octets) || m[at[1]] != string(large.Octets) || m[at[2]] != string(odd.Octets) {
		t.Errorf("%d messages, or others than were stored", len(m))
	}
	if err := s.Flag(t.Context(), "Calendar", at[:1], []string{`\Deleted`}, []string{`\Seen`}); err != nil {
		t.Fatal(err)
	}
	for f, err := range s.Fields(t.Context(), "Calendar", at, []string{"Date"}) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Deleted != (f.UID == at[0]) || f.Seen {
			t.Errorf("flags of %d: %+v", f.UID, f)
		}
	}
	if err := s.Expunge(t.Context(), "Calendar", at[1:2]); err != nil {
		t.Fatal(err)
	}
	l := look(t, s, "Calendar")
	if got := uids(t, s, "Calendar"); l.Messages != 2 || l.UIDNext != at[2]+1 || !slices.Equal(got, []uint32{at[0], at[2]}) {
		t.Errorf("after the expunge: %+v, %v", l, got)
	}
	// the newest one goes: UIDNEXT must not follow
	if err := s.Expunge(t.Context(), "Calendar", at[2:]); err != nil {
		t.Fatal(err)
	}
	if l := look(t, s, "Calendar"); l.Messages != 1 || l.UIDNext != at[2]+1 {
		t.Errorf("after the second expunge: %+v", l)
	}
	if l2 := look(t, s, "Calendar"); l2.Mailbox != look(t, s, "Calendar").Mailbox {
		t.Errorf("nothing changed, and yet %+v", l2)
	}
}

// checkFreshness pins what the storage protocol leans on: a Look sees everything that another session was told to be done.
func checkFreshness(t *testing.T, b *backends.Server) {
	store := open(t, b)
	user := newUser(b)
	a, o := login(t, store, user), login(t, store, user)
	create(t, a, "Calendar")
	for i := range 50 {
		look(t, a, "Calendar")
		switch i % 5 {
		case 0, 1, 2:
			add(t, o, "Calendar", message(i))
		case 3: // the newest one comes and goes
			u := add(t, o, "Calendar", message(i))
			if err := o.Expunge(t.Context(), "Calendar", []uint32{u.UID}); err != nil {
				t.Fatal(err)
			}
		case 4: // both at once
			add(t, a, "Calendar", message(i))
			add(t, o, "Calendar", message(i))
		}
		st, err := o.Status(t.Context(), "Calendar")
		if err != nil {
			t.Fatal(err)
		}
		l := look(t, a, "Calendar")
		came := i%5 == 3 // and went: no server must tell
		if l.Mailbox != st && !(came && l.Messages == st.Messages && l.UIDNext == st.UIDNext-1) {
			t.Fatalf("round %d: look %+v, status elsewhere %+v", i, l, st)
		}
		if n := len(uids(t, a, "Calendar")); n != int(l.Messages) {
			t.Fatalf("round %d: %d UIDs of %d", i, n, l.Messages)
		}
		if h := headers(t, a, "Calendar", uids(t, a, "Calendar")); len(h) != int(l.Messages) {
			t.Fatalf("round %d: %d rows of %d", i, len(h), l.Messages)
		}
		own, err := a.Status(t.Context(), "Calendar") // of the selected mailbox
		if err != nil || own != st {
			t.Fatalf("round %d: status of the selected mailbox %+v, elsewhere %+v, %v", i, own, st, err)
		}
		if l := look(t, a, "Calendar"); l.Mailbox != st {
			t.Fatalf("round %d: look after a status %+v, status %+v", i, l, st)
		}
	}
}

// checkTripleNamesTheSet lets several sessions write and expunge while others look: one triple must always mean the same UIDs.
func checkTripleNamesTheSet(t *testing.T, b *backends.Server) {
	store := open(t, b)
	user := newUser(b)
	setup := login(t, store, user)
	create(t, setup, "Calendar")
	setup.Release()
	type seen struct {
		triple imapstore.Mailbox
		uids   []uint32
	}
	results := make(chan []seen)
	for w := range 3 {
		go func() {
			var got []seen
			defer func() { results <- got }()
			s, err := store.Login(t.Context(), user, backends.Password(user))
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Release()
			for i := range 60 {
				a, err := s.Append(t.Context(), "Calendar", message(w*1000+i), soon())
				if err != nil {
					t.Error(err)
					return
				}
				l, err := s.Look(t.Context(), "Calendar")
				if imapstore.IsKind(err, imapstore.Unavailable) && s.Usable() {
					continue // the others were faster than a look, and it says so
				}
				if err != nil {
					t.Error(err)
					return
				}
				u, err := s.UIDs(t.Context(), "Calendar")
				if err != nil {
					t.Error(err)
					return
				}
				if !slices.Contains(u, a.UID) {
					t.Errorf("own message %d is not in %v", a.UID, u)
				}
				if len(u) == int(l.Messages) {
					got = append(got, seen{l.Mailbox, u})
				}
				if i%3 == 0 {
					if err := s.Expunge(t.Context(), "Calendar", []uint32{a.UID}); err != nil {
						t.Error(err)
						return
					}
				}
			}
		}()
	}
	sets := map[imapstore.Mailbox][]uint32{}
	for range 3 {
		got := <-results
		if len(got) < 20 {
			t.Errorf("only %d looks were settled", len(got))
		}
		for _, g := range got {
			if old, ok := sets[g.triple]; ok && !slices.Equal(old, g.uids) {
				t.Errorf("%+v means %v and %v", g.triple, old, g.uids)
			}
			sets[g.triple] = g.uids
			if n := len(g.uids); n > 0 && g.uids[n-1] >= g.triple.UIDNext {
				t.Errorf("%+v has %v", g.triple, g.uids)
			}
		}
	}
}

// checkAppendAll stores many messages at once where the server can.
func checkAppendAll(t *testing.T, b *backends.Server) {
	s := login(t, open(t, b), newUser(b))
	create(t, s, "Calendar")
	before := look(t, s, "Calendar")
	ms := []imapstore.Outgoing{message(1), {Octets: bytes.Repeat([]byte("X-Long: 1\r\n"), 20000)}, message(3), message(4)}
	ms[1].Octets = append(ms[1].Octets, "\r\n\r\n"...)
	err := s.AppendAll(t.Context(), "Calendar", len(ms), func(i int) imapstore.Outgoing { return ms[i] }, soon())
	if !s.Caps().MultiAppend {
		wantKind(t, err, imapstore.Unsupported)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	l := look(t, s, "Calendar")
	if l.Messages != 4 || l.UIDNext != before.UIDNext+4 {
		t.Errorf("before %+v, now %+v", before, l)
	}
	if got := bodies(t, s, "Calendar", uids(t, s, "Calendar")); got[before.UIDNext+1] != string(ms[1].Octets) {
		t.Errorf("second of %d messages differs", len(got))
	}
}

// checkRights reads MYRIGHTS where there is ACL.
func checkRights(t *testing.T, b *backends.Server) {
	s := login(t, open(t, b), newUser(b))
	create(t, s, "Calendar")
	l := look(t, s, "Calendar")
	r, ok, err := s.Rights(t.Context(), "Calendar")
	if err != nil || ok != l.HasRights || r != l.Rights || ok != s.Caps().ACL {
		t.Errorf("rights %q %v %v, look %+v", r, ok, err, l)
	}
	for _, right := range "lriwte" {
		if ok && !strings.ContainsRune(r, right) {
			t.Errorf("own mailbox lacks %c: %q", right, r)
		}
	}
	if _, _, err := s.Rights(t.Context(), "Nowhere"); err != nil { // Dovecot says what one would have
		wantKind(t, err, imapstore.NotFound)
	}
}

// checkDeadline says TooLate before anything is written when the time has passed.
func checkDeadline(t *testing.T, b *backends.Server) {
	s := login(t, open(t, b), newUser(b))
	create(t, s, "Calendar")
	_, err := s.Append(t.Context(), "Calendar", message(1), time.Now().Add(-time.Second))
	wantKind(t, err, imapstore.TooLate)
	if l := look(t, s, "Calendar"); l.Messages != 0 {
		t.Errorf("%+v after an APPEND that was too late", l)
	}
}

// TestQuota is told as such, also where the server gives no reason, and stores nothing. What is refused while there is room is
// not over quota.
func TestQuota(t *testing.T) {
	t.Parallel()
	large := func(int) imapstore.Outgoing {
		return imapstore.Outgoing{Octets: bytes.Repeat([]byte("a: b\r\n"), 2500)}
	} // 15 of 20 KiB
	backends.OnEach(t, backends.Options{Quota: "*:storage=20K"}, func(t *testing.T, b *backends.Server) {
		user := newUser(b)
		s := login(t, open(t, b), user)
		create(t, s, "Calendar")
		if err := s.AppendAll(t.Context(), "Calendar", 2, large, soon()); s.Caps().MultiAppend || !imapstore.IsKind(err, imapstore.Unsupported) {
			wantKind(t, err, imapstore.OverQuota)
		}
		if l := look(t, s, "Calendar"); l.Messages != 0 {
			t.Errorf("%+v", l)
		}
		wire := faulty.New(t, b.Addr)
		wire.Set(faulty.Fault{Command: "^APPEND", Refuse: "NO System I/O error"})
		_, err := login(t, openAt(t, wire.URL()), user).Append(t.Context(), "Calendar", message(1), soon())
		wantKind(t, err, imapstore.Bad)
		add(t, s, "Calendar", large(0))
		_, err = s.Append(t.Context(), "Calendar", large(0), soon())
		wantKind(t, err, imapstore.OverQuota)
		add(t, s, "Calendar", message(2))
	})
}

// checkStatusOfSelected: STATUS of the mailbox that the session has selected tells what another session was told to be done,
// without a look before it.
func checkStatusOfSelected(t *testing.T, b *backends.Server) {
	store := open(t, b)
	user := newUser(b)
	a, o := login(t, store, user), login(t, store, user)
	create(t, a, "Calendar")
	look(t, a, "Calendar")
	for i := range 3 {
		add(t, o, "Calendar", message(i))
		listed, err := a.List(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range listed {
			if l.Name == "Calendar" && (!l.HasStatus || l.Messages != uint32(2*i+1)) {
				t.Errorf("LIST with STATUS shows %+v after %d", l, 2*i+1)
			}
		}
		add(t, o, "Calendar", message(i))
		if st, err := a.Status(t.Context(), "Calendar"); err != nil || st.Messages != uint32(2*i+2) {
			t.Errorf("STATUS %+v %v after %d", st, err, 2*i+2)
		}
	}
}

// checkRenamedFolder: a session that has a mailbox selected which was renamed elsewhere finds nothing under the old name, also
// where the server does not tell, and what is there where another one took the name.
func checkRenamedFolder(t *testing.T, b *backends.Server) {
	for _, messages := range []int{0, 2} {
		store := open(t, b)
		user := newUser(b)
		mover, o, p := login(t, store, user), login(t, store, user), login(t, store, user)
		create(t, mover, "Calendar")
		for i := range messages {
			add(t, mover, "Calendar", message(i))
		}
		look(t, o, "Calendar")
		look(t, p, "Calendar")
		if err := mover.Rename(t.Context(), "Calendar", "Tasks"); err != nil {
			t.Fatal(err)
		}
		_, err := o.Look(t.Context(), "Calendar")
		for try := 0; try < 2 && imapstore.IsKind(err, imapstore.Unavailable); try++ { // Dovecot ends the session
			o.Release()
			o = login(t, store, user)
			_, err = o.Look(t.Context(), "Calendar")
		}
		wantKind(t, err, imapstore.NotFound)
		if l := look(t, o, "Tasks"); int(l.Messages) != messages {
			t.Errorf("%+v, want %d messages", l, messages)
		}
		if dovecot := strings.HasPrefix(b.Name, "dovecot"); dovecot && messages == 0 || strings.HasPrefix(b.Name, "dovecot-sdbox") {
			// An empty one whose index files were replaced under it may stay empty for a session that knew it; on sdbox such a
			// session can also take the new log for a broken old one ("Corrupted transaction log file"), and nothing but the
			// index knows what is there.
			continue
		}
		create(t, mover, "Calendar")
		add(t, mover, "Calendar", message(7))
		l, err := p.Look(t.Context(), "Calendar")
		if imapstore.IsKind(err, imapstore.Unavailable) {
			p.Release()
			l = look(t, login(t, store, user), "Calendar")
		} else if err != nil {
			t.Fatal(err)
		}
		if l.Messages != 1 {
			t.Errorf("of the new mailbox %+v is seen", l)
		}
	}
}

// checkReplacedFolder: after the mailbox was deleted and made again nothing of it may be touched with old UIDs.
func checkReplacedFolder(t *testing.T, b *backends.Server) {
	store := open(t, b)
	user := newUser(b)
	a, o := login(t, store, user), login(t, store, user)
	create(t, a, "Calendar")
	u := add(t, a, "Calendar", message(1))
	look(t, a, "Calendar")
	create(t, a, "Other")
	look(t, a, "Other") // leaves Calendar
	if err := o.Delete(t.Context(), "Calendar"); err != nil {
		t.Fatal(err)
	}
	create(t, o, "Calendar")
	now := add(t, o, "Calendar", message(2))
	if now.UIDValidity == u.UIDValidity {
		t.Skip("this server reuses UIDVALIDITY")
	}
	wantKind(t, a.Expunge(t.Context(), "Calendar", []uint32{u.UID}), imapstore.Unavailable)
	if l := look(t, o, "Calendar"); l.Messages != 1 {
		t.Errorf("%+v: the new message was expunged", l)
	}
}
