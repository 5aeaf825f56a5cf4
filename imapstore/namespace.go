package imapstore

import (
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Namespace is one entry of the NAMESPACE answer (RFC 2342): a prefix in UTF-8, and its delimiter, 0 for none.
type Namespace struct {
	Prefix    string
	Delimiter byte
}

// Namespaces are the three classes of RFC 2342. Of the personal ones only the first is used, of the others see others.
type Namespaces struct {
	Personal, Other, Shared []Namespace
}

// readNamespaces asks NAMESPACE, or for the delimiter alone where that is not offered.
func (c *conn) readNamespaces() error {
	if c.caps.Namespace {
		data, err := c.client.Namespace().Wait()
		if err == nil {
			c.ns = Namespaces{namespaces(data.Personal), namespaces(data.Other), namespaces(data.Shared)}
		} else if err = refused(err); !errors.As(err, new(*refusal)) {
			return err
		}
	}
	if len(c.ns.Personal) > 0 {
		return nil
	}
	list, err := c.client.List("", "", nil).Collect() // RFC 9051 section 6.3.9: an empty name asks the delimiter
	if err != nil {
		return refused(err)
	}
	var n Namespace
	if len(list) > 0 {
		n.Delimiter = byte(list[0].Delim)
	}
	c.ns.Personal = []Namespace{n}
	return nil
}

func namespaces(ds []imap.NamespaceDescriptor) []Namespace {
	var out []Namespace
	for _, d := range ds {
		if d.Delim >= 0x80 {
			continue
		}
		prefix, err := DecodeUTF7(d.Prefix)
		if err == nil {
			out = append(out, Namespace{Prefix: prefix, Delimiter: byte(d.Delim)})
		}
	}
	return out
}

// errNoSuchName is a name that no mailbox of this server can have.
var errNoSuchName = errors.New("no mailbox of this server can have that name")

// server turns a mailbox name of this package into the server's, in UTF-8.
func (c *conn) server(name string) (string, error) {
	if name == "" || strings.ContainsAny(name, "\x00\r\n") || !validUTF8(name) {
		return "", errNoSuchName
	}
	if real, ok := c.alias[name]; ok {
		return real, nil
	}
	if name[0] == '~' {
		return c.serverOfOther(name)
	}
	n := c.ns.Personal[0]
	rest, err := joinLevels(name, n.Delimiter)
	switch {
	case err != nil:
		return "", err
	case strings.EqualFold(name, "INBOX"):
		return "INBOX", nil
	}
	return n.Prefix + rest, nil
}

// joinLevels writes levels with the server's delimiter, 0 for none.
func joinLevels(name string, delimiter byte) (string, error) {
	levels := strings.Split(name, "/")
	if delimiter == 0 && len(levels) > 1 {
		return "", errNoSuchName
	}
	for _, l := range levels {
		if l == "" || (delimiter != 0 && delimiter != '/' && strings.IndexByte(l, delimiter) >= 0) {
			return "", errNoSuchName
		}
	}
	return strings.Join(levels, string(rune(delimiter))), nil
}

// splitLevels is the inverse; a "/" inside a level shows as =2F, and needs remember.
func splitLevels(rest string, delimiter byte) (string, bool) {
	levels := []string{rest}
	if delimiter != 0 {
		levels = strings.Split(rest, string(rune(delimiter)))
	}
	for i, l := range levels {
		if l == "" {
			return "", false
		}
		levels[i] = strings.ReplaceAll(l, "/", "=2F")
	}
	return strings.Join(levels, "/"), true
}

// shown turns a name that LIST gave, in UTF-8, into one of this package; ok is false for one that is not in the personal
// namespace.
func (c *conn) shown(real string) (name string, ok bool) {
	if strings.EqualFold(real, "INBOX") {
		return "INBOX", true
	}
	foreign := slices.Concat(c.ns.Other, c.ns.Shared)
	if c.others != nil {
		foreign = append(foreign, Namespace{c.others.literal(), c.others.delimiter})
	}
	for _, n := range foreign {
		if n.Prefix != "" && (strings.HasPrefix(real, n.Prefix) || real+string(rune(n.Delimiter)) == n.Prefix) {
			return "", false
		}
	}
	n := c.ns.Personal[0]
	rest, ok := strings.CutPrefix(real, n.Prefix)
	if !ok || rest == "" {
		return "", false
	}
	if name, ok = splitLevels(rest, n.Delimiter); !ok {
		return "", false
	}
	if name[0] == '~' { // it would be another user's
		name = "=7E" + name[1:]
	}
	return name, !strings.EqualFold(name, "INBOX") // INBOX.INBOX could not be told from INBOX
}

// remember keeps the way back for a shown name that the rule of server does not lead to.
func (c *conn) remember(name, real string) {
	if back, err := c.server(name); err == nil && back == real {
		return
	}
	if c.alias == nil {
		c.alias = map[string]string{}
	}
	c.alias[name] = real
}

// arg is a mailbox name as an argument of a raw command.
func arg(real string) string { return quote(encodeUTF7(real)) }

func validUTF8(s string) bool { return strings.ToValidUTF8(s, "") == s }
