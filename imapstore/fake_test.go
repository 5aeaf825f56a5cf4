package imapstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"calgate/imapstore"
)

// fake is a mail server that is meaner than any real one: it writes octet by octet, says what nobody asked, has few
// capabilities, and ends connections in the middle.
type fake struct {
	greeting string                                                 // "" = "* OK hello"
	caps     string                                                 // after IMAP4rev1
	noise    string                                                 // said before each answer
	cutAfter int                                                    // octets of output until the connection ends; 0 = never
	cutOnce  bool                                                   // the first connection only
	answers  map[string]func(f *fakeConn, tag, command string) bool // by first word, in place of what fake does itself

	mu    sync.Mutex // guards what follows
	conns int
	seen  []string // commands of all connections, without tags
}

type fakeConn struct {
	*fake
	net.Conn
	br   *bufio.Reader
	cut  bool
	left int
}

const fakeUIDs = "* SEARCH 4  5 9\r\n"

// store makes a store on the fake, with short times.
func (f *fake) store(t testing.TB, change ...func(*imapstore.Options)) *imapstore.Store {
	t.Helper()
	var wg sync.WaitGroup
	o := imapstore.Options{
		Security: imapstore.Cleartext, CommandTimeout: 5 * time.Second, Wait: 50 * time.Millisecond,
		Dial: func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			f.mu.Lock()
			f.conns++
			cut := f.cutAfter
			if f.cutOnce && f.conns > 1 {
				cut = 0
			}
			f.mu.Unlock()
			wg.Go(func() { f.serve(theirs, cut) })
			return ours, nil
		},
	}
	for _, c := range change {
		c(&o)
	}
	s := imapstore.New(o)
	t.Cleanup(func() { s.Close(); wg.Wait() })
	return s
}

func (f *fake) commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.seen...)
}

func (f *fake) serve(c net.Conn, cut int) {
	defer c.Close()
	x := &fakeConn{fake: f, Conn: c, br: bufio.NewReader(c), cut: cut > 0, left: cut}
	g := f.greeting
	if g == "" {
		g = "* OK hello"
	}
	if !x.say(g + "\r\n") {
		return
	}
	for {
		line, ok := x.command()
		if !ok {
			return
		}
		tag, command, _ := strings.Cut(line, " ")
		f.mu.Lock()
		f.seen = append(f.seen, command)
		f.mu.Unlock()
		if !x.say(f.noise) {
			return
		}
		name, _, _ := strings.Cut(command, " ")
		name = strings.ToUpper(name)
		if name == "UID" {
			name = "UID " + strings.ToUpper(strings.Fields(command)[1])
		}
		answer := x.standard
		if a, ok := f.answers[name]; ok {
			answer = func(tag, name, command string) bool { return a(x, tag, command) }
		}
		if !answer(tag, name, command) {
			return
		}
	}
}

// say writes octet by octet, but on the sound connection after a cut one; false when the connection is over.
func (x *fakeConn) say(s string) bool {
	if x.cutOnce && !x.cut {
		_, err := io.WriteString(x, s)
		return err == nil
	}
	if x.cut {
		n := min(x.left, len(s))
		x.left -= n
		_, err := io.WriteString(x, s[:n])
		return err == nil && n == len(s)
	}
	for i := range len(s) {
		if _, err := io.WriteString(x, s[i:i+1]); err != nil {
			return false
		}
	}
	return true
}

// command reads a line with its literals.
func (x *fakeConn) command() (string, bool) {
	var b strings.Builder
	for {
		line, err := x.br.ReadString('\n')
		if err != nil {
			return "", false
		}
		line = strings.TrimRight(line, "\r\n")
		b.WriteString(line)
		open := strings.LastIndexByte(line, '{')
		if open < 0 || !strings.HasSuffix(line, "}") {
			return b.String(), true
		}
		digits, plus := strings.CutSuffix(line[open+1:len(line)-1], "+")
		n, err := strconv.Atoi(digits)
		if err != nil || (!plus && !x.say("+ go ahead\r\n")) {
			return "", false
		}
		octets := make([]byte, n)
		if _, err := io.ReadFull(x.br, octets); err != nil {
			return "", false
		}
		b.Write(octets)
	}
}

// standard is what a plain server with one mailbox Box of three messages answers.
func (x *fakeConn) standard(tag, name, command string) bool {
	ok := tag + " OK done {5}\r\n" // a text may end like a literal
	switch name {
	case "CAPABILITY":
		return x.say("* CAPABILITY IMAP4rev1 IMAP4rev2 " + x.caps + "\r\n" + ok)
	case "AUTHENTICATE":
		if len(strings.Fields(command)) > 2 { // an initial response
			return x.say(ok)
		}
		if !x.say("+ please\r\n") {
			return false
		}
		_, err := x.br.ReadString('\n')
		return err == nil && x.say(ok)
	case "LIST":
		if strings.HasSuffix(command, `"" ""`) {
			return x.say("* LIST (\\Noselect) \"/\" \"\"\r\n" + ok)
		}
		return x.say("* LIST (\\HasNoChildren) \"/\" {3}\r\nBox\r\n* LIST () \"/\" &broken\r\n* LIST () \"/\" \"B\xfcro\"\r\n" +
			"* LIST (\\Weird (x) \\NoInferiors) \"/\" inbox\r\n" + "* LIST (\\Marked) \"/\" \"a \\\"b\\\"/c&AOQ-\" (\"X-EXT\" (1 \"2\"))\r\n" + ok)
	case "STATUS":
		return x.say("* STATUS Box (MESSAGES 3 X-NEW (1 {2}\r\nab) UIDNEXT 10 UIDVALIDITY 7)\r\n" + ok)
	case "SELECT", "EXAMINE":
		if !strings.Contains(command, "Box") {
			return x.say(tag + " NO none\r\n")
		}
		return x.say("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* FLAGS ()\r\n" + tag + " OK [READ-WRITE] x\r\n")
	case "UID SEARCH":
		return x.say(fakeUIDs + ok)
	case "LOGOUT":
		x.say("* BYE\r\n" + ok)
		return false
	}
	return x.say(ok)
}

func say(s string) func(*fakeConn, string, string) bool {
	return func(x *fakeConn, tag, _ string) bool { return x.say(strings.ReplaceAll(s, "TAG", tag)) }
}

func fakeLogin(t testing.TB, s *imapstore.Store) *imapstore.Session {
	t.Helper()
	x, err := s.Login(t.Context(), "ann", "secret")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Release)
	return x
}

const noise = "* X-VENDOR 1 (a \"b\" {4}\r\n\r\n)\")\r\n* 2 FETCH (X-GM-MSGID 12 FLAGS (\\Seen $x) EMAILID (M1))\r\n" +
	"* OK [ALERT] the \xe4 disk\r\n* NO [X-ODD {\xff] hm\r\n* OK\r\n* 17 RECENT\r\n* ESEARCH (TAG \"zz\") UID\r\n* ID NIL\r\n"

// fetchRows answers a FETCH in every form that is allowed, and some that are not.
func fetchRows(x *fakeConn, tag, command string) bool {
	rows := "* 1 FETCH (BODY[HEADER.FIELDS (A B)] {6}\r\nA: 1\r\n RFC822.SIZE 10 UID 4 FLAGS (\\Seen \\Deleted) INTERNALDATE \" 2-Jan-2026 03:04:05 +0100\")\r\n" +
		"* 2 FETCH (FLAGS (\\Seen) UID 5)\r\n" + // unasked
		"* 2 FETCH (UID 5 X-NEW (NIL (a {1}\r\n) \"q\\\"\")) FLAGS () INTERNALDATE \"12-Jan-2026 03:04:05 +0100\" RFC822.SIZE 20 BODY[HEADER.FIELDS (\"A\" {3}) ] \"A: \\\"2\\\"\")\r\n" +
		"* 3 FETCH (UID 9 RFC822.SIZE 30 FLAGS () INTERNALDATE \"12-Jan-2026 03:04:05 +0100\" BODY[HEADER.FIELDS (A)] NIL)\r\n" +
		"* 3 FETCH (UID 8 RFC822.SIZE 30 FLAGS () INTERNALDATE \"12-Jan-2026 03:04:05 +0100\" BODY[HEADER.FIELDS (A)] \"\")\r\n" +
		"* 1 FETCH (UID 4 RFC822.SIZE 10 FLAGS () INTERNALDATE \"12-Jan-2026 03:04:05 +0100\" BODY[HEADER.FIELDS (A)] \"twice\")\r\n" +
		tag + " NO [EXPUNGEISSUED] one is gone\r\n"
	if strings.Contains(command, "BODY.PEEK[]") {
		rows = "* 1 FETCH (BODY[] {5}\r\na)\r\n( UID 4)\r\n* 3 FETCH (UID 9 BODY[] NIL)\r\n* 2 FETCH (UID 5 BODY[] \"q\")\r\n" + tag + " OK x\r\n"
	}
	return x.say(rows)
}

// TestMeanServer does everything on a server with nothing but IMAP4rev1 that talks all the time.
func TestMeanServer(t *testing.T) {
	f := &fake{noise: noise, answers: map[string]func(*fakeConn, string, string) bool{"UID FETCH": fetchRows}}
	s := fakeLogin(t, f.store(t))
	list, err := s.List(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(list); len(list) != 3 || list[0].Name != "Box" || list[1].Name != "INBOX" || list[2].Name != `a "b"/cä` || list[0].UIDNext != 10 {
		t.Errorf("list %s", got)
	}
	l := look(t, s, "Box")
	if l.Mailbox != (imapstore.Mailbox{Name: "Box", UIDValidity: 7, UIDNext: 10, Messages: 3}) || l.HasRights {
		t.Errorf("look %+v", l)
	}
	if got := fmt.Sprint(uids(t, s, "Box")); got != "[4 5 9]" {
		t.Errorf("UIDs %s", got)
	}
	var got []string
	for r, err := range s.Fields(t.Context(), "Box", []uint32{9, 5, 4}, []string{"A", "B"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %q %d %v %v %s", r.UID, r.Header, r.Size, r.Deleted, r.Seen, r.InternalDate.UTC().Format(time.DateTime)))
	}
	want := []string{`4 "A: 1\r\n" 10 true true 2026-01-02 02:04:05`, `5 "A: \"2\"" 20 false false 2026-01-12 02:04:05`}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if m := bodies(t, s, "Box", []uint32{4, 5, 9}); len(m) != 2 || m[4] != "a)\r\n(" || m[5] != "q" {
		t.Errorf("messages %v", m)
	}
	if a := add(t, s, "Box", message(1)); a != (imapstore.Appended{}) {
		t.Errorf("APPENDUID %v out of nothing", a)
	}
	wantKind(t, s.Expunge(t.Context(), "Box", []uint32{4}), imapstore.Unsupported)
	if err := s.Flag(t.Context(), "Box", []uint32{4, 5, 9}, []string{`\Deleted`}, []string{`\Seen`}); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "Box"); err != nil {
		t.Error(err)
	}
	all := strings.Join(f.commands(), "\n")
	for _, want := range []string{`LOGIN "ann" "secret"`, `APPEND "Box" (\Seen) {`, `UID STORE 4:5,9 +FLAGS.SILENT (\Deleted)`, `EXAMINE "INBOX"`, "DELETE"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q was not said:\n%s", want, all)
		}
	}
}

// TestSlowMultiAppend: Cyrus says nothing until it has stored all messages of an APPEND; that takes longer than any other
// command may be silent.
func TestSlowMultiAppend(t *testing.T) {
	const limit = time.Second
	f := &fake{caps: "LITERAL+ MULTIAPPEND", answers: fakeAnswers{"APPEND": func(x *fakeConn, tag, command string) bool {
		stored := time.NewTimer(2 * limit)
		<-stored.C
		return x.say(tag + " OK " + fmt.Sprint(len(command)) + "\r\n")
	}}}
	s := fakeLogin(t, f.store(t, func(o *imapstore.Options) { o.CommandTimeout = limit }))
	if err := s.AppendAll(t.Context(), "Box", 1000, func(int) imapstore.Outgoing { return message(1) }, soon()); err != nil {
		t.Error(err)
	}
	_, err := s.Append(t.Context(), "Box", message(1), soon())
	wantKind(t, err, imapstore.Unavailable)
}

// TestCutAtEveryOctet ends the connection after each octet that the server says.
func TestCutAtEveryOctet(t *testing.T) {
	f := &fake{caps: "UIDPLUS", answers: map[string]func(*fakeConn, string, string) bool{"UID FETCH": fetchRows}}
	for n := 1; ; n++ {
		f.cutAfter = n
		store := f.store(t)
		s, err := store.Login(t.Context(), "ann", "secret")
		if err != nil {
			wantKind(t, err, imapstore.Unavailable)
			continue
		}
		err = everything(t, s)
		s.Release()
		store.Close()
		if err == nil {
			break
		}
		wantKind(t, err, imapstore.Unavailable)
		if s.Usable() {
			t.Fatalf("cut after %d octets: usable after %v", n, err)
		}
	}
}

// TestCutInARead ends the first connection after each octet that the server says: what is read is as if it had not, each row
// once.
func TestCutInARead(t *testing.T) {
	said := func(n int) (string, error) {
		f := &fake{cutAfter: n, cutOnce: true, caps: "UIDPLUS", answers: map[string]func(*fakeConn, string, string) bool{"UID FETCH": fetchRows}}
		store := f.store(t)
		defer store.Close()
		s, err := store.Login(t.Context(), "ann", "secret")
		if err != nil {
			return "", err
		}
		defer s.Release()
		list, err := s.List(t.Context(), true)
		if err != nil {
			t.Fatalf("cut after %d octets: LIST: %v", n, err)
		}
		l, u := look(t, s, "Box"), uids(t, s, "Box")
		var rows []uint32
		for r, err := range s.Fields(t.Context(), "Box", []uint32{4, 5, 9}, []string{"A"}) {
			if err != nil {
				t.Fatalf("cut after %d octets: %v", n, err)
			}
			rows = append(rows, r.UID)
		}
		m := bodies(t, s, "Box", []uint32{4, 5, 9})
		f.mu.Lock()
		defer f.mu.Unlock()
		return fmt.Sprint(list, l, u, rows, m, " over ", f.conns), nil
	}
	sound, err := said(0)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(sound, "1") + "2"
	for n := 1; ; n++ {
		got, err := said(n)
		if err != nil {
			wantKind(t, err, imapstore.Unavailable)
			continue
		}
		if got == sound {
			break
		}
		if got != want {
			t.Fatalf("cut after %d octets: %s\nwant %s", n, got, want)
		}
	}
}

func everything(t *testing.T, s *imapstore.Session) error {
	ctx := t.Context()
	if _, err := s.List(ctx, true); err != nil {
		return err
	}
	if _, err := s.Look(ctx, "Box"); err != nil {
		return err
	}
	if _, err := s.UIDs(ctx, "Box"); err != nil {
		return err
	}
	for _, err := range s.Fields(ctx, "Box", []uint32{4, 5, 9}, []string{"A"}) {
		if err != nil {
			return err
		}
	}
	for _, err := range s.Messages(ctx, "Box", []uint32{4, 5, 9}) {
		if err != nil {
			return err
		}
	}
	if _, err := s.Append(ctx, "Box", message(1), soon()); err != nil {
		if e := wantKind(t, err, imapstore.Unavailable); !e.Unknown {
			t.Errorf("outcome of a cut APPEND is not unknown: %v", e)
		}
		return err
	}
	return s.Expunge(ctx, "Box", []uint32{4})
}
