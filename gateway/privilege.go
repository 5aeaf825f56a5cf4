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
	all := true
	for _, p := range []calendar.Privilege{calendar.WriteContent, calendar.WriteProperties, calendar.Bind, calendar.Unbind} {
		if s.view.May(p) {
			names = append(names, dav(string(p)))
		} else {
			all = false
		}
	}
	if all {
		names = append(names, dav("write"), dav("all"))
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
// section 5.3). Nothing in it is abstract.
var supportedPrivileges = privilege{dav("all"), "Everything", []privilege{
	{dav("read"), "Read", []privilege{
		{dav("read-current-user-privilege-set"), "Read one's own privileges", nil},
		{caldav("read-free-busy"), "Read when time is taken", nil},
	}},
	{dav("write"), "Write", []privilege{
		{dav("write-content"), "Change objects", nil},
		{dav("write-properties"), "Change properties", nil},
		{dav("bind"), "Add objects", nil},
		{dav("unbind"), "Remove objects", nil},
	}},
}}

type privilege struct {
	name        xml.Name
	description string
	contains    []privilege
}

func (p privilege) append(b []byte) []byte {
	b = append(b, "<D:supported-privilege><D:privilege>"...)
	b = append(davxml.AppendEmpty(b, p.name), `</D:privilege><D:description xml:lang="en">`...)
	b = append(davxml.AppendText(b, p.description), "</D:description>"...)
	for _, c := range p.contains {
		b = c.append(b)
	}
	return append(b, "</D:supported-privilege>"...)
}

func supportedPrivilegeSet(b []byte, _ *subject) ([]byte, bool) {
	return supportedPrivileges.append(b), true
}
