package imapstore

import (
	"context"
	"sort"
	"strings"
)

// Scope is what an Overview lists, and what it tells of each mailbox.
type Scope struct {
	Own    bool   // the mailboxes of the personal namespace
	Others bool   // those of other users that the server shows and that can be selected
	Owner  string // of this other user only
	Named  bool   // a mailbox of Owner is named first: see overview.named

	Subscribed, Types, Status, Rights bool
	// Of says of which mailboxes Status and Rights are wanted, where each of them costs a command; nil: of all.
	Of func(Listed) bool
}

// Overview lists mailboxes, sorted by name, in few exchanges: all that one command can tell of many mailboxes goes in one
// write (LIST-EXTENDED, RFC 5258; LIST-STATUS, RFC 5819; LIST-MYRIGHTS, RFC 8440; LIST-METADATA, RFC 9590, else a
// GETMETADATA for all), and what must be asked of each follows in a second one, pipelined. The mailboxes of others are listed
// in a session that is at most a minute old, where an older one may not list all of them (Caps.SharesLag).
func (s *Session) Overview(ctx context.Context, scope Scope) ([]Listed, error) {
	if scope.Owner != "" && strings.EqualFold(scope.Owner, s.user) {
		scope.Own, scope.Others, scope.Owner = true, false, ""
	}
	elsewhere := s.c.others != nil && (scope.Others || scope.Owner != "")
	if !scope.Own && !elsewhere {
		return nil, nil
	}
	if elsewhere && s.c.caps.SharesLag() {
		if err := s.renew(ctx, shareAge); err != nil {
			return nil, wrap("Overview", "", err)
		}
	}
	var out []Listed
	err := s.do(ctx, "Overview", "", again, func(c *conn) error {
		o := overview{c: c, scope: scope}
		err := o.first()
		if err == nil {
			err = o.second()
		}
		if err == nil {
			out, err = o.sorted()
		}
		return err
	})
	return out, err
}

// overview is an Overview that is being made.
type overview struct {
	c      *conn
	scope  Scope
	boxes  map[string]*Listed // by the server's name
	shown  map[string]string  // the server's name of a name that is taken
	typed  map[string]bool    // server's names whose folder type is a private one
	lsub   map[string]bool    // server's names that LSUB gave
	status map[string]Mailbox // server's names, what came before or without its LIST
	ids    map[string]Mailbox // MAILBOXIDs with their UIDVALIDITYs
	rights map[string]string
	types  map[string]string
}

// first sends what one command can ask of many mailboxes.
func (o *overview) first() error {
	o.boxes, o.shown, o.typed = map[string]*Listed{}, map[string]string{}, map[string]bool{}
	o.lsub, o.rights, o.types = map[string]bool{}, map[string]string{}, map[string]string{}
	o.status, o.ids = map[string]Mailbox{}, map[string]Mailbox{}
	patterns, others, err := o.patterns()
	if err != nil {
		return nil // no such user here
	}
	var lines []string
	c := o.c
	caught := ""
	if o.scope.Status && c.sel != nil && !c.caps.Annotations { // see refresh
		if caught = "NOOP"; c.caps.Condstore && c.caps.Unselect { // a NOOP would have to be waited for, see Look
			caught = "UNSELECT"
		}
		lines = append(lines, caught)
	}
	if named := o.named(); named != "" {
		lines = append(lines, named)
	}
	begin := len(lines)
	for _, p := range patterns {
		lines = append(lines, `LIST "" `+quote(encodeUTF7(p))+o.options())
	}
	must := len(lines)
	for _, p := range patterns {
		if o.scope.Subscribed && !c.caps.ListExtended {
			lines = append(lines, `LSUB "" `+quote(encodeUTF7(p)))
		}
		if o.scope.Types && c.caps.Metadata && !c.caps.ListMetadata && p != "INBOX" {
			lines = append(lines, "GETMETADATA "+quote(encodeUTF7(p))+" "+folderTypes) // a NO is a server that does not know the entry
		}
	}
	replies, err := c.command(o.take, lines...)
	if err != nil {
		return err
	}
	if caught == "UNSELECT" || caught != "" && replies[0].status != "OK" {
		c.sel, c.w.view = nil, view{} // SELECT will tell
	}
	for i, p := range replies[begin:must] {
		// Dovecot says SERVERBUG of a user that it does not know.
		if err := p.err(); err != nil && (i < others || o.scope.Owner == "" || p.code != "SERVERBUG") {
			return err
		}
	}
	return nil
}

// patterns are those of LIST, those of other users from others on.
func (o *overview) patterns() (patterns []string, others int, err error) {
	c := o.c
	if o.scope.Own {
		patterns = []string{"*"}
		if p := c.ns.Personal[0].Prefix; p != "" {
			patterns = []string{"INBOX", p + "*"}
		}
	}
	others = len(patterns)
	switch {
	case c.others == nil:
	case o.scope.Owner != "":
		begin, err := c.others.begin(o.scope.Owner)
		if err != nil {
			return patterns, others, err
		}
		patterns = append(patterns, listPattern(begin)+"*")
	case o.scope.Others:
		patterns = append(patterns, variable.ReplaceAllString(c.others.template, "%")+"*")
	}
	return patterns, others, nil
}

// named names a mailbox of the owner. Where the namespace of other users is not to be listed, Dovecot lists nothing of an
// owner until the session has done that, or has listed all of them. What is answered does not matter, if only that there is
// no such mailbox. It is STATUS: MYRIGHTS ends Dovecot's process where there is no such user.
func (o *overview) named() string {
	if o.c.others == nil || o.scope.Owner == "" || !o.scope.Named {
		return ""
	}
	begin, err := o.c.others.begin(o.scope.Owner)
	if err != nil {
		return ""
	}
	return "STATUS " + arg(begin+"INBOX") + " (UIDNEXT)"
}

// options are the return options of LIST (RFC 5258 section 3.2).
func (o *overview) options() string {
	caps := o.c.caps
	if !caps.ListExtended {
		return ""
	}
	options := []string{"SUBSCRIBED"}
	for _, option := range []struct {
		offered bool
		text    string
	}{
		{caps.SpecialUse, "SPECIAL-USE"},
		{caps.ListStatus && o.scope.Status, "STATUS" + statusItems},
		{caps.ListMyRights && o.scope.Rights, "MYRIGHTS"},
		{caps.ListMetadata && o.scope.Types, "METADATA " + folderTypes},
	} {
		if option.offered {
			options = append(options, option.text)
		}
	}
	return " RETURN (" + strings.Join(options, " ") + ")"
}

// take reads one untagged answer. In which order they come, servers are free.
func (o *overview) take(r *response) error {
	switch r.kind {
	case "LIST":
		o.list(r.scan())
	case "LSUB":
		if attrs, _, name := parseList(r.scan()); !hasAttr(attrs, `\Noselect`) {
			if real, err := DecodeUTF7(name); err == nil {
				o.lsub[real] = true
			}
		}
	case "STATUS":
		name, m, ok := parseStatus(r.scan())
		real, err := DecodeUTF7(name)
		switch {
		case !ok || err != nil || m.UIDValidity == 0:
		case m.ID != "":
			o.ids[real] = m
		case m.UIDNext != 0:
			o.status[real] = m
		}
	case "MYRIGHTS":
		s := r.scan()
		s.spaces()
		if real, err := DecodeUTF7(string(s.astring())); err == nil && !s.bad {
			o.rights[real] = o.c.parseRights(r.scan())
		}
	case "METADATA":
		real, entries := parseMetadata(r.scan())
		for entry, value := range entries {
			private := strings.EqualFold(entry, "/private/"+folderType)
			if value == "" || !private && (o.typed[real] || !strings.EqualFold(entry, "/shared/"+folderType)) {
				continue
			}
			o.typed[real] = o.typed[real] || private
			o.types[real] = strings.ToLower(value)
		}
	}
	return nil
}

// list takes a LIST answer, if the mailbox is within the scope.
func (o *overview) list(s *scanner) {
	attrs, _, name := parseList(s)
	if s.bad {
		return
	}
	real, err := DecodeUTF7(name)
	if err != nil {
		o.c.w.warnName(name)
		return
	}
	l := listed(attrs)
	ok := false
	if o.c.isOther(real) {
		l.Name, ok = o.c.shownOther(real)
		ok = ok && !l.NoSelect && (o.scope.Others || o.scope.Owner != "" && strings.HasPrefix(l.Name, "~"+o.scope.Owner+"/"))
	} else if o.scope.Own {
		l.Name, ok = o.c.shown(real)
	}
	if taken, twice := o.shown[l.Name]; !ok || twice && taken != real {
		return
	}
	o.shown[l.Name], o.boxes[real] = real, &l
}

// fill gives the mailboxes what was told of them.
func (o *overview) fill() {
	for real, l := range o.boxes {
		if m, ok := o.status[real]; ok && o.scope.Status {
			l.UIDValidity, l.UIDNext, l.Messages, l.HasStatus = m.UIDValidity, m.UIDNext, m.Messages, true
			if id := o.ids[real]; id.UIDValidity == m.UIDValidity {
				l.ID = id.ID
			}
		}
		if r, ok := o.rights[real]; ok && o.scope.Rights {
			l.Rights, l.HasRights = r, true
		}
		l.Subscribed = l.Subscribed || o.lsub[real]
		l.FolderType = o.types[real]
	}
}

// second asks of each mailbox what the first exchange could not tell. What is refused stays unknown.
func (o *overview) second() error {
	o.fill()
	var lines []string
	for _, real := range o.names() {
		l := o.boxes[real]
		if l.NoSelect || o.scope.Of != nil && !o.scope.Of(*l) {
			continue
		}
		if o.scope.Status && !l.HasStatus {
			lines = append(lines, "STATUS "+arg(real)+statusItems)
		}
		if o.scope.Status && o.c.caps.ObjectID {
			lines = append(lines, o.c.identity(real))
			if o.c.sel != nil && o.c.sel.name == real {
				lines = append(lines, "STATUS "+arg(real)+statusItems) // see distrust
			}
		}
		if o.scope.Rights && !l.HasRights && o.c.caps.ACL {
			lines = append(lines, "MYRIGHTS "+arg(real))
		}
	}
	if _, err := o.c.command(o.take, lines...); err != nil {
		return err
	}
	o.fill()
	return nil
}

func (o *overview) names() []string {
	names := make([]string, 0, len(o.boxes))
	for real := range o.boxes {
		names = append(names, real)
	}
	sort.Strings(names)
	return names
}

func (o *overview) sorted() ([]Listed, error) {
	out := make([]Listed, 0, len(o.boxes))
	for _, real := range o.names() {
		l := o.boxes[real]
		o.c.remember(l.Name, real)
		out = append(out, *l)
	}
	sort.Slice(out, func(i, k int) bool { return out[i].Name < out[k].Name })
	return out, o.c.markGhosts(out, o.shown)
}

func listed(attrs []string) Listed {
	var l Listed
	for _, a := range attrs {
		switch strings.ToLower(a) {
		case `\noselect`, `\nonexistent`:
			l.NoSelect = true
		case `\noinferiors`:
			l.NoInferiors = true
		case `\subscribed`:
			l.Subscribed = true
		case `\all`, `\archive`, `\drafts`, `\flagged`, `\junk`, `\sent`, `\trash`:
			l.SpecialUse = a
		}
	}
	return l
}

// List gives the mailboxes of the personal namespace, sorted by name; with their triples where withStatus is set.
func (s *Session) List(ctx context.Context, withStatus bool) ([]Listed, error) {
	return s.Overview(ctx, Scope{Own: true, Status: withStatus})
}

// ListOthers gives the mailboxes of other users that the server shows and that can be selected, named "~owner/Path".
func (s *Session) ListOthers(ctx context.Context, withStatus bool) ([]Listed, error) {
	return s.Overview(ctx, Scope{Others: true, Status: withStatus})
}
