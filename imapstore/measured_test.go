package imapstore_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"calgate/imapstore"
	"calgate/test/backends"
	"calgate/test/faulty"
)

// checkTornSnapshot expunges between the list of UIDs and the fetch of their header fields. A row of what is gone may be
// missing, empty or whole, never half; the next look misses it.
func checkTornSnapshot(t *testing.T, b *backends.Server) {
	store := open(t, b)
	user := newUser(b)
	a, o := login(t, store, user), login(t, store, user)
	create(t, a, "Calendar")
	var all []uint32
	for i := range 5 {
		all = append(all, add(t, o, "Calendar", message(i)).UID)
	}
	look(t, a, "Calendar")
	if got := uids(t, a, "Calendar"); !slices.Equal(got, all) {
		t.Fatalf("UIDs %v, want %v", got, all)
	}
	gone := []uint32{all[1], all[3]}
	if err := o.Expunge(t.Context(), "Calendar", gone); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for f, err := range a.Fields(t.Context(), "Calendar", all, []string{"X-Calgate-Name", "Date"}) {
		if err != nil {
			t.Fatal(err)
		}
		header := strings.TrimSpace(string(f.Header))
		whole := strings.Contains(header, "X-Calgate-Name: n") && strings.Contains(header, "Date: Wed, 25 Nov 2026")
		if !whole && (header != "" || !slices.Contains(gone, f.UID)) {
			t.Errorf("row %d is %q", f.UID, f.Header)
		}
		rows++
	}
	t.Logf("%s gives %d rows of 5", b.Name, rows)
	for _, err := range a.Messages(t.Context(), "Calendar", all) {
		if err != nil {
			t.Fatal(err)
		}
	}
	l := look(t, a, "Calendar")
	left := []uint32{all[0], all[2], all[4]}
	if got := uids(t, a, "Calendar"); l.Messages != 3 || !slices.Equal(got, left) || len(headers(t, a, "Calendar", got)) != 3 {
		t.Errorf("the next look: %+v, %v", l, got)
	}
}

// checkDeletedElsewhere deletes a mailbox that another session has selected. Dovecot and Cyrus end that session, Courier goes on
// showing it what was there: a look must see that it is gone. The embedded store does as Courier, and has no MYRIGHTS that
// would tell.
func checkDeletedElsewhere(t *testing.T, b *backends.Server) {
	if b.Name == "memory" {
		t.Skip("the embedded store has one gateway, which lets go of what it deletes")
	}
	user := newUser(b)
	a, o := login(t, open(t, b), user), login(t, open(t, b), user)
	create(t, a, "Calendar")
	add(t, a, "Calendar", message(1))
	look(t, a, "Calendar")
	if err := o.Delete(t.Context(), "Calendar"); err != nil {
		t.Fatal(err)
	}
	_, err := a.Look(t.Context(), "Calendar")
	if imapstore.IsKind(err, imapstore.Unavailable) { // the session was ended; a new one sees it
		a = login(t, open(t, b), user)
		_, err = a.Look(t.Context(), "Calendar")
	}
	wantKind(t, err, imapstore.NotFound)
}

// checkCutAppend cuts the connection in an APPEND: without its last octets nothing is stored, of a MULTIAPPEND no message; with
// them all is, though nobody hears the answer.
func checkCutAppend(t *testing.T, b *backends.Server) {
	user := newUser(b)
	s := login(t, open(t, b), user)
	create(t, s, "Calendar")
	if b.Name == "memory" {
		t.Skip("the embedded store keeps half a literal")
	}
	real := "Calendar"
	if strings.HasSuffix(b.Name, "dotted") || b.Name == "courier" {
		real = "INBOX.Calendar"
	}
	const text = "A: b\r\n\r\nxx\r\n"
	say := func(last string, messages int) {
		t.Helper()
		x := speak(t, b, user)
		for i := range messages {
			begin := " {12}\r\n"
			if i == 0 {
				begin = "x1 APPEND " + real + begin
			}
			io.WriteString(x.conn, begin)
			if l := x.line(); !strings.HasPrefix(l, "+") {
				t.Fatalf("literal %d: %s", i, l)
			}
			if i == messages-1 {
				io.WriteString(x.conn, last)
			} else {
				io.WriteString(x.conn, text)
			}
		}
		x.conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, x.br) // until the server has done with it
		x.conn.Close()
	}
	want := uint32(0)
	check := func(what string) {
		t.Helper()
		if l := look(t, s, "Calendar"); l.Messages != want {
			t.Errorf("%s: %d messages, want %d", what, l.Messages, want)
		}
	}
	say(text[:7], 1)
	check("half a literal")
	say(text[:11], 1)
	check("all but an octet")
	if s.Caps().MultiAppend {
		say(text[:7], 3)
		check("two messages and a half")
		say(text+"\r\n", 3)
		want = 3
		check("three messages and no answer")
	}
	say(text+"\r\n", 1)
	want++
	check("all, and no answer")
}

// TestStoreWithoutRights: Dovecot and Courier answer OK to a STORE without the right, Dovecot to UID EXPUNGE too, and do
// nothing; Cyrus says NO. Nobody may take the OK for anything.
func TestStoreWithoutRights(t *testing.T) {
	for _, s := range sharing {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := s.start(t)
			calendar := s.prefix + "Calendar"
			raw(t, b, "alice", "CREATE "+calendar, "SETACL "+calendar+" bob lri")
			store := open(t, b)
			alice, bob := login(t, store, "alice"), login(t, store, "bob")
			uid := add(t, alice, "Calendar", message(1)).UID
			look(t, bob, "~alice/Calendar")
			for what, err := range map[string]error{
				"STORE":   bob.Flag(t.Context(), "~alice/Calendar", []uint32{uid}, []string{`\Deleted`}, nil),
				"EXPUNGE": bob.Expunge(t.Context(), "~alice/Calendar", []uint32{uid}),
			} {
				honest := strings.HasPrefix(s.name, "cyrus") || s.name == "courier" && what == "EXPUNGE"
				if (err != nil) != honest {
					t.Errorf("%s is answered %v", what, err)
				}
			}
			look(t, alice, "Calendar")
			for f, err := range alice.Fields(t.Context(), "Calendar", []uint32{uid}, []string{"Date"}) {
				if err != nil || f.Deleted {
					t.Errorf("afterwards: %+v, %v", f, err)
				}
			}
			if l := look(t, alice, "Calendar"); l.Messages != 1 {
				t.Errorf("afterwards: %+v", l)
			}
		})
	}
}

// TestLoginPenalty: a server delays every login from an address after a wrong password, so that one program with an old one
// would slow everybody down. It is asked once.
func TestLoginPenalty(t *testing.T) {
	t.Parallel()
	b := backends.Dovecot(t, backends.Options{})
	user := newUser(b)
	p := faulty.New(t, b.Addr)
	store := openAt(t, p.URL())
	logins := func() (n int) {
		for _, c := range p.Commands() {
			if c == "AUTHENTICATE" || c == "LOGIN" {
				n++
			}
		}
		return n
	}
	for range 5 {
		_, err := store.Login(t.Context(), user, "old")
		wantKind(t, err, imapstore.BadCredentials)
	}
	if n := logins(); n != 1 {
		t.Errorf("a wrong password was sent %d times", n)
	}
	login(t, store, user)
	if n := logins(); n != 2 {
		t.Errorf("%d logins, want the wrong and the right one", n)
	}
}

// TestCourierPins holds what was measured on Courier 5.0: no UIDNEXT in SELECT, nothing new in a selected mailbox, not even
// what the session appended itself, before a NOOP, and everything behind one in the same write.
func TestCourierPins(t *testing.T) {
	b := backends.Courier(t, backends.Options{})
	a, o := speak(t, b, "alice"), speak(t, b, "alice")
	offered := strings.Fields(strings.Join(a.do("CAPABILITY"), " "))
	for _, lacks := range []string{"LITERAL+", "LITERAL-", "MULTIAPPEND", "CONDSTORE", "LIST-EXTENDED", "LIST-STATUS", "UNSELECT", "METADATA"} {
		if slices.Contains(offered, lacks) {
			t.Errorf("it offers %s now", lacks)
		}
	}
	a.do("CREATE INBOX.Box")
	if got := a.do("SELECT INBOX.Box"); find(got, "* OK [UIDNEXT") >= 0 || find(got, "* OK [UIDVALIDITY") < 0 {
		t.Errorf("SELECT: %q", got)
	}
	add := func(s *speaker) {
		s.conn.Write([]byte("x1 APPEND INBOX.Box {12}\r\n")) // the literal is synchronising
		s.line()
		s.conn.Write([]byte("A: b\r\n\r\nxx\r\n\r\n"))
		for !strings.HasPrefix(s.line(), "x1 OK") {
		}
	}
	add(o)
	add(a)
	if got := a.do("UID FETCH 1:* (UID)"); find(got, "* 1 FETCH") >= 0 {
		t.Errorf("FETCH before NOOP: %q", got)
	}
	if got := o.do("STATUS INBOX.Box (MESSAGES UIDNEXT)"); find(got, "* STATUS \"INBOX.Box\" (MESSAGES 2 UIDNEXT 3)") < 0 {
		t.Errorf("STATUS: %q", got)
	}
	if got := a.do("NOOP", "UID FETCH 1:* (UID)"); find(got, "* 2 FETCH") < 0 {
		t.Errorf("NOOP and FETCH in one write: %q", got)
	}
}

// TestCyrusPins holds what was measured on Cyrus 3.6: NOOP and FETCH in one write, and FETCH and SEARCH alone, see what is new;
// any command tells of it; octets beyond ASCII in a header do not stay, so that all of calgate's are ASCII.
func TestCyrusPins(t *testing.T) {
	b := backends.Cyrus(t, backends.Options{})
	a, o := speak(t, b, "alice"), speak(t, b, "alice")
	a.do("CREATE Box")
	a.do("SELECT Box")
	o.do("APPEND Box {12+}\r\nA: b\r\n\r\nxx\r\n")
	if got := a.do("NOOP", "UID FETCH 1:* (UID)"); find(got, "* 1 FETCH") < 0 {
		t.Errorf("NOOP and FETCH in one write: %q", got)
	}
	o.do("APPEND Box {14+}\r\nA: \xc3\xa4\r\n\r\nxxx\r\n")
	if got := strings.Join(a.do("UID FETCH 2 (BODY.PEEK[HEADER.FIELDS (A)])"), "\n"); !strings.Contains(got, "* 2 FETCH") || strings.Contains(got, "\xc3\xa4") {
		t.Errorf("a header beyond ASCII: %q", got)
	}
	o.do("APPEND Box {12+}\r\nA: b\r\n\r\nxx\r\n")
	if got := a.do("MYRIGHTS Box"); find(got, "* 3 EXISTS") < 0 {
		t.Errorf("MYRIGHTS: %q", got)
	}
	o.do("APPEND Box {12+}\r\nA: b\r\n\r\nxx\r\n")
	if got := strings.Join(a.do("UID SEARCH RETURN (ALL) ALL"), "\n"); !strings.Contains(got, "UID ALL 1:4") {
		t.Errorf("SEARCH: %q", got)
	}
}
