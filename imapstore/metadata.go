package imapstore

// folderType is the annotation by which Kolab and programs after its model say what a folder is for: "event", "task", with
// ".default" behind it for the one that is used first.
const folderType = "vendor/kolab/folder-type"

// folderTypes are the entries of METADATA (RFC 5464) that say it. What the user set privately counts before what is set for
// everybody.
const folderTypes = "(/private/" + folderType + " /shared/" + folderType + ")"

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
