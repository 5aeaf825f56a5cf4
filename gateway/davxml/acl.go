package davxml

import (
	"io"
	"strings"
)

// ACE is one entry of a DAV:acl (RFC 3744 section 5.5).
type ACE struct {
	Principal            ACEPrincipal
	Invert, Deny         bool
	Privileges           []Name
	Protected, Inherited bool
}

// ACEPrincipal says whom an ACE is about (RFC 3744 section 5.5.1).
type ACEPrincipal struct {
	Form     Name   // DAV:href, all, authenticated, unauthenticated, self, property
	Href     string // of DAV:href, as written
	Property Name   // of DAV:property
}

// ReadACL reads the body of an ACL request (RFC 3744 section 8.1).
func ReadACL(body io.Reader) ([]ACE, error) {
	r := newReader(body)
	if err := r.expect(Name{Space: DAV, Local: "acl"}); err != nil {
		return nil, err
	}
	var aces []ACE
	err := r.children(func(t token) error {
		if t.name != (Name{Space: DAV, Local: "ace"}) {
			return nil
		}
		ace, err := r.ace()
		aces = append(aces, ace)
		return err
	})
	if err != nil {
		return nil, err
	}
	return aces, r.end()
}

func (r *reader) ace() (ACE, error) {
	var ace ACE
	decisions := 0
	err := r.davChildren(func(t token) (err error) {
		switch t.name.Local {
		case "principal":
			ace.Principal, err = r.acePrincipal()
		case "invert":
			ace.Invert = true
			err = r.davChildren(func(t token) (err error) {
				if t.name.Local == "principal" {
					ace.Principal, err = r.acePrincipal()
				}
				return err
			})
		case "grant", "deny":
			decisions++
			ace.Deny = t.name.Local == "deny"
			ace.Privileges, err = r.privileges()
		case "protected":
			ace.Protected = true
		case "inherited":
			ace.Inherited = true
		}
		return err
	})
	switch {
	case err != nil:
		return ace, err
	case ace.Principal.Form.Local == "":
		return ace, malformed("DAV:ace needs a DAV:principal")
	case decisions != 1 || len(ace.Privileges) == 0:
		return ace, malformed("DAV:ace needs one DAV:grant or DAV:deny with privileges")
	}
	return ace, nil
}

// davChildren is children for those of the namespace DAV:.
func (r *reader) davChildren(f func(token) error) error {
	return r.children(func(t token) error {
		if t.name.Space != DAV {
			return nil
		}
		return f(t)
	})
}

func (r *reader) acePrincipal() (p ACEPrincipal, err error) {
	err = r.davChildren(func(t token) (err error) {
		if p.Form.Local != "" {
			return malformed("DAV:principal holds one element")
		}
		p.Form = t.name
		switch t.name.Local {
		case "href":
			p.Href, err = r.text()
			p.Href = strings.TrimSpace(p.Href)
		case "property":
			err = r.children(func(t token) error {
				p.Property = t.name
				return nil
			})
		}
		return err
	})
	return p, err
}

// privileges reads DAV:privilege elements, each with one name in it.
func (r *reader) privileges() (names []Name, err error) {
	err = r.davChildren(func(t token) error {
		if t.name.Local != "privilege" {
			return nil
		}
		found := 0
		err := r.children(func(t token) error {
			names = append(names, t.name)
			found++
			return nil
		})
		if err == nil && found != 1 {
			err = malformed("DAV:privilege holds one element")
		}
		return err
	})
	return names, err
}

// Sharee is one user of a request to share a calendar, or to end that.
type Sharee struct {
	Href   string // as written
	Access Access
}

// Access is what a sharee gets.
type Access uint8

// The kinds of access.
const (
	NoAccess Access = iota + 1
	ReadAccess
	ReadWriteAccess
)

// ReadShare reads a CS:share as Apple's programs send it, or a DAV:share-resource (draft-pot-webdav-resource-sharing).
func ReadShare(body io.Reader) ([]Sharee, error) {
	r := newReader(body)
	t, err := r.root()
	if err == io.EOF {
		return nil, malformed("the body is empty")
	} else if err != nil {
		return nil, err
	}
	var sharees []Sharee
	one := map[Name]func() (Sharee, error){}
	switch t.name {
	case Name{Space: CalendarServer, Local: "share"}:
		one[Name{Space: CalendarServer, Local: "set"}] = func() (Sharee, error) { return r.sharee(0) }
		one[Name{Space: CalendarServer, Local: "remove"}] = func() (Sharee, error) { return r.sharee(NoAccess) }
	case Name{Space: DAV, Local: "share-resource"}:
		one[Name{Space: DAV, Local: "sharee"}] = func() (Sharee, error) { return r.sharee(0) }
	default:
		return nil, malformed("the body is neither CS:share nor DAV:share-resource")
	}
	err = r.children(func(t token) error {
		read := one[t.name]
		if read == nil {
			return nil
		}
		s, err := read()
		sharees = append(sharees, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(sharees) == 0 {
		return nil, malformed("the body names nobody")
	}
	return sharees, r.end()
}

// accesses are the elements that name them, whatever their namespace and parent.
var accesses = map[string]Access{
	"no-access": NoAccess, "not-shared": NoAccess, "read": ReadAccess, "read-write": ReadWriteAccess, "read-write-schedule": ReadWriteAccess,
}

func (r *reader) sharee(access Access) (Sharee, error) {
	s := Sharee{Access: access}
	err := r.children(func(t token) (err error) {
		switch {
		case t.name == Name{Space: DAV, Local: "href"}:
			s.Href, err = r.text()
			s.Href = strings.TrimSpace(s.Href)
		case t.name == Name{Space: DAV, Local: "share-access"}:
			err = r.davChildren(func(t token) error {
				s.Access = accesses[t.name.Local]
				return nil
			})
		case t.name.Space == CalendarServer && accesses[t.name.Local] != 0 && access == 0:
			s.Access = accesses[t.name.Local]
		}
		return err
	})
	switch {
	case err != nil:
		return s, err
	case s.Href == "":
		return s, malformed("a sharee needs a DAV:href")
	case s.Access == 0:
		return s, malformed("a sharee needs an access that is read, read-write or none")
	}
	return s, nil
}
