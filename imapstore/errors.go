package imapstore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Kind says what an error means to the caller. The set is closed.
type Kind int

// The kinds of errors.
const (
	Unavailable    Kind = iota + 1 // the server is away, busy or silent: try again later
	BadCredentials                 // name and password were refused (RFC 5530 AUTHENTICATIONFAILED)
	Denied                         // the account may not log in, or the server refuses such a mailbox name
	NotFound                       // the mailbox does not exist, or may not be seen
	Exists                         // the mailbox exists already
	OverQuota                      // nothing was stored (RFC 9208 OVERQUOTA, or what GETQUOTAROOT says)
	TooLate                        // the last octet could not leave before the deadline: nothing was stored
	Unsupported                    // the server lacks the extension
	NoPermission                   // a right is missing (RFC 5530 NOPERM)
	Bad                            // the server refused for a reason it did not name
)

var kindText = [...]string{
	Unavailable: "unavailable", BadCredentials: "bad credentials", Denied: "denied", NotFound: "not found",
	Exists: "exists", OverQuota: "over quota", TooLate: "too late", Unsupported: "unsupported",
	NoPermission: "no permission", Bad: "refused",
}

// String is the kind in words.
func (k Kind) String() string {
	if k > 0 && int(k) < len(kindText) {
		return kindText[k]
	}
	return fmt.Sprintf("kind %d", int(k))
}

// Error is every error of this package.
type Error struct {
	Op, Mailbox string
	Kind        Kind
	Unknown     bool // the command may have taken effect: look
	Err         error

	// What a Login that failed has cost: commands sent, and time.
	Commands int
	Took     time.Duration
}

// Error is "Append "Calendar": over quota: <the server's text>".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("imapstore: ")
	b.WriteString(e.Op)
	if e.Mailbox != "" {
		fmt.Fprintf(&b, " %q", e.Mailbox)
	}
	b.WriteString(": ")
	b.WriteString(e.Kind.String())
	if e.Unknown {
		b.WriteString(" (outcome unknown)")
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// IsKind says whether err is an *Error of that kind.
func IsKind(err error, k Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

// refusal is a tagged NO or BAD. It carries the server's text, which is for the log; of it only cyrusLimit is ever
// compared.
type refusal struct {
	reply reply
}

func (r *refusal) Error() string {
	if r.reply.code != "" {
		return fmt.Sprintf("%s [%s] %s", r.reply.status, r.reply.code, r.reply.text)
	}
	return r.reply.status + " " + r.reply.text
}

// refused turns what imapclient returns for a tagged NO or BAD into a *refusal; any other error stays.
func refused(err error) error {
	var ie *imap.Error
	if errors.As(err, &ie) {
		return &refusal{reply{status: string(ie.Type), code: strings.ToUpper(string(ie.Code)), text: ie.Text}}
	}
	return err
}

// codeKind is the meaning of a response code outside of a login (RFC 5530 section 3, RFC 9051 section 7.1).
func codeKind(code string) Kind {
	switch code {
	case "NONEXISTENT", "TRYCREATE":
		return NotFound
	case "ALREADYEXISTS":
		return Exists
	case "OVERQUOTA":
		return OverQuota
	case "NOPERM", "AUTHORIZATIONFAILED":
		return NoPermission
	case "CANNOT":
		return Denied
	case "UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN", "CORRUPTION":
		return Unavailable
	}
	return Bad
}

// kindOf is the Kind of what went wrong in an exchange: a refusal by its code, anything else cost the connection.
func kindOf(err error) Kind {
	var r *refusal
	if errors.As(err, &r) {
		return codeKind(r.reply.code)
	}
	return Unavailable
}

// wrap names the operation and the mailbox; an *Error keeps its kind.
func wrap(op, mailbox string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Op == "" {
			e.Op, e.Mailbox = op, mailbox
		}
		return err
	}
	return &Error{Op: op, Mailbox: mailbox, Kind: kindOf(err), Err: err}
}
