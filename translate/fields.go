package translate

import (
	"bytes"
	"strconv"
	"strings"
)

// The X-Calgate fields, by their place in a fieldSet.
const (
	fieldOp = iota
	fieldName
	fieldUID
	fieldFolder
	fieldLife
	fieldGen
	fieldBase
	fieldAsof
	fieldPrev
	fieldToken
	fieldHash
	fieldLength
	fieldSpan
	fieldMovedFrom
	fieldCount
)

// fieldNames are the names after "X-Calgate-", in lower case.
var fieldNames = [fieldCount]string{
	"op", "name", "uid", "folder", "life", "gen", "base", "asof", "prev",
	"token", "hash", "length", "span", "moved-from",
}

const fieldPrefix = "x-calgate-"

// fieldMailboxID is none of these. Gateways of before do not know it, and all must agree which versions are valid: whatever is
// wrong with it, the version is as without it.
const fieldMailboxID = "mailboxid"

// Which fields a version must have, and which it may have besides.
const (
	fieldsAll    = 1<<fieldMovedFrom - 1
	fieldsBody   = 1<<fieldHash | 1<<fieldLength | 1<<fieldSpan
	fieldsPut    = fieldsAll
	fieldsDelete = fieldsAll &^ fieldsBody
	fieldsProps  = fieldsAll &^ (1 << fieldSpan)
)

// fieldSet holds the raw values of one header block.
type fieldSet struct {
	value  [fieldCount][]byte
	seen   uint32
	broken bool // a field twice, or on more than one line
	mailed bool // a field that only a mail transport writes
	maybe  bool // Content-Type is one under which iCalendar comes
	typed  bool // Content-Type is that of iCalendar

	mailboxID [][]byte // values of X-Calgate-MailboxID
}

// ParseFields reads the header block of an index fetch. A message without valid
// fields, or one that came by mail, gives a Record with Ours false. The error is
// ErrNewerVersion for a message of a later calgate; Folder is filled then.
//
// Whether the numbers of a native version are possible is for Heads to say,
// which knows the UIDVALIDITY.
func ParseFields(uid uint32, header []byte) (Record, error) {
	var f fieldSet
	f.read(header)
	mail := Record{UID: uid, Unopened: f.maybe, Unreadable: f.typed} // Open tells
	if f.mailed || f.broken || f.seen&(1<<fieldOp) == 0 {
		return mail, nil
	}
	op, version, ok := parseOp(f.value[fieldOp])
	if !ok {
		return mail, nil
	}
	if version > 1 {
		folder, ok := parseUint32(f.value[fieldFolder])
		if !ok || folder == 0 {
			return mail, nil
		}
		mail.Folder = folder
		return mail, ErrNewerVersion
	}
	r := Record{UID: uid, Ours: true, Op: op}
	if op == 0 || !f.complete(op) || !f.identity(&r) || !f.place(&r) || !f.content(&r) {
		return mail, nil
	}
	return r, nil
}

// read finds the fields. Folded X-Calgate fields are not valid: each stands on
// one line.
func (f *fieldSet) read(header []byte) {
	last := -1 // the X-Calgate field of the line before
	for len(header) > 0 {
		line := header
		if i := bytes.IndexByte(header, '\n'); i >= 0 {
			line, header = header[:i], header[i+1:]
		} else {
			header = nil
		}
		line = bytes.TrimSuffix(line, crlf[:1])
		if len(line) == 0 {
			return
		}
		switch line[0] {
		case ' ', '\t':
			f.broken = f.broken || last >= 0
			continue
		case 'x', 'X':
			last = f.own(line)
			continue
		case 'r', 'R', 'd', 'D':
			f.mailed = f.mailed || hasField(line, "received") || hasField(line, "return-path") || hasField(line, "delivered-to")
		case 'c', 'C':
			if hasField(line, "content-type") {
				maybe, typed := mayHoldCalendar(line)
				f.maybe, f.typed = f.maybe || maybe, f.typed || typed
			}
		}
		last = -1
	}
}

// mayHoldCalendar says whether a Content-Type is one under which calendar programs
// and mail bring iCalendar, and whether it says so itself. A type that stands on a
// folded line may be.
func mayHoldCalendar(line []byte) (maybe, typed bool) {
	_, value, _ := bytes.Cut(line, []byte(":"))
	kind, _, _ := bytes.Cut(value, []byte(";"))
	switch kind := strings.ToLower(string(bytes.Trim(kind, " \t"))); kind {
	case "text/calendar", "application/ics":
		return true, true
	case "", "application/octet-stream":
		return true, false
	default:
		return strings.HasPrefix(kind, "multipart/"), false
	}
}

// own takes one line that may be an X-Calgate field, and says which.
func (f *fieldSet) own(line []byte) int {
	if len(line) < len(fieldPrefix) || !isFieldName(line[:len(fieldPrefix)], fieldPrefix) {
		return -1
	}
	rest := line[len(fieldPrefix):]
	colon := bytes.IndexByte(rest, ':')
	if colon < 0 {
		return -1
	}
	name, value := bytes.TrimRight(rest[:colon], " \t"), rest[colon+1:]
	for i, want := range fieldNames {
		if len(name) == len(want) && isFieldName(name, want) {
			f.broken = f.broken || f.seen&(1<<i) != 0
			f.seen |= 1 << i
			f.value[i] = bytes.Trim(value, " \t")
			return i
		}
	}
	if len(name) == len(fieldMailboxID) && isFieldName(name, fieldMailboxID) {
		f.mailboxID = append(f.mailboxID, bytes.Trim(value, " \t"))
	}
	return -1 // unknown X-Calgate fields are ignored
}

// complete says whether exactly the fields of this operation are there.
func (f *fieldSet) complete(op Op) bool {
	have := f.seen &^ (1 << fieldMovedFrom)
	switch op {
	case OpPut:
		return have == fieldsPut
	case OpDelete:
		return have == fieldsDelete
	}
	return have == fieldsProps
}

// identity reads what the version is a version of.
func (f *fieldSet) identity(r *Record) bool {
	var ok1, ok2 bool
	r.Name, ok1 = percentDecode(f.value[fieldName])
	r.ICalUID, ok2 = percentDecode(f.value[fieldUID])
	if !ok1 || !ok2 || len(r.ICalUID) > MaxUID {
		return false
	}
	if r.Op == OpProps {
		return r.ICalUID == "" && (r.Name == "" || len(r.Name) <= MaxName && r.Name[0] == '~' || strings.HasPrefix(r.Name, "sha256:"))
	}
	return nameable(r.Name)
}

// place reads where the version stands in its life and folder.
func (f *fieldSet) place(r *Record) bool {
	for _, n := range []struct {
		field int
		to    *uint32
	}{{fieldFolder, &r.Folder}, {fieldGen, &r.Gen}, {fieldBase, &r.Base}, {fieldAsof, &r.Asof}} {
		v, ok := parseUint32(f.value[n.field])
		if !ok {
			return false
		}
		*n.to = v
	}
	if r.Folder == 0 || r.Gen < 1 || r.Gen > maxGen || r.Gen > 1 && r.Base == 0 {
		return false
	}
	life, token := f.value[fieldLife], f.value[fieldToken]
	if !isHex(token, 16) || !isLife(life) {
		return false
	}
	r.Token = Token(token)
	if r.Life = r.Token; !bytes.Equal(life, token) {
		r.Life = Token(life)
	}
	var ok bool
	r.Prev, ok = parsePrev(f.value[fieldPrev])
	return ok
}

// content reads what the version says of its body.
func (f *fieldSet) content(r *Record) bool {
	if f.seen&(1<<fieldMovedFrom) != 0 {
		if r.MovedFrom = string(f.value[fieldMovedFrom]); !isMovedFrom(r.MovedFrom) {
			return false
		}
	}
	if r.Op == OpDelete {
		return true
	}
	length, err := strconv.ParseUint(string(f.value[fieldLength]), 10, 63)
	if err != nil || !isHex(f.value[fieldHash], 64) {
		return false
	}
	r.Length, r.Hash = int64(length), string(f.value[fieldHash])
	if r.Op == OpProps {
		if len(f.mailboxID) == 1 {
			if id, ok := percentDecode(f.mailboxID[0]); ok && len(id) <= MaxName {
				r.MailboxID = id
			}
		}
		return true
	}
	var ok bool
	r.Span, ok = readSpan(string(f.value[fieldSpan]))
	return ok
}

// readSpan reads X-Calgate-Span. A span by other rules than ours means "maybe";
// it must not make the version invalid, or two releases of calgate that run side
// by side would see two calendars.
func readSpan(s string) (Span, bool) {
	v, _, _ := strings.Cut(s, ";")
	version, ok := parseUint32([]byte(v))
	if !ok || version > 1<<16 {
		return Span{}, false
	}
	if version != SpanVersion {
		return Span{Version: int(version)}, true
	}
	return ParseSpan(s)
}

// parseOp reads "put; v=1". The Op is 0 for a word that version 1 does not have.
func parseOp(b []byte) (op Op, version uint32, ok bool) {
	word, param, found := bytes.Cut(b, []byte(";"))
	param, isVersion := bytes.CutPrefix(bytes.TrimLeft(param, " "), []byte("v="))
	version, ok = parseUint32(param)
	if !found || !isVersion || !ok || version == 0 {
		return 0, 0, false
	}
	switch string(bytes.TrimRight(word, " ")) {
	case "put":
		op = OpPut
	case "delete":
		op = OpDelete
	case "props":
		op = OpProps
	}
	return op, version, true
}

// parsePrev reads "<UID>.<Token> <UID>.-", or "-".
func parsePrev(b []byte) ([]Predecessor, bool) {
	if len(b) == 1 && b[0] == '-' {
		return nil, true
	}
	s := string(b) // the Tokens share it
	n := strings.Count(s, " ") + 1
	if n > MaxPrev {
		return nil, false
	}
	prev := make([]Predecessor, 0, n)
	for part := range strings.SplitSeq(s, " ") {
		number, token, _ := strings.Cut(part, ".")
		uid, ok := parseUint32([]byte(number))
		if !ok {
			return nil, false
		}
		if token == "-" {
			token = ""
		} else if !isHex(token, 16) {
			return nil, false
		}
		prev = append(prev, Predecessor{uid, Token(token)})
	}
	return prev, true
}

// isMovedFrom says whether s is "<mailbox>;<UIDVALIDITY>;<Token>".
func isMovedFrom(s string) bool {
	mailbox, rest, ok := strings.Cut(s, ";")
	number, token, ok2 := strings.Cut(rest, ";")
	_, ok3 := percentDecode([]byte(mailbox))
	_, ok4 := parseUint32([]byte(number))
	return ok && ok2 && ok3 && ok4 && mailbox != "" && isHex(token, 16)
}

// isLife says whether b can name a life.
func isLife(b []byte) bool {
	if isHex(b, 16) {
		return true
	}
	valid, uid, found := bytes.Cut(b, []byte("-"))
	v, ok1 := parseUint32(valid)
	u, ok2 := parseUint32(uid)
	return found && ok1 && ok2 && v != 0 && u != 0
}

func isHex[S []byte | string](s S, n int) bool {
	if len(s) != n {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// parseUint32 reads a number as we write it: digits, no leading zero.
func parseUint32(b []byte) (uint32, bool) {
	if len(b) == 0 || len(b) > 10 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), n <= 1<<32-1
}

// percentDecode undoes PercentEncode; an octet that PercentEncode would not have
// written is an error.
func percentDecode(b []byte) (string, bool) {
	plain := true
	for _, c := range b {
		if !unreserved(c) {
			plain = false
			break
		}
	}
	if plain {
		return string(b), true
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case unreserved(c):
			out = append(out, c)
		case c == '%' && i+2 < len(b):
			hi, lo := unhex(b[i+1]), unhex(b[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			out = append(out, byte(hi<<4|lo))
			i += 2
		default:
			return "", false
		}
	}
	return string(out), true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isFieldName compares ASCII in any case; lower is in lower case and as long as b.
func isFieldName(b []byte, lower string) bool {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// hasField says whether a header line is the field of that lower-case name.
func hasField(line []byte, name string) bool {
	if len(line) <= len(name) || !isFieldName(line[:len(name)], name) {
		return false
	}
	rest := bytes.TrimLeft(line[len(name):], " \t") // RFC 5322 section 4.5.3: blanks before the colon
	return len(rest) > 0 && rest[0] == ':'
}
