package calendar

import (
	"context"

	"calgate/imapstore"
)

// Quota is how much of its room an account has used, and has in all, in octets.
type Quota = imapstore.Quota

// Quotas are the quotas of calendars by mailbox, asked for together. What has none is left out, and so are the
// calendars of other users: how full their accounts are is theirs to know.
func (a *Account) Quotas(ctx context.Context, calendars []Calendar) (map[string]Quota, error) {
	var mailboxes []string
	for _, c := range calendars {
		if c.Exists && !c.Others() {
			mailboxes = append(mailboxes, c.Mailbox)
		}
	}
	quotas, err := a.session.Quotas(ctx, mailboxes)
	if err != nil {
		return nil, wrap("Quotas", "", err)
	}
	return quotas, nil
}
