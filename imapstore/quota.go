package imapstore

import (
	"context"
	"math"
	"strings"
)

// Quota is how much of its room a mailbox has used together with those that share it, and has in all, in octets.
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
		roots := map[string][]string{} // of a mailbox
		limits := map[string]Quota{}   // of a root
		_, err := c.command(func(r *response) error {
			switch r.kind {
			case "QUOTAROOT":
				name, of := parseQuotaRoot(r.scan())
				roots[name] = of
			case "QUOTA":
				if root, q, ok := parseQuota(r.scan()); ok {
					limits[root] = q
				}
			}
			return nil
		}, lines...)
		for name, of := range roots {
			for _, root := range of {
				q, limited := limits[root]
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

// parseQuota reads a quota root and its limit on octets, which is given in units of 1024 (RFC 9208 section 5.3.1).
func parseQuota(s *scanner) (root string, q Quota, ok bool) {
	s.spaces()
	root = string(s.astring())
	s.spaces()
	s.need('(')
	for s.spaces(); !s.bad && !s.take(')'); s.spaces() {
		resource := s.word()
		s.spaces()
		used := s.number()
		s.spaces()
		limit := s.number()
		if strings.EqualFold(resource, "STORAGE") && !s.bad {
			q, ok = Quota{octets(used), octets(limit)}, true
		}
	}
	return root, q, ok && !s.bad
}

func octets(units uint64) int64 { return int64(min(units, math.MaxInt64>>10)) << 10 }
