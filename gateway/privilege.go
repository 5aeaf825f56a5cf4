package gateway

import (
	"encoding/xml"

	"calgate/gateway/calendar"
	"calgate/gateway/davxml"
)

// currentUserPrivilegeSet is flat and complete (RFC 3744 section 5.4): some
// programs know the aggregates only, others only what they are made of.
func currentUserPrivilegeSet(b []byte, s *subject) ([]byte, bool) {
	read := []xml.Name{dav("read"), dav("read-current-user-privilege-set")}
	switch s.kind {
	case placeRoot, placePrincipal:
		return appendPrivileges(b, read), true
	case placeHome:
		read = append(read, caldav("read-free-busy"))
		if s.q.place.owner == "" { // calendars are made and removed in one's own
			read = append(read, dav("bind"), dav("unbind"))
		}
		return appendPrivileges(b, read), true
	}
	if s.view == nil {
		return b, false
	}
	names := append(read, caldav("read-free-busy"))
	write, all := true, true
	for _, p := range calendar.Grantable[1:] {
		isACL := p == calendar.ReadACL || p == calendar.WriteACL
		switch {
		case s.view.May(p):
			names = append(names, dav(string(p)))
		case !isACL:
			write, all = false, false
		case s.q.account.HasACL():
			all = false
		}
	}
	if write {
		names = append(names, dav("write"))
	}
	if all {
		names = append(names, dav("all"))
	}
	return appendPrivileges(b, names), true
}

func appendPrivileges(b []byte, names []xml.Name) []byte {
	for _, name := range names {
		b = append(b, "<D:privilege>"...)
		b = append(davxml.AppendEmpty(b, name), "</D:privilege>"...)
	}
	return b
}

// supportedPrivileges is the tree of DAV:supported-privilege-set (RFC 3744
// section 5.3). What is abstract comes with DAV:read and cannot be given alone.
var supportedPrivileges = privilege{dav("all"), "Everything", false, []privilege{
	{dav("read"), "Read", false, []privilege{
		{dav("read-current-user-privilege-set"), "Read one's own privileges", true, nil},
		{caldav("read-free-busy"), "Read when time is taken", true, nil},
	}},
	{dav("write"), "Write", false, []privilege{
		{dav("write-content"), "Change objects", false, nil},
		{dav("write-properties"), "Change properties", false, nil},
		{dav("bind"), "Add objects", false, nil},
		{dav("unbind"), "Remove objects", false, nil},
	}},
	{dav("read-acl"), "Read who may do what", false, nil},
	{dav("write-acl"), "Change who may do what", false, nil},
}}

type privilege struct {
	name        xml.Name
	description string
	abstract    bool
	contains    []privilege
}

func (p *privilege) find(name xml.Name) *privilege {
	if p.name == name {
		return p
	}
	for i := range p.contains {
		if found := p.contains[i].find(name); found != nil {
			return found
		}
	}
	return nil
}

// leaves are what IMAP rights know of a privilege.
func (p *privilege) leaves() []calendar.Privilege {
	if p.name == dav("read") || len(p.contains) == 0 {
		return []calendar.Privilege{calendar.Privilege(p.name.Local)}
	}
	var all []calendar.Privilege
	for i := range p.contains {
		all = append(all, p.contains[i].leaves()...)
	}
	return all
}

// grantable is false for what a mail server without ACLs does not have.
func (p *privilege) grantable(hasACL bool) bool {
	return hasACL || p.name != dav("read-acl") && p.name != dav("write-acl")
}

func (p *privilege) append(b []byte, hasACL bool) []byte {
	b = append(b, "<D:supported-privilege><D:privilege>"...)
	b = append(davxml.AppendEmpty(b, p.name), "</D:privilege>"...)
	if p.abstract {
		b = append(b, "<D:abstract/>"...)
	}
	b = davxml.AppendText(append(b, `<D:description xml:lang="en">`...), p.description)
	b = append(b, "</D:description>"...)
	for i := range p.contains {
		if p.contains[i].grantable(hasACL) {
			b = p.contains[i].append(b, hasACL)
		}
	}
	return append(b, "</D:supported-privilege>"...)
}

func supportedPrivilegeSet(b []byte, s *subject) ([]byte, bool) {
	return supportedPrivileges.append(b, s.q.account.HasACL()), true
}
