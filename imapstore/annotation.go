package imapstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Annotations are METADATA entries with a value, by their names in lower case: these compare without case (RFC 5464 section 3.2).
type Annotations map[string]string

// Annotation is one entry that is to be set, or with Remove to be taken away.
type Annotation struct {
	Name, Value string
	Remove      bool
}

// Metadata gives the entries of a mailbox at and below the roots, such as "/shared/vendor/kolab". It is empty where the server
// has no METADATA, or none of the mailbox.
func (s *Session) Metadata(ctx context.Context, mailbox string, roots []string) (Annotations, error) {
	entries := Annotations{}
	if !s.c.caps.Metadata {
		return entries, nil
	}
	err := s.do(ctx, "Metadata", mailbox, again, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		_, err = c.command(func(r *response) error {
			if r.kind == "METADATA" {
				if name, found := parseMetadata(r.scan()); name == real {
					entries.take(found)
				}
			}
			return nil
		}, getMetadata(real, roots))
		return err // a NO is a server that does not know the entries
	})
	return entries, err
}

// MetadataOfAll is Metadata for all mailboxes that the user can see, his own and those of others, by name: one exchange for all.
// RFC 5464 knows no patterns: it gives nil where the server takes none.
func (s *Session) MetadataOfAll(ctx context.Context, roots []string) (map[string]Annotations, error) {
	if !s.c.caps.Metadata {
		return nil, nil
	}
	var all map[string]Annotations
	err := s.do(ctx, "Metadata", "", again, func(c *conn) error {
		all = map[string]Annotations{}
		lines := []string{getMetadata(c.ns.Personal[0].Prefix+"*", roots)}
		if c.others != nil {
			lines = append(lines, getMetadata(variable.ReplaceAllString(c.others.template, "%")+"*", roots))
		}
		replies, err := c.command(func(r *response) error {
			if r.kind != "METADATA" {
				return nil
			}
			real, found := parseMetadata(r.scan())
			name, ok := c.shown(real)
			if !ok && c.isOther(real) {
				name, ok = c.shownOther(real)
			}
			if ok {
				if all[name] == nil {
					all[name] = Annotations{}
				}
				all[name].take(found)
			}
			return nil
		}, lines...)
		if !slices.ContainsFunc(replies, func(p reply) bool { return p.status == "OK" }) { // Cyrus says NO where no mailbox fits one
			all = nil
		}
		return err
	})
	return all, err
}

// getMetadata writes GETMETADATA with its options first, as Dovecot wants them and the grammar of RFC 5464 section 5 has them.
func getMetadata(real string, roots []string) string {
	quoted := make([]string, len(roots))
	for i, r := range roots {
		quoted[i] = quote(r)
	}
	return "GETMETADATA (DEPTH infinity) " + arg(real) + " (" + strings.Join(quoted, " ") + ")"
}

// take adds what an answer says. An entry without a value is none.
func (e Annotations) take(found map[string]string) {
	for entry, value := range found {
		if value != "" {
			e[strings.ToLower(entry)] = value
		}
	}
}

// MaxMetadata is how long the values of one SetMetadata may be together, in octets: Cyrus ends the connection of who sends more
// than 131,072 in one, and Dovecot that of a line above 65,536.
const MaxMetadata = 32 << 10

var (
	errNoMetadata    = errors.New("server has no METADATA")
	errLargeMetadata = fmt.Errorf("more than %d octets of METADATA", MaxMetadata)
	errNoLiteral     = errors.New("value needs a literal, and the server has no LITERAL+")
)

// SetMetadata sets and removes entries of a mailbox in one command, all or none. Errors: Unsupported, NoPermission, NotFound, Bad.
func (s *Session) SetMetadata(ctx context.Context, mailbox string, entries []Annotation) error {
	if !s.c.caps.Metadata {
		return &Error{Op: "SetMetadata", Mailbox: mailbox, Kind: Unsupported, Err: errNoMetadata}
	}
	return s.do(ctx, "SetMetadata", mailbox, write, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		parts := make([]string, len(entries))
		length := 0
		for i, e := range entries {
			value := "NIL"
			if !e.Remove {
				if value, err = c.metadataValue(e.Value); err != nil {
					return err
				}
			}
			length += len(value)
			parts[i] = quote(e.Name) + " " + value
		}
		if length > MaxMetadata {
			return &Error{Kind: Unsupported, Err: errLargeMetadata}
		}
		_, err = c.one(nil, "SETMETADATA "+arg(real)+" ("+strings.Join(parts, " ")+")")
		return err
	})
}

// metadataValue writes a value (RFC 5464 section 5): what no quoted string can hold is a literal that waits for nothing.
func (c *conn) metadataValue(v string) (string, error) {
	plain := true
	for i := range len(v) {
		plain = plain && v[i] >= ' ' && v[i] < 0x7f
	}
	switch {
	case plain:
		return quote(v), nil
	case strings.Contains(v, "\x00"):
		return "", &Error{Kind: Unsupported, Err: errNoSuchValue}
	case !c.caps.LiteralPlus:
		return "", &Error{Kind: Unsupported, Err: errNoLiteral}
	}
	return fmt.Sprintf("{%d+}\r\n%s", len(v), v), nil
}

var errNoSuchValue = errors.New("a value with NUL in it")
