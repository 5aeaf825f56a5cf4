package imapstore

import (
	"crypto/rand"
	"strings"
)

// listed says whether LIST shows a mailbox that can be selected.
func (c *conn) listed(name string) (bool, error) {
	there, above := false, false
	_, err := c.one(func(r *response) error {
		if r.kind == "LIST" {
			s := r.scan()
			attrs, _, got := parseList(s)
			if !s.bad && got == encodeUTF7(name) {
				there = there || !hasAttr(attrs, `\Noselect`) && !hasAttr(attrs, `\NonExistent`)
				above = above || !hasAttr(attrs, `\HasNoChildren`)
			}
		}
		return nil
	}, `LIST "" `+arg(listPattern(name)))
	if err != nil || !there || !above {
		return there, err
	}
	ghost, err := c.ghost(name)
	return !ghost, err
}

// ghost says whether a mailbox that LIST shows is not there: Dovecot 2.3 with Maildir forgets to show \Noselect when a mailbox
// was deleted that had others below it. SELECT and STATUS are then refused without a code, as they are of a mailbox that
// nobody ever made, and that is the question: the server says of it, by name, what it says of one with a random name.
func (c *conn) ghost(name string) (bool, error) {
	suffix := "-" + rand.Text()
	stranger := name + suffix
	replies, err := c.command(nil, "STATUS "+arg(name)+" (UIDVALIDITY)", "STATUS "+arg(stranger)+" (UIDVALIDITY)")
	if err != nil {
		return false, err
	}
	for _, p := range replies {
		if p.status != "NO" || p.code != "" && p.code != "NONEXISTENT" {
			c.ghosts = without(c.ghosts, name)
			return false, nil
		}
	}
	for _, form := range []string{stranger, encodeUTF7(stranger)} {
		before, _, named := strings.Cut(replies[1].text, form)
		if named && strings.HasPrefix(replies[0].text, before+strings.TrimSuffix(form, suffix)) { // behind it Dovecot says how long it took
			c.ghosts = append(without(c.ghosts, name), name)
			return true, nil
		}
	}
	return false, nil
}

func without(names []string, name string) []string {
	var rest []string
	for _, n := range names {
		if n != name {
			rest = append(rest, n)
		}
	}
	return rest
}

// markGhosts marks in a LIST answer the mailboxes that were found to be ghosts, if they still are.
func (c *conn) markGhosts(ls []Listed, real map[string]string) error {
	if len(c.ghosts) == 0 {
		return nil
	}
	for i := range ls {
		name := real[ls[i].Name]
		if ls[i].NoSelect || len(without(c.ghosts, name)) == len(c.ghosts) {
			continue
		}
		ghost, err := c.ghost(name)
		if err != nil {
			return err
		}
		ls[i].NoSelect = ghost
	}
	return nil
}
