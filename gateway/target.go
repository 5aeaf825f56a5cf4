package gateway

import (
	"net/http"
	"strings"
)

// Realm is the part of the URL space that the first segments name.
type Realm int

// The realms. RealmNone is everything that is not ours.
const (
	RealmNone Realm = iota
	RealmRoot
	RealmWellKnown // RFC 6764 section 5
	RealmRobots    // RFC 9309 section 2.3
	RealmCalDAV
	RealmUser    // principals
	RealmFeed    // CalendarData: a calendar as one resource
	RealmFeedDel // CalendarDataDel: the same, but a PUT replaces everything
)

// Target is what a URL means, before any I/O.
type Target struct {
	Realm    Realm
	Owner    string   // account named by "~owner", or by a principal URL; decoded
	HasOwner bool     // whether the URL names one
	Share    *Share   // the calendar of another user that a home shows, if the URL names one
	Path     []string // decoded segments after realm, owner and share
	Slash    bool     // whether the URL ends in a slash

	raw []string // all segments as the request spelled them, escaped where a URL must be
}

// maxOwner bounds the name of an account, in octets after decoding. Who is not there is
// looked for all the same, in IMAP under several spellings.
const maxOwner = 255

// rawPath is the escaped path as it stood in the request line: net/url drops RawPath
// where the path is escaped as it would do it itself.
func rawPath(r *http.Request) string {
	if r.URL.RawPath != "" {
		return r.URL.RawPath
	}
	if r.Method == http.MethodOptions && r.URL.Path == "*" {
		return "/" // the server as a whole (RFC 9110 section 9.3.7)
	}
	return r.URL.EscapedPath()
}

// ParseTarget reads an escaped path. It is split at "/" first, and each segment is
// decoded on its own: "%2F" never separates. Empty segments count for nothing, since
// no client sends its body again after a redirect. Errors are *HTTPError, 400 or 404.
func ParseTarget(escaped string) (Target, error) {
	if escaped != "" && escaped[0] != '/' {
		return Target{}, notFound("no such resource")
	}
	t := Target{Slash: strings.HasSuffix(escaped, "/")}
	var segments []string
	for s := range strings.SplitSeq(escaped, "/") {
		if s == "" {
			continue
		}
		decoded, err := decodeSegment(s)
		if err != nil {
			return Target{}, err
		}
		segments = append(segments, decoded)
		t.raw = append(t.raw, legalSegment(s))
	}
	t.place(segments)
	if len(t.Owner) > maxOwner || t.Share != nil && len(t.Share.Owner) > maxOwner {
		return Target{}, notFound("no such resource")
	}
	return t, nil
}

// place sorts decoded segments into realm, owner and path.
func (t *Target) place(s []string) {
	if len(s) == 0 {
		t.Realm = RealmRoot
		return
	}
	rest := s[1:]
	switch s[0] {
	case "CalDAV":
		t.Realm = RealmCalDAV
	case "CalendarData":
		t.Realm = RealmFeed
	case "CalendarDataDel":
		t.Realm = RealmFeedDel
	case "UserDAV":
		if len(rest) > 1 {
			return
		}
		t.Realm = RealmUser
		if len(rest) == 1 {
			t.Owner, t.HasOwner = strings.TrimPrefix(rest[0], "~"), true
		}
		return
	case ".well-known":
		if len(rest) == 1 && rest[0] == "caldav" {
			t.Realm = RealmWellKnown
		}
		return
	case "robots.txt":
		if len(rest) == 0 && !t.Slash {
			t.Realm = RealmRobots
		}
		return
	default:
		return
	}
	if len(rest) > 0 && strings.HasPrefix(rest[0], "~") && parseShare(rest[0]) == nil {
		t.Owner, t.HasOwner = rest[0][1:], true
		rest = rest[1:]
	}
	if len(rest) > 0 {
		if t.Share = parseShare(rest[0]); t.Share != nil {
			rest = rest[1:]
		}
	}
	t.Path = rest
}

// decodeSegment decodes one segment. Some of what it may say could be taken for more
// than one segment, or for another one, by whoever else reads it: not found.
func decodeSegment(s string) (string, error) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return "", badRequest("malformed percent-encoding in the URL")
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 0 || lo < 0 {
				return "", badRequest("malformed percent-encoding in the URL")
			}
			c = byte(hi<<4 | lo)
			i += 2
		}
		if c < 0x20 || c == 0x7F || c == '/' {
			return "", notFound("no such resource")
		}
		b = append(b, c)
	}
	d := string(b)
	if d == "." || d == ".." {
		return "", notFound("no such resource")
	}
	return d, nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

const upperHex = "0123456789ABCDEF"

// unescaped are the octets that escapeSegment leaves alone, of those that may stand
// for themselves in a segment (pchar, RFC 3986 section 3.3).
const unescaped = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:!$()*+,;="

// pchar adds those that we do not write but take over from a request.
const pchar = unescaped + "&'%"

// escapeSegment escapes any octets as one segment of a URL.
func escapeSegment(s string) string { return escapeBut(s, unescaped) }

// legalSegment keeps the spelling of an escaped segment, but for octets that have no
// place in a URL.
func legalSegment(s string) string { return escapeBut(s, pchar) }

func escapeBut(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// escapePath escapes segments and joins them.
func escapePath(segments []string) string {
	escaped := make([]string, len(segments))
	for i, s := range segments {
		escaped[i] = escapeSegment(s)
	}
	return strings.Join(escaped, "/")
}

// self is the target's own href as the request spelled it.
func (t Target) self(slash bool) string {
	if len(t.raw) == 0 {
		return "/"
	}
	href := "/" + strings.Join(t.raw, "/")
	if slash {
		href += "/"
	}
	return href
}

// base is the home's href as the request spelled it.
func (t Target) base() string {
	n := len(t.raw) - len(t.Path)
	if t.Share != nil {
		n--
	}
	return "/" + strings.Join(t.raw[:n], "/") + "/"
}

// parent is the href of what holds the target, as the request spelled it.
func (t Target) parent() string {
	return "/" + strings.Join(t.raw[:len(t.raw)-1], "/") + "/"
}

// pathOf takes the escaped path from an href, which is an absolute path or a URL
// (RFC 4918 section 8.3). The host is not compared: a balancer may have changed it.
func pathOf(href string) (string, bool) {
	href = strings.TrimSpace(href)
	if _, rest, ok := strings.Cut(href, "://"); ok && !strings.HasPrefix(href, "/") {
		i := strings.IndexAny(rest, "/?#")
		if i < 0 {
			return "/", true
		}
		href = rest[i:]
	}
	if i := strings.IndexAny(href, "?#"); i >= 0 {
		href = href[:i]
	}
	return href, strings.HasPrefix(href, "/")
}
