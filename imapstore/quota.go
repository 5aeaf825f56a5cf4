package imapstore

import (
	"context"
	"math"
)

// Quota is how much of its room a mailbox has used together with those that share it, and has in all: in octets, where nothing
// else is said.
type Quota struct{ Used, Limit int64 }

// Quotas asks for the quotas of mailboxes of the personal namespace, pipelined (GETQUOTAROOT, RFC 9208 section 4.1.3). A
// mailbox without a limit on its octets is left out, and so is one that the server says nothing of. Where several limits apply
// the nearest counts. Only on Cyrus is each mailbox asked for, as any of them may be a quota root there. Elsewhere the first
// stands for all: limits are those of the account or the namespace, and Dovecot counts all mailboxes anew for each that is
// asked for.
func (s *Session) Quotas(ctx context.Context, mailboxes []string) (map[string]Quota, error) {
	if !s.c.caps.Quota || len(mailboxes) == 0 {
		return nil, nil
	}
	quotas, first := map[string]Quota{}, ""
	err := s.do(ctx, "Quotas", mailboxes[0], again, func(c *conn) error {
		var lines []string
		names := map[string]string{}
		for _, m := range mailboxes {
			real, err := c.server(m)
			if err != nil {
				continue
			}
			lines, names[encodeUTF7(real)] = append(lines, "GETQUOTAROOT "+arg(real)), m
			if first = m; !c.caps.Annotations {
				break
			}
		}
		if lines == nil {
			return nil
		}
		roots, limits, err := c.quotaRoots(lines...)
		for name, of := range roots {
			for _, root := range of {
				q, limited := limits[root][storageQuota]
				if old, ok := quotas[names[name]]; limited && names[name] != "" && (!ok || q.Limit-q.Used < old.Limit-old.Used) {
					quotas[names[name]] = q
				}
			}
		}
		return err
	})
	if one, ok := quotas[first]; ok && !s.c.caps.Annotations {
		for _, m := range mailboxes {
			quotas[m] = one
		}
	}
	return quotas, err
}

// What a quota may limit (RFC 9208 section 5).
const (
	storageQuota = "STORAGE" // in octets here
	messageQuota = "MESSAGE"
)

// quotaRoots speaks GETQUOTAROOT commands: the roots of mailboxes, named as the server does, and the quotas of roots by
// resource.
func (c *conn) quotaRoots(lines ...string) (roots map[string][]string, limits map[string]map[string]Quota, err error) {
	roots, limits = map[string][]string{}, map[string]map[string]Quota{}
	_, err = c.command(func(r *response) error {
		switch r.kind {
		case "QUOTAROOT":
			name, of := parseQuotaRoot(r.scan())
			roots[name] = of
		case "QUOTA":
			if root, resources, ok := parseQuota(r.scan()); ok {
				limits[root] = resources
			}
		}
		return nil
	}, lines...)
	return roots, limits, err
}

// overQuota gives the refusal of an APPEND its kind. Cyrus and Courier name no reason when there is no room (RFC 9208 section
// 4.3.1 has OVERQUOTA for it): what was refused for no reason and would not fit was refused for that. Servers round to units
// of 1024 octets, each in its own way.
func (c *conn) overQuota(real string, messages int, octets int64, refused error) error {
	if !c.caps.Quota || kindOf(refused) != Bad {
		return refused
	}
	_, limits, err := c.quotaRoots("GETQUOTAROOT " + arg(real))
	if err != nil {
		return refused // of the two the one that says what became of the APPEND
	}
	for _, resources := range limits {
		room, limited := resources[storageQuota]
		count, counted := resources[messageQuota]
		if limited && room.Limit-room.Used < octets+1024 || counted && count.Limit-count.Used < int64(messages) {
			return &Error{Kind: OverQuota, Err: refused}
		}
	}
	return refused
}

// parseQuotaRoot reads a mailbox and its quota roots (RFC 9208 section 5.2).
func parseQuotaRoot(s *scanner) (mailbox string, roots []string) {
	s.spaces()
	mailbox = string(s.astring())
	for s.spaces(); !s.bad && !s.end(); s.spaces() {
		if root := string(s.astring()); !s.bad {
			roots = append(roots, root)
		}
	}
	return mailbox, roots
}

// parseQuota reads a quota root and its limits by resource (RFC 9208 section 5.3.1). That on octets is given in units of 1024.
func parseQuota(s *scanner) (root string, resources map[string]Quota, ok bool) {
	s.spaces()
	root = string(s.astring())
	s.spaces()
	s.need('(')
	resources = map[string]Quota{}
	for s.spaces(); !s.bad && !s.take(')'); s.spaces() {
		resource := s.word()
		s.spaces()
		used := s.number()
		s.spaces()
		limit := s.number()
		unit := uint64(1)
		if resource == storageQuota {
			unit = 1024
		}
		if !s.bad {
			resources[resource] = Quota{amount(used, unit), amount(limit, unit)}
		}
	}
	return root, resources, !s.bad
}

func amount(n, unit uint64) int64 { return int64(min(n, math.MaxInt64/unit) * unit) }
