package translate

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Op says what a version does.
type Op uint8

// The operations of X-Calgate-Op.
const (
	OpPut    Op = iota + 1 // a version of a calendar object
	OpDelete               // a tombstone: the end of a life
	OpProps                // a version of the collection's own properties
)

// String is the word that stands in X-Calgate-Op.
func (o Op) String() string {
	switch o {
	case OpPut:
		return "put"
	case OpDelete:
		return "delete"
	case OpProps:
		return "props"
	}
	return ""
}

// Token names one attempt to write a version: 16 lower-case hex digits, or ""
// where there is none. As the name of a life it is the Token of the first
// version, or "<UIDVALIDITY>-<UID>" of the foreign message that was replaced.
type Token string

// NewToken draws a Token.
func NewToken() Token {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return Token(hex.EncodeToString(b[:]))
}

// lifeOver names the life of what replaces a foreign message.
func lifeOver(uidValidity, uid uint32) Token {
	b := make([]byte, 0, 21)
	b = strconv.AppendUint(b, uint64(uidValidity), 10)
	b = append(b, '-')
	return Token(strconv.AppendUint(b, uint64(uid), 10))
}

// Predecessor is a version that another one replaced. UID is 0 where it means
// nothing under the UIDVALIDITY of the message that says so; Token is "" for a
// message of another program.
type Predecessor struct {
	UID   uint32
	Token Token
}

// Bounds on the header fields of a version.
const (
	// MaxName is the longest resource name, in octets.
	MaxName = 255
	// MaxPrev is how many predecessors a version names.
	MaxPrev = 16
	// maxGen is the highest number that a version may have in its life.
	maxGen = 1<<31 - 1
)

// Record is what the index knows of one message. It is never changed once it is
// part of a Listing. Small fields stand together, as there are tens of thousands.
type Record struct {
	UID uint32
	// Ours: the message has valid X-Calgate fields. Foreign: it is iCalendar by
	// another program. Neither: mail, which the rule does not see.
	Ours, Foreign bool
	// Mixed: a foreign mail with more in it than an event; it is hidden when it
	// is covered, but never removed.
	Mixed bool
	// Opened: Sequence and DTStamp have been read from the body.
	Opened bool
	// Unopened: a message without our fields that may hold iCalendar: Open tells.
	Unopened bool
	// Unreadable: a message without our fields that says it is iCalendar, and could
	// not be read as an object, or is too large for one.
	Unreadable bool
	// ReadOnly: a version of a later calgate, from another folder. It is shown as
	// far as it can be read, and never replaced.
	ReadOnly bool
	Deleted  bool // \Deleted

	Op Op

	Sequence uint32 // SEQUENCE and DTSTAMP of a foreign message or a copy
	DTStamp  string

	Name    string // resource name, decoded octets; of a private props message "~owner/mailbox"
	ICalUID string // iCalendar UID in its stored form, "" where there is none

	Folder uint32 // UIDVALIDITY that it was written for
	Gen    uint32 // number of the version in its life, 1 = the first
	Base   uint32 // UID of the version it replaces, 0 = a create
	Asof   uint32 // highest UID known to the first writer of the life under Folder
	Life   Token
	Token  Token
	Prev   []Predecessor // newest first, at most MaxPrev

	Hash      string // SHA-256 of the body, 64 hex digits; "" for a delete
	Length    int64  // octets of the body
	Span      Span
	MovedFrom string // value of X-Calgate-Moved-From, "" where there is none
	MailboxID string // X-Calgate-MailboxID of a props message, decoded: of the mailbox that it is about; "" where there is none

	Size         int64     // RFC822.SIZE
	InternalDate time.Time // INTERNALDATE
}

// ErrNewerVersion says that a message was written by a later calgate, whose
// fields this one cannot judge.
var ErrNewerVersion = errors.New("translate: the message has a newer X-Calgate version: upgrade all gateways")

// IndexFields are the header fields that an index fetch asks for. Received,
// Return-Path and Delivered-To tell what came by mail; Date, From, Message-ID
// and Content-Type tell a message without our fields from one that vanished.
var IndexFields = []string{
	"X-Calgate-Op", "X-Calgate-Name", "X-Calgate-UID", "X-Calgate-Folder",
	"X-Calgate-Life", "X-Calgate-Gen", "X-Calgate-Base", "X-Calgate-Asof",
	"X-Calgate-Prev", "X-Calgate-Token", "X-Calgate-Hash", "X-Calgate-Length",
	"X-Calgate-Span", "X-Calgate-Moved-From", "X-Calgate-MailboxID",
	"Date", "From", "Message-ID", "Content-Type",
	"Received", "Return-Path", "Delivered-To",
}

// FormatMovedFrom is the value of X-Calgate-Moved-From: where the source of a
// MOVE was, and its head.
func FormatMovedFrom(mailbox string, uidValidity uint32, head Token) string {
	return PercentEncode(storedName(mailbox)) + ";" + strconv.FormatUint(uint64(uidValidity), 10) + ";" + string(head)
}

// storedName is the form in which a mailbox name, or "~owner/mailbox", stands in
// a field, so that its line stays below 998 octets (RFC 5322 section 2.1.1).
func storedName(s string) string {
	if len(s) <= MaxName {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// nameable says whether a resource can be reached under a name: what the URL
// space has no spelling for is no name.
func nameable(s string) bool {
	if s == "" || len(s) > MaxName || s == "." || s == ".." {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == 0x7f || s[i] == '/' {
			return false
		}
	}
	return true
}

const upperHex = "0123456789ABCDEF"

// Hash is the value of X-Calgate-Hash: the SHA-256 of a body, 64 hex digits.
func Hash(body []byte) string {
	sum := sha256.Sum256(body)
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

// PercentDecode undoes PercentEncode; an octet that it would not have written is
// an error.
func PercentDecode(s string) (string, bool) { return percentDecode([]byte(s)) }

// PercentEncode percent-encodes all octets but the unreserved ones of RFC 3986
// section 2.3.
func PercentEncode(s string) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if !unreserved(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
