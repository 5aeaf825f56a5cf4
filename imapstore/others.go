package imapstore

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// The mailbox Path of another user is "~owner/Path" in this package, wherever the server shows it. The owner stands as in a
// login, dots and domain included; which levels the server makes of that is known here alone.

// others is where a server shows the mailboxes of other users.
type others struct {
	template  string // the server's name up to the path: %u is the owner, %n its local part, %d its domain
	delimiter byte
	dot       byte // stands for a dot in an owner where the delimiter is one; 0: such an owner has no name
	match     *regexp.Regexp
	variables []byte // u, n, d in the order of the groups of match
	domain    string // of the login: an owner without one is of it
}

var variable = regexp.MustCompile(`%[und]`)

// HasOthers tells whether the server shows mailboxes of other users.
func (s *Session) HasOthers() bool { return s.c.others != nil }

// CheckOthers says what is wrong with Options.Others.
func CheckOthers(template string) error {
	_, err := newOthers(template, '/', 0, "")
	return err
}

func newOthers(template string, delimiter, dot byte, user string) (*others, error) {
	o := &others{template: template, delimiter: delimiter, dot: dot}
	if _, domain, ok := cutDomain(user); ok {
		o.domain = domain
	}
	places := variable.FindAllStringIndex(template, -1)
	if len(places) == 0 || places[0][0] == 0 || places[len(places)-1][1] == len(template) ||
		strings.Contains(template, "%d") && !strings.Contains(template, "%n") {
		return nil, fmt.Errorf("%q is no template such as shared/%%u/: a beginning, the owner (%%u, or %%n and perhaps %%d), the delimiter", template)
	}
	var b strings.Builder
	b.WriteString("^")
	from := 0
	for _, p := range places {
		b.WriteString(regexp.QuoteMeta(template[from:p[0]]))
		b.WriteString("([^" + regexp.QuoteMeta(string(rune(delimiter))) + "]+)")
		o.variables = append(o.variables, template[p[0]+1])
		from = p[1]
	}
	b.WriteString(regexp.QuoteMeta(template[from:]) + "(?s:(.+))$")
	o.match = regexp.MustCompile(b.String())
	return o, nil
}

func cutDomain(user string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(user, '@')
	if at < 0 {
		return user, "", false
	}
	return user[:at], user[at+1:], true
}

// findOthers takes the configured template, else what NAMESPACE says: the class of other users (RFC 2342), or "#shared." of
// Courier, which files them under shared ones.
func (c *conn) findOthers(template string) (*others, error) {
	personal := c.ns.Personal[0]
	if template != "" {
		return newOthers(template, personal.Delimiter, c.dotFor(template), c.user)
	}
	spaces := c.ns.Other
	if len(spaces) == 0 {
		for _, n := range c.ns.Shared {
			if n.Prefix == courierShared {
				spaces = append(spaces, n)
			}
		}
	}
	if len(spaces) == 0 || spaces[0].Prefix == "" || spaces[0].Delimiter == 0 {
		return nil, nil
	}
	n := spaces[0]
	return newOthers(n.Prefix+"%u"+string(rune(n.Delimiter)), n.Delimiter, c.dotFor(n.Prefix), c.user)
}

const courierShared = "#shared."

// dotFor is what servers with the delimiter "." write for a dot in the name of a user: Courier a blank, Cyrus a circumflex;
// Dovecot has nothing for it.
func (c *conn) dotFor(prefix string) byte {
	switch {
	case strings.HasPrefix(prefix, courierShared):
		return ' '
	case c.caps.Annotations:
		return '^'
	}
	return 0
}

// begin is the server's name of an owner's mailboxes up to the path.
func (o *others) begin(owner string) (string, error) {
	if owner == "" || strings.ContainsAny(owner, "/\x00\r\n") || !validUTF8(owner) {
		return "", errNoSuchName
	}
	local, domain, ok := cutDomain(owner)
	if !ok {
		domain = o.domain
	} else if !strings.Contains(o.template, "%u") && !strings.Contains(o.template, "%d") && !strings.EqualFold(domain, o.domain) {
		return "", errNoSuchName
	}
	var err error
	level := func(s string) string {
		if o.delimiter == '.' && o.dot != 0 {
			if strings.IndexByte(s, o.dot) >= 0 {
				err = errNoSuchName
			}
			s = strings.ReplaceAll(s, ".", string(rune(o.dot)))
		}
		if s == "" || strings.IndexByte(s, o.delimiter) >= 0 {
			err = errNoSuchName
		}
		return s
	}
	name := variable.ReplaceAllStringFunc(o.template, func(v string) string {
		return level(map[string]string{"%u": owner, "%n": local, "%d": domain}[v])
	})
	return name, err
}

// owner takes a server's name apart; ok is false where it is no mailbox of another user.
func (o *others) owner(real string) (owner, path string, ok bool) {
	m := o.match.FindStringSubmatch(real)
	if m == nil {
		return "", "", false
	}
	values := map[byte]string{}
	for i, v := range o.variables {
		s := m[i+1]
		if o.delimiter == '.' && o.dot != 0 {
			s = strings.ReplaceAll(s, string(rune(o.dot)), ".")
		}
		if old, twice := values[v]; twice && old != s {
			return "", "", false
		}
		values[v] = s
	}
	owner = values['u']
	if owner == "" {
		owner = values['n']
		if d := values['d']; d != "" {
			owner += "@" + d
		} else if o.domain != "" {
			owner += "@" + o.domain
		}
	}
	return owner, m[len(m)-1], true
}

// literal is what all names of others begin with.
func (o *others) literal() string { return o.template[:strings.IndexByte(o.template, '%')] }

// isOther says whether a server's name is one of another user.
func (c *conn) isOther(real string) bool {
	return c.others != nil && strings.HasPrefix(real, c.others.literal())
}

// serverOfOther is server for "~owner/path". The own name means the personal namespace: Dovecot has nothing for it below the
// other one.
func (c *conn) serverOfOther(name string) (string, error) {
	owner, path, ok := strings.Cut(name[1:], "/")
	if !ok || strings.HasPrefix(path, "~") {
		return "", errNoSuchName
	}
	if strings.EqualFold(owner, c.user) {
		return c.server(path)
	}
	if c.others == nil {
		return "", errNoSuchName
	}
	begin, err := c.others.begin(owner)
	if err != nil {
		return "", err
	}
	rest, err := joinLevels(path, c.others.delimiter)
	return begin + rest, err
}

// shownOther is shown for a mailbox of another user.
func (c *conn) shownOther(real string) (string, bool) {
	owner, rest, ok := c.others.owner(real)
	if !ok || strings.EqualFold(owner, c.user) || strings.Contains(owner, "/") {
		return "", false
	}
	path, ok := splitLevels(rest, c.others.delimiter)
	return "~" + owner + "/" + path, ok
}

// shareAge is the age of a session up to which an Overview believes what it lists of others where Caps.SharesLag: a Dovecot
// session never lists a user whose first share is younger than itself.
const shareAge = time.Minute

// listPattern is a name as a pattern of LIST: Cyrus finds no name with a circumflex in it but by a wildcard. Who uses it must
// compare what comes.
func listPattern(real string) string { return strings.ReplaceAll(real, "^", "%") }

// renew makes a new login where the present one is older than age.
func (s *Session) renew(ctx context.Context, age time.Duration) error {
	if err := s.enter(); err != nil {
		return &Error{Kind: Bad, Err: err}
	}
	defer s.leave()
	if s.store.o.Now().Sub(s.c.born) <= age {
		return nil
	}
	return s.renewed(ctx)
}
