package gateway

import (
	"slices"
	"strconv"

	"calgate/gateway/calendar"
)

// needsQuota tells whether the quota of places of a kind must be asked for.
func (m *multistatus) needsQuota(kind placeKind) bool {
	return slices.ContainsFunc(m.plan(kind), func(w question) bool { return w.live != nil && w.live.quota })
}

// readQuotas asks for the quotas of calendars at once, where they are needed.
func (m *multistatus) readQuotas(kind placeKind, calendars ...calendar.Calendar) error {
	if !m.needsQuota(kind) {
		return nil
	}
	quotas, err := m.q.account.Quotas(m.q.r.Context(), calendars)
	if err != nil {
		return err
	}
	if m.quotas == nil {
		m.quotas = map[string]*calendar.Quota{}
	}
	for _, c := range calendars {
		m.quotas[c.Mailbox] = nil
		if quota, ok := quotas[c.Mailbox]; ok {
			m.quotas[c.Mailbox] = &quota
		}
	}
	return nil
}

// quotaOf is the quota of a calendar, nil where it has none.
func (m *multistatus) quotaOf(kind placeKind, c calendar.Calendar) (*calendar.Quota, error) {
	if _, ok := m.quotas[c.Mailbox]; !ok {
		if err := m.readQuotas(kind, c); err != nil {
			return nil, err
		}
	}
	return m.quotas[c.Mailbox], nil
}

// quotaAvailableBytes and quotaUsedBytes are DAV:quota-available-bytes and
// DAV:quota-used-bytes (RFC 4331 sections 3 and 4). Without a quota there are none.
func quotaAvailableBytes(b []byte, s *subject) ([]byte, bool) {
	if s.quota == nil {
		return b, false
	}
	return strconv.AppendInt(b, max(0, s.quota.Limit-s.quota.Used), 10), true
}

func quotaUsedBytes(b []byte, s *subject) ([]byte, bool) {
	if s.quota == nil {
		return b, false
	}
	return strconv.AppendInt(b, s.quota.Used, 10), true
}
