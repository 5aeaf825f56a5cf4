package test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"calgate/test/backends"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// mailStore is the mail store behind the gateway's back, as a mail program sees it.
type mailStore struct {
	t              testing.TB
	address        string
	user, password string
	prefix, delim  string
}

// openMailStore asks the server for its names. Every command then has a connection of its own: what another session has
// selected must not matter.
func openMailStore(t testing.TB, b *backends.Server, user, password string) *mailStore {
	t.Helper()
	m := &mailStore{t: t, address: b.Addr, user: user, password: password, delim: "/"}
	m.do(func(c *imapclient.Client) error {
		ns, err := c.Namespace().Wait()
		if err == nil && len(ns.Personal) > 0 {
			m.prefix, m.delim = ns.Personal[0].Prefix, string(ns.Personal[0].Delim)
		}
		return err
	})
	return m
}

func (m *mailStore) do(f func(c *imapclient.Client) error) {
	m.t.Helper()
	c, err := backends.Dial(m.address)
	if err != nil {
		m.t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(m.user, m.password).Wait(); err != nil {
		m.t.Fatal(err)
	}
	if err := f(c); err != nil {
		m.t.Fatal(err)
	}
}

// name is the server's own name of a mailbox.
func (m *mailStore) name(mailbox string) string {
	if strings.EqualFold(mailbox, "INBOX") {
		return mailbox
	}
	return m.prefix + strings.ReplaceAll(mailbox, "/", m.delim)
}

// ofOther is the server's name of a mailbox of another user.
func (m *mailStore) ofOther(user, mailbox string) (name string) {
	m.t.Helper()
	m.do(func(c *imapclient.Client) error {
		ns, err := c.Namespace().Wait()
		if err == nil && len(ns.Other) > 0 {
			name = ns.Other[0].Prefix + user + m.delim + strings.ReplaceAll(mailbox, "/", m.delim)
		}
		return err
	})
	return name
}

// appendTo appends a message as a mail program does.
func appendTo(c *imapclient.Client, mailbox string, message []byte) (*imap.AppendData, error) {
	a := c.Append(mailbox, int64(len(message)), nil)
	if _, err := a.Write(message); err != nil {
		return nil, err
	}
	if err := a.Close(); err != nil {
		return nil, err
	}
	return a.Wait()
}

// deliver appends a message whose lines end in LF.
func (m *mailStore) deliver(mailbox, message string) {
	m.t.Helper()
	m.do(func(c *imapclient.Client) error {
		_, err := appendTo(c, m.name(mailbox), []byte(strings.ReplaceAll(message, "\n", "\r\n")))
		return err
	})
}

// capabilities are what the server offers after a login, in lower case.
func capabilities(t testing.TB, b *backends.Server) []string {
	t.Helper()
	user, password := b.User()
	var all []string
	offers := &mailStore{t: t, address: strings.TrimPrefix(b.URL(), "imap://"), user: user, password: password}
	offers.do(func(c *imapclient.Client) error {
		for name := range c.Caps() {
			all = append(all, strings.ToLower(string(name)))
		}
		return nil
	})
	return all
}

// imapStep does what a section says, a line a command:
//
//	create MAILBOX
//	delete MAILBOX
//	subscribe MAILBOX
//	append MAILBOX FILE [\Flag …]   the message in the section FILE, with CRLF line ends
//	copy MAILBOX UIDS MAILBOX
//	flag MAILBOX UIDS \Flag …       UIDS as in IMAP: 1:3,7 or *
//	unflag MAILBOX UIDS \Flag …
//	expunge MAILBOX UIDS            these only
//	messages MAILBOX N              there are so many
//	mailboxes NAME …                these and INBOX are there, and no others
//	renumber                        new UIDVALIDITY and UIDs everywhere: Dovecot's index files are gone; at the mean server each
//	                                mailbox is made anew, with the same messages (needs: renumber)
//
// A blank in a mailbox name is written %20.
func (p *play) imapStep(st step) {
	p.t.Helper()
	for line := range strings.Lines(st.imap) {
		words := strings.Fields(p.values.fill(line))
		if len(words) == 0 {
			continue
		}
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "%20", " ")
		}
		if words[0] == "renumber" {
			p.renumber()
			continue
		}
		p.imap.do(func(c *imapclient.Client) error {
			if err := p.imapCommand(c, words[0], words[1:]); err != nil {
				p.t.Fatalf("step %s: %s: %v", st.name, strings.TrimSpace(line), err)
			}
			return nil
		})
	}
}

var errUsage = errors.New("no such command, or not so many words")

func (p *play) imapCommand(c *imapclient.Client, command string, words []string) error {
	if command == "mailboxes" {
		return p.checkMailboxes(c, words)
	}
	if len(words) == 0 {
		return errUsage
	}
	mailbox, rest := p.imap.name(words[0]), words[1:]
	switch {
	case command == "create":
		return c.Create(mailbox, nil).Wait()
	case command == "delete":
		return c.Delete(mailbox).Wait()
	case command == "subscribe":
		return c.Subscribe(mailbox).Wait()
	case len(rest) == 0:
		return errUsage
	case command == "append":
		return p.appendMessage(c, mailbox, rest[0], rest[1:])
	}
	selected, err := c.Select(mailbox, nil).Wait()
	if err != nil {
		return err
	}
	if command == "messages" {
		if strconv.Itoa(int(selected.NumMessages)) != rest[0] {
			return errors.New("there are " + strconv.Itoa(int(selected.NumMessages)))
		}
		return nil
	}
	uids, err := parseUIDs(rest[0])
	if err != nil {
		return err
	}
	var flags []imap.Flag
	for _, f := range rest[1:] {
		flags = append(flags, imap.Flag(f))
	}
	switch command {
	case "copy":
		_, err := c.Copy(uids, p.imap.name(rest[1])).Wait()
		return err
	case "flag":
		return c.Store(uids, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: flags}, nil).Close()
	case "unflag":
		return c.Store(uids, &imap.StoreFlags{Op: imap.StoreFlagsDel, Silent: true, Flags: flags}, nil).Close()
	case "expunge":
		deleted := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
		if err := c.Store(uids, deleted, nil).Close(); err != nil {
			return err
		}
		return c.UIDExpunge(uids).Close()
	}
	return errUsage
}

func (p *play) appendMessage(c *imapclient.Client, mailbox, file string, flags []string) error {
	text, ok := p.section(file)
	if !ok {
		return errors.New("no section " + file)
	}
	message := []byte(crlf(p.values.fill(text)))
	o := &imap.AppendOptions{}
	for _, f := range flags {
		o.Flags = append(o.Flags, imap.Flag(f))
	}
	a := c.Append(mailbox, int64(len(message)), o)
	if _, err := a.Write(message); err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return err
	}
	_, err := a.Wait()
	return err
}

func (p *play) checkMailboxes(c *imapclient.Client, want []string) error {
	listed, err := c.List("", "*", nil).Collect()
	if err != nil {
		return err
	}
	names := []string{"INBOX"}
	for _, w := range want {
		names = append(names, p.imap.name(w))
	}
	var got []string
	for _, l := range listed {
		if !slices.Contains(l.Attrs, imap.MailboxAttrNoSelect) && !slices.Contains(l.Attrs, imap.MailboxAttrNonExistent) {
			got = append(got, l.Mailbox)
		}
	}
	slices.Sort(names)
	slices.Sort(got)
	if !slices.Equal(names, got) {
		return errors.New("there are " + strings.Join(got, " "))
	}
	return nil
}

// renumber removes what Dovecot with Maildir knows of the messages' numbers, but not which UIDVALIDITYs it has given: within
// one second it would give the same again. The user's sessions are ended first: one that is open under it would write its old
// index back, and Dovecot answers SERVERBUG to whoever meets the two.
func (p *play) renumber() {
	if p.server.IsMean() {
		p.imap.do(p.remake)
		return
	}
	if err := p.server.Kick(p.values["user"]); err != nil {
		p.t.Fatal(err)
	}
	err := filepath.WalkDir(p.server.Home(p.values["user"]), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), "dovecot") && !strings.HasPrefix(d.Name(), "dovecot-uidvalidity") {
			err = os.Remove(path)
		}
		if errors.Is(err, os.ErrNotExist) { // a lock that is taken and given back meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// remake puts all messages into new mailboxes, in their order and with their dates, as a restored backup does.
func (p *play) remake(c *imapclient.Client) error {
	listed, err := c.List("", "*", nil).Collect()
	if err != nil {
		return err
	}
	for _, l := range listed {
		if strings.EqualFold(l.Mailbox, "INBOX") || slices.Contains(l.Attrs, imap.MailboxAttrNoSelect) {
			continue
		}
		before, err := c.Select(l.Mailbox, nil).Wait()
		if err != nil {
			return err
		}
		var messages []*imapclient.FetchMessageBuffer
		if before.NumMessages > 0 {
			whole := &imap.FetchItemBodySection{Peek: true}
			items := &imap.FetchOptions{Flags: true, InternalDate: true, UID: true, BodySection: []*imap.FetchItemBodySection{whole}}
			if messages, err = c.Fetch(imap.SeqSet{imap.SeqRange{Start: 1}}, items).Collect(); err != nil {
				return err
			}
		}
		if _, err := c.Select("INBOX", nil).Wait(); err != nil {
			return err
		}
		if err := errors.Join(c.Delete(l.Mailbox).Wait(), c.Create(l.Mailbox, nil).Wait()); err != nil {
			return err
		}
		for _, m := range messages {
			octets := m.BodySection[0].Bytes
			a := c.Append(l.Mailbox, int64(len(octets)), &imap.AppendOptions{Flags: m.Flags, Time: m.InternalDate})
			if _, err := a.Write(octets); err != nil {
				return err
			}
			if err := a.Close(); err != nil {
				return err
			}
			if _, err := a.Wait(); err != nil {
				return err
			}
		}
		if after, err := c.Select(l.Mailbox, nil).Wait(); err != nil || after.UIDValidity == before.UIDValidity {
			return errors.Join(err, errors.New("the UIDVALIDITY is the old one"))
		}
	}
	return nil
}

func parseUIDs(s string) (imap.UIDSet, error) {
	number := func(s string) (imap.UID, error) {
		if s == "*" {
			return 0, nil
		}
		n, err := strconv.ParseUint(s, 10, 32)
		return imap.UID(n), err
	}
	var set imap.UIDSet
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, ":")
		if !isRange {
			last = first
		}
		a, err := number(first)
		if err != nil {
			return nil, err
		}
		b, err := number(last)
		if err != nil {
			return nil, err
		}
		set = append(set, imap.UIDRange{Start: a, Stop: b})
	}
	return set, nil
}
