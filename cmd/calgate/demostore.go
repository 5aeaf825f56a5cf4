package main

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// demoStore is go-imap's store in memory with what sharing needs beside it: users who see each other's mailboxes below
// shared/, and access control lists (RFC 4314).
type demoStore struct {
	users map[string]*imapmemserver.User

	mu   sync.Mutex                   // guards what follows
	acls map[string]map[string]string // "owner/mailbox" -> identifier -> rights; the owner has all, and no entry
}

const (
	demoShared = "shared/" // prefix of other users' mailboxes (RFC 2342)
	demoRights = "lrswipkxtea"
)

func newDemoStore(users ...string) *demoStore {
	s := &demoStore{users: map[string]*imapmemserver.User{}, acls: map[string]map[string]string{}}
	for _, name := range users {
		user := imapmemserver.NewUser(name, name)
		if err := user.Create("INBOX", nil); err != nil {
			panic(err) // a new user has no mailbox that could be in the way
		}
		s.users[name] = user
	}
	return s
}

// rights of a user on a mailbox of owner.
func (s *demoStore) rights(owner, mailbox, user string) string {
	if owner == user {
		return demoRights
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	acl := s.acls[owner+"/"+mailbox]
	var all []byte
	for _, c := range []byte(demoRights) {
		if strings.IndexByte(acl[user]+acl["anyone"], c) >= 0 {
			all = append(all, c)
		}
	}
	return string(all)
}

// entries are the ACL of a mailbox, without the owner.
func (s *demoStore) entries(owner, mailbox string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.acls[owner+"/"+mailbox])
}

// setRights changes one entry by the third argument of SETACL; no rights take it away.
func (s *demoStore) setRights(owner, mailbox, identifier, change string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := owner + "/" + mailbox
	if s.acls[key] == nil {
		s.acls[key] = map[string]string{}
	}
	s.acls[key][identifier] = changed(s.acls[key][identifier], change)
	if s.acls[key][identifier] == "" {
		delete(s.acls[key], identifier)
	}
}

// move gives the ACL of a mailbox another name, or drops it where that is "".
func (s *demoStore) move(owner, mailbox, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if acl := s.acls[owner+"/"+mailbox]; acl != nil && name != "" {
		s.acls[owner+"/"+name] = acl
	}
	delete(s.acls, owner+"/"+mailbox)
}

// lent are the mailboxes of others that a user may look up, by the names that the user sees.
func (s *demoStore) lent(user string) []string {
	s.mu.Lock()
	keys := slices.Sorted(maps.Keys(s.acls))
	s.mu.Unlock()
	var names []string
	for _, key := range keys {
		owner, mailbox, _ := strings.Cut(key, "/")
		if owner != user && strings.Contains(s.rights(owner, mailbox, user), "l") {
			names = append(names, demoShared+key)
		}
	}
	return names
}

// demoSession is a session of one user. What it embeds is bound to the owner of the mailbox that is selected.
type demoSession struct {
	*imapmemserver.UserSession // nil before the login
	store                      *demoStore
	name                       string
	rights                     string // on the mailbox that is selected
}

var (
	errNoMailbox = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeNonExistent, Text: "No such mailbox"}
	errNoRight   = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeNoPerm, Text: "Permission denied"}
)

// Login binds the session to a user.
func (s *demoSession) Login(name, password string) error {
	user := s.store.users[name]
	if user == nil {
		return imapserver.ErrAuthFailed
	}
	if err := user.Login(name, password); err != nil {
		return err
	}
	s.name, s.UserSession = name, imapmemserver.NewUserSession(user)
	return nil
}

// Close ends the session.
func (s *demoSession) Close() error { return s.UserSession.Close() }

// at finds a mailbox: whose it is, its name there, and whether the user has the rights. Without l there is none.
func (s *demoSession) at(mailbox, needed string) (owner, name string, err error) {
	owner, name = s.name, mailbox
	if rest, ok := strings.CutPrefix(mailbox, demoShared); ok {
		owner, name, _ = strings.Cut(rest, "/")
	}
	rights := s.store.rights(owner, name, s.name)
	if s.store.users[owner] == nil || !strings.Contains(rights, "l") {
		return "", "", errNoMailbox
	}
	for _, c := range []byte(needed) {
		if strings.IndexByte(rights, c) < 0 {
			return "", "", errNoRight
		}
	}
	return owner, name, nil
}

// Select needs r.
func (s *demoSession) Select(mailbox string, o *imap.SelectOptions) (*imap.SelectData, error) {
	owner, name, err := s.at(mailbox, "r")
	if err != nil {
		return nil, err
	}
	x := imapmemserver.NewUserSession(s.store.users[owner])
	data, err := x.Select(name, o)
	if err != nil {
		return nil, err
	}
	if err := s.UserSession.Close(); err != nil {
		return nil, err
	}
	s.UserSession, s.rights = x, s.store.rights(owner, name, s.name)
	return data, nil
}

// Status needs r.
func (s *demoSession) Status(mailbox string, o *imap.StatusOptions) (*imap.StatusData, error) {
	owner, name, err := s.at(mailbox, "r")
	if err != nil {
		return nil, err
	}
	data, err := s.store.users[owner].Status(name, o)
	if err == nil {
		data.Mailbox = mailbox
	}
	return data, err
}

// Append needs i.
func (s *demoSession) Append(mailbox string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	owner, name, err := s.at(mailbox, "i")
	if err != nil {
		return nil, err
	}
	return s.store.users[owner].Append(name, r, o)
}

// Create makes own mailboxes only.
func (s *demoSession) Create(mailbox string, o *imap.CreateOptions) error {
	if strings.HasPrefix(mailbox, demoShared) {
		return errNoRight
	}
	return s.store.users[s.name].Create(mailbox, o)
}

// Delete removes own mailboxes only.
func (s *demoSession) Delete(mailbox string) error {
	if strings.HasPrefix(mailbox, demoShared) {
		return errNoRight
	}
	if err := s.store.users[s.name].Delete(mailbox); err != nil {
		return err
	}
	s.store.move(s.name, mailbox, "")
	return nil
}

// Rename moves own mailboxes only.
func (s *demoSession) Rename(mailbox, name string, o *imap.RenameOptions) error {
	if strings.HasPrefix(mailbox, demoShared) || strings.HasPrefix(name, demoShared) {
		return errNoRight
	}
	if err := s.store.users[s.name].Rename(mailbox, name, o); err != nil {
		return err
	}
	s.store.move(s.name, mailbox, name)
	return nil
}

// Subscribe is for own mailboxes.
func (s *demoSession) Subscribe(mailbox string) error {
	return s.store.users[s.name].Subscribe(mailbox)
}

// Unsubscribe is for own mailboxes.
func (s *demoSession) Unsubscribe(mailbox string) error {
	return s.store.users[s.name].Unsubscribe(mailbox)
}

// List shows own mailboxes, and those of others that the user may look up.
func (s *demoSession) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	if err := s.store.users[s.name].List(w, ref, patterns, o); err != nil || o.SelectSubscribed {
		return err
	}
	for _, name := range s.store.lent(s.name) {
		if !slices.ContainsFunc(patterns, func(p string) bool { return imapserver.MatchList(name, '/', ref, p) }) {
			continue
		}
		data := &imap.ListData{Delim: '/', Mailbox: name}
		if o.ReturnStatus != nil {
			status, err := s.Status(name, o.ReturnStatus)
			if err != nil {
				continue // taken away in this moment, or l without r
			}
			data.Status = status
		}
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

// Namespace shows where other users' mailboxes are.
func (s *demoSession) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: '/'}}, Other: []imap.NamespaceDescriptor{{Prefix: demoShared, Delim: '/'}}}, nil
}

// Store needs t for \Deleted, s for \Seen, else w.
func (s *demoSession) Store(w *imapserver.FetchWriter, set imap.NumSet, f *imap.StoreFlags, o *imap.StoreOptions) error {
	for _, flag := range f.Flags {
		needed := "w"
		switch flag {
		case imap.FlagDeleted:
			needed = "t"
		case imap.FlagSeen:
			needed = "s"
		}
		if !strings.Contains(s.rights, needed) {
			return errNoRight
		}
	}
	return s.UserSession.Store(w, set, f, o)
}

// Expunge needs e.
func (s *demoSession) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if !strings.Contains(s.rights, "e") {
		return errNoRight
	}
	return s.UserSession.Expunge(w, uids)
}

// Move and Copy are within one user's mailboxes, which calgate never asks for.
func (s *demoSession) Move(*imapserver.MoveWriter, imap.NumSet, string) error { return errNoRight }

// Copy is refused as Move is.
func (s *demoSession) Copy(imap.NumSet, string) (*imap.CopyData, error) { return nil, errNoRight }
