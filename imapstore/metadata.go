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
	if !s.c.caps.Metadata {
		return nil, nil
	}
	types := map[string]string{}
	err := s.do(ctx, "FolderTypes", "", again, func(c *conn) error {
		private := map[string]bool{}
		_, err := c.command(func(r *response) error {
			if r.kind != "METADATA" {
				return nil
			}
			name, entries := parseMetadata(r.scan())
			shown, ok := c.shown(name)
			if !ok {
				return nil
			}
			for entry, value := range entries {
				own := strings.EqualFold(entry, "/private/"+folderType)
				if value == "" || !own && (private[shown] || !strings.EqualFold(entry, "/shared/"+folderType)) {
					continue
				}
				private[shown] = private[shown] || own
				types[shown] = strings.ToLower(value)
			}
			return nil
		}, "GETMETADATA "+quote(encodeUTF7(c.ns.Personal[0].Prefix)+"*")+" (/private/"+folderType+" /shared/"+folderType+")")
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
