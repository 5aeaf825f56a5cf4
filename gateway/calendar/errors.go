package calendar

import (
	"context"
	"errors"
	"fmt"

	"calgate/imapstore"
)

// ErrorKind says what went wrong in the words of the protocol, so that one place
// in front can turn it into a status.
type ErrorKind int

// The kinds of Error.
const (
	Unavailable        ErrorKind = iota // the mail server or the folder cannot serve now; try again
	BadCredentials                      // the mail server does not know this name and password
	Denied                              // the mail server knows the user and refuses the login
	NotFound                            // no such mailbox or object
	Forbidden                           // an IMAP right is missing; Privilege says which
	Exists                              // something is there already
	Conflict                            // an ancestor is missing
	UIDConflict                         // another object holds the iCalendar UID; Name says which
	PreconditionFailed                  // the write lost against another one, or its condition does not hold
	OverQuota                           // the mail server has no room for it
	InvalidToken                        // a sync token that this folder cannot answer
	TooMany                             // more properties than a calendar may have
	NameRefused                         // a name that cannot be made
	Unsayable                           // an ACL that IMAP rights cannot say, or that the mail server did not make
	Protected                           // the mail server, or its owner, has an entry of an ACL that cannot be changed
	PrincipalRefused                    // the mail server does not take such a principal in an ACL; Name says which
	TooManyGrants                       // more entries than an ACL may have
	TooManyOthers                       // one request names too many mailboxes of other users
)

var kindText = [...]string{"unavailable", "bad credentials", "login denied", "not found", "forbidden", "exists",
	"missing ancestor", "iCalendar UID in use", "precondition failed", "over quota", "invalid sync token", "too many properties", "name refused",
	"ACL refused", "protected", "principal refused", "too many entries in an ACL", "too many mailboxes of others"}

func (k ErrorKind) String() string { return kindText[k] }

// Privilege is a DAV privilege (RFC 3744 section 3, RFC 4791 section 6.1).
type Privilege string

// The privileges that IMAP rights can give.
const (
	Read            Privilege = "read"
	ReadFreeBusy    Privilege = "read-free-busy"
	Bind            Privilege = "bind"
	WriteContent    Privilege = "write-content"
	Unbind          Privilege = "unbind"
	WriteProperties Privilege = "write-properties"
	ReadACL         Privilege = "read-acl"
	WriteACL        Privilege = "write-acl"
)

// Error is what every function of this package returns when it fails, but for
// the errors of a Condition, which come back as they are.
type Error struct {
	Op        string // Open, Put, Delete, Patch, …
	Mailbox   string
	Kind      ErrorKind
	Name      string    // UIDConflict: the object that holds the iCalendar UID; of an ACL: the principal
	Privilege Privilege // Forbidden: what is missing
	Err       error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("calendar: %s %q: %s", e.Op, e.Mailbox, e.Kind)
	if e.Name != "" {
		s += fmt.Sprintf(" (%q)", e.Name)
	}
	if e.Privilege != "" {
		s += " (" + string(e.Privilege) + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// IsKind tells whether err is an Error of that kind.
func IsKind(err error, k ErrorKind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

var storeKinds = map[imapstore.Kind]ErrorKind{
	imapstore.BadCredentials: BadCredentials,
	imapstore.Denied:         Denied,
	imapstore.NotFound:       NotFound,
	imapstore.Exists:         Exists,
	imapstore.OverQuota:      OverQuota,
	imapstore.NoPermission:   Forbidden,
}

// wrap gives an error of the store its kind here; nil stays nil, and an error of
// this package stays as it is.
func wrap(op, mailbox string, err error) error {
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	var e *imapstore.Error
	kind := Unavailable
	if errors.As(err, &e) {
		if k, ok := storeKinds[e.Kind]; ok {
			kind = k
		}
	}
	return &Error{Op: op, Mailbox: mailbox, Kind: kind, Err: err}
}

// storeKind tells whether err is an imapstore.Error of that kind.
func storeKind(err error, k imapstore.Kind) bool {
	var e *imapstore.Error
	return errors.As(err, &e) && e.Kind == k
}

// unknown tells whether a write that failed with err may have happened all the
// same. A context that ended says nothing else.
func unknown(err error) bool {
	var e *imapstore.Error
	return errors.As(err, &e) && e.Unknown || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
