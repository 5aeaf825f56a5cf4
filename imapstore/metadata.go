package imapstore

import (
	"context"
	"strings"
)

// FolderType is the annotation by which Kolab and programs after its model say what a folder is for: "event", "task", with
// ".default" behind it for the one that is used first.
const folderType = "vendor/kolab/folder-type"

// FolderTypes are the folder types of the user's own mailboxes, by name, as METADATA (RFC 5464) has them: one command for all.
// What the user set privately counts before what is set for everybody. It is empty where the server has no METADATA, or none
// of this kind.
func (s *Session) FolderTypes(ctx context.Context) (map[string]string, error) {
	return s.folderTypes(ctx, func(c *conn) (string, error) { return c.ns.Personal[0].Prefix, nil }, (*conn).shown)
}

// FolderTypesOf is FolderTypes for the mailboxes of another user, as far as this one may see them: what their owner set for
// everybody, and what this user set privately.
func (s *Session) FolderTypesOf(ctx context.Context, owner string) (map[string]string, error) {
	if strings.EqualFold(owner, s.user) {
		return s.FolderTypes(ctx)
	}
	if s.c.others == nil {
		return nil, nil
	}
	return s.folderTypes(ctx, func(c *conn) (string, error) { return c.others.begin(owner) }, func(c *conn, real string) (string, bool) {
		name, ok := c.shownOther(real)
		return name, ok && strings.HasPrefix(name, "~"+owner+"/")
	})
}

// folderTypes asks for all mailboxes whose names on the server begin so.
func (s *Session) folderTypes(ctx context.Context, begin func(*conn) (string, error), shown func(*conn, string) (string, bool)) (map[string]string, error) {
	if !s.c.caps.Metadata {
		return nil, nil
	}
	types := map[string]string{}
	err := s.do(ctx, "FolderTypes", "", again, func(c *conn) error {
		prefix, err := begin(c)
		if err != nil {
			return nil // no such user here
		}
		private := map[string]bool{}
		_, err = c.command(func(r *response) error {
			if r.kind != "METADATA" {
				return nil
			}
			real, entries := parseMetadata(r.scan())
			name, ok := shown(c, real)
			if !ok {
				return nil
			}
			for entry, value := range entries {
				own := strings.EqualFold(entry, "/private/"+folderType)
				if value == "" || !own && (private[name] || !strings.EqualFold(entry, "/shared/"+folderType)) {
					continue
				}
				private[name] = private[name] || own
				types[name] = strings.ToLower(value)
			}
			return nil
		}, "GETMETADATA "+quote(encodeUTF7(listPattern(prefix))+"*")+" (/private/"+folderType+" /shared/"+folderType+")")
		return err // a NO is a server that does not know the entry
	})
	return types, err
}

// parseMetadata reads a METADATA answer with values (RFC 5464 section 4.4.1). An entry without a value is "".
func parseMetadata(s *scanner) (mailbox string, entries map[string]string) {
	s.spaces()
	raw := string(s.astring())
	name, err := decodeUTF7(raw)
	if err != nil {
		return "", nil
	}
	s.spaces()
	s.need('(')
	entries = map[string]string{}
	for !s.bad {
		s.spaces()
		if s.take(')') {
			return name, entries
		}
		entry := string(s.astring())
		s.spaces()
		value, _ := s.nstring()
		if !s.bad {
			entries[entry] = string(value)
		}
	}
	return "", nil
}
