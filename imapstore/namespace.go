package imapstore

import (
	"errors"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Namespace is one entry of the NAMESPACE answer (RFC 2342): a prefix in UTF-8, and its delimiter, 0 for none.
type Namespace struct {
	Prefix    string
	Delimiter byte
}

// Namespaces are the three classes of RFC 2342. Only the first personal one is used now.
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
		prefix, err := decodeUTF7(d.Prefix)
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
	n := c.ns.Personal[0]
	levels := strings.Split(name, "/")
	for _, l := range levels {
		if l == "" || (n.Delimiter != 0 && n.Delimiter != '/' && strings.IndexByte(l, n.Delimiter) >= 0) {
			return "", errNoSuchName
		}
	}
	if strings.EqualFold(name, "INBOX") {
		return "INBOX", nil
	}
	if n.Delimiter == 0 {
		if len(levels) > 1 {
			return "", errNoSuchName
		}
		return n.Prefix + name, nil
	}
	return n.Prefix + strings.Join(levels, string(rune(n.Delimiter))), nil
}

// shown turns a name that LIST gave, in UTF-8, into one of this package; ok is false for one that is not in the personal
// namespace.
func (c *conn) shown(real string) (name string, ok bool) {
	if strings.EqualFold(real, "INBOX") {
		return "INBOX", true
	}
	for _, ns := range [][]Namespace{c.ns.Other, c.ns.Shared} {
		for _, n := range ns {
			if n.Prefix != "" && (strings.HasPrefix(real, n.Prefix) || real+string(rune(n.Delimiter)) == n.Prefix) {
				return "", false
			}
		}
	}
	n := c.ns.Personal[0]
	rest, ok := strings.CutPrefix(real, n.Prefix)
	if !ok || rest == "" {
		return "", false
	}
	levels := []string{rest}
	if n.Delimiter != 0 {
		levels = strings.Split(rest, string(rune(n.Delimiter)))
	}
	for i, l := range levels {
		if l == "" {
			return "", false
		}
		levels[i] = strings.ReplaceAll(l, "/", "=2F")
	}
	name = strings.Join(levels, "/")
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
