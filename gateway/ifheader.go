package gateway

import "strings"

// ifList is one List of an If header with the resource that it is about, "" for that
// of the request (RFC 4918 section 10.4.2). It holds if all its conditions do.
type ifList struct {
	resource string
	all      []ifCondition
}

// ifCondition is an entity tag or a state token. There are no locks here, so that a
// state token never is one of the resource.
type ifCondition struct {
	not  bool
	etag string // "": a state token
}

// maxIf bounds how many conditions a header may hold.
const maxIf = 1000

// parseIf reads the header: lists without a resource, or lists each after one, never both.
func parseIf(s string) (lists []ifList, ok bool) {
	s = trimSpace(s)
	tagged := strings.HasPrefix(s, "<")
	resource := ""
	count := 0
	for s != "" {
		if s[0] == '<' {
			if !tagged || len(lists) > 0 && lists[len(lists)-1].all == nil {
				return nil, false
			}
			if resource, s, ok = strings.Cut(s[1:], ">"); !ok || resource == "" {
				return nil, false
			}
			s = trimSpace(s)
			if s == "" || s[0] != '(' {
				return nil, false
			}
		}
		var all []ifCondition
		if all, s, ok = cutIfList(s); !ok {
			return nil, false
		}
		if count += len(all); count > maxIf {
			return nil, false
		}
		lists = append(lists, ifList{resource, all})
		s = trimSpace(s)
	}
	return lists, len(lists) > 0
}

// cutIfList takes one parenthesised list from the front.
func cutIfList(s string) (all []ifCondition, rest string, ok bool) {
	if s[0] != '(' {
		return nil, s, false
	}
	s = trimSpace(s[1:])
	for s != "" && s[0] != ')' {
		var c ifCondition
		if len(s) >= 3 && strings.EqualFold(s[:3], "Not") {
			c.not = true
			s = trimSpace(s[3:])
		}
		if c.etag, s, ok = cutIfCondition(s); !ok {
			return nil, s, false
		}
		all = append(all, c)
		s = trimSpace(s)
	}
	if s == "" || len(all) == 0 {
		return nil, s, false
	}
	return all, s[1:], true
}

// cutIfCondition takes "<state token>" or "[entity-tag]"; of the first it gives "".
func cutIfCondition(s string) (etag, rest string, ok bool) {
	if s == "" {
		return "", s, false
	}
	switch s[0] {
	case '<':
		token, rest, ok := strings.Cut(s[1:], ">")
		return "", rest, ok && token != ""
	case '[':
		tag, rest, ok := cutTag(trimSpace(s[1:]))
		rest = trimSpace(rest)
		if !ok || rest == "" || rest[0] != ']' {
			return "", rest, false
		}
		return tag, rest[1:], true
	}
	return "", s, false
}

func trimSpace(s string) string { return strings.TrimLeft(s, " \t") }

// holds tells whether one of the lists does. Of another resource than that of the
// request nothing is known, so that no tag is its own.
func holds(lists []ifList, s state) bool {
	for _, l := range lists {
		of := s
		if l.resource != "" {
			of = state{}
		}
		if l.holds(of) {
			return true
		}
	}
	return false
}

func (l ifList) holds(s state) bool {
	for _, c := range l.all {
		matches := c.etag != "" && s.exists && c.etag == s.etag // strong: a weak tag is never ours
		if matches == c.not {
			return false
		}
	}
	return true
}

// positiveTags are the entity tags that the lists about the request's resource want
// to find: what the client thinks it replaces.
func positiveTags(lists []ifList) (tags []string) {
	for _, l := range lists {
		for _, c := range l.all {
			if !c.not && c.etag != "" && !strings.HasPrefix(c.etag, "W/") {
				tags = append(tags, c.etag)
			}
		}
	}
	return tags
}
