package imapstore

import (
	"context"
)

// folderType is the annotation by which Kolab and programs after its model say what a folder is for: "event", "task", with
// ".default" behind it for the one that is used first.
const folderType = "vendor/kolab/folder-type"

// folderTypes are the entries of METADATA (RFC 5464) that say it. What the user set privately counts before what is set for
// everybody.
const folderTypes = "(/private/" + folderType + " /shared/" + folderType + ")"

// FolderType is the folder type of one mailbox, whether LIST shows it or not; "" where it has none.
func (s *Session) FolderType(ctx context.Context, mailbox string) (string, error) {
	if !s.c.caps.Metadata {
		return "", nil
	}
	typed := ""
	err := s.do(ctx, "FolderType", mailbox, again, func(c *conn) error {
		real, err := c.server(mailbox)
		if err != nil {
			return &Error{Kind: NotFound, Err: err}
		}
		o := overview{c: c, typed: map[string]bool{}, types: map[string]string{}}
		_, err = c.command(o.take, "GETMETADATA "+arg(real)+" "+folderTypes) // a NO is a server that does not know the entry
		typed = o.types[real]
		return err
	})
	return typed, err
}

// parseMetadata reads a METADATA answer with values (RFC 5464 section 4.4.1). An entry without a value is "".
func parseMetadata(s *scanner) (mailbox string, entries map[string]string) {
	s.spaces()
	raw := string(s.astring())
	name, err := DecodeUTF7(raw)
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
