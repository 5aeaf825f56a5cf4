package main

// The scenarios that hold a protocol against an atomic map; the linearisation
// point is the APPEND.

// writing: gateways among themselves, and a raw client that expunges.
func writing() []scenario {
	return []scenario{
		{title: "3 creates of one name", ops: []op{create(0, 1), create(0, 1), create(0, 1)}, empty: true},
		{title: "create x2, unconditional DELETE, sweep", ops: []op{create(0, 1), create(0, 1), uncond(deleteOp(0, 0)), sweep}, empty: true},
		{title: "PUT If-Match x2, DELETE If-Match, sweep", ops: []op{ifMatch(putOp(0, 1), 1), ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}},
		{title: "PUT If-Match, DELETE If-Match, create, sweep", ops: []op{ifMatch(putOp(0, 1), 1), deleteOp(0, 1), create(0, 1), sweep}},
		{title: "unconditional PUT x2, unconditional DELETE", ops: []op{uncond(putOp(0, 1)), uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}},
		{title: "unconditional PUT, PUT If-Match, DELETE If-Match, sweep", ops: []op{uncond(putOp(0, 1)), ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}},
		{title: "two names, one iCalendar UID: 2 creates + DELETE a + sweep", ops: []op{create(1, 1), create(2, 1), deleteOp(0, 1), sweep}},
		{title: "two names, one UID, PUT If-Match a, DELETE a, create b", ops: []op{create(1, 1), ifMatch(putOp(0, 1), 1), deleteOp(0, 1)}},
		{title: "sync token vs PUT, DELETE, create, sweep", ops: []op{sync, ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}},
		{title: "sync token vs DELETE, create, sweep", ops: []op{sync, uncond(deleteOp(0, 0)), create(0, 1), sweep}},
		{title: "sync token vs foreign EXPUNGE, PUT, create b", ops: []op{sync, expungeFirst, uncond(putOp(0, 1)), create(1, 2)}},
		{title: "sync token vs foreign EXPUNGE, DELETE, sweep", ops: []op{sync, expungeFirst, deleteOp(0, 1), sweep}},
		{title: "foreign EXPUNGE, create, PUT If-Match, unconditional DELETE", ops: []op{expungeFirst, create(0, 1), ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0))}},
		{title: "foreign EXPUNGE, creates b and c with its UID, sweep", ops: []op{expungeFirst, create(1, 1), create(2, 1), sweep}},
		{title: "two sync tokens vs unconditional PUT, unconditional DELETE", ops: []op{sync, sync, uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}},
		{title: "MOVE a->b, PUT If-Match a", ops: []op{moveOp(1), ifMatch(putOp(0, 1), 1)}, tune: func(c *ctx) { c.move, c.rules.noUID = true, true }},
		{title: "MOVE a->b, MOVE a->c, PUT If-Match a", ops: []op{moveOp(1), moveOp(2), ifMatch(putOp(0, 1), 1)}, tune: func(c *ctx) { c.move, c.rules.noUID = true, true }},
		{title: "MOVE a->b twice (two gateways), PUT If-Match a", ops: []op{moveOp(1), moveOp(1), ifMatch(putOp(0, 1), 1)}, tune: func(c *ctx) { c.move, c.rules.noUID = true, true }},
		{title: "DELETE, create, foreign EXPUNGE of the tombstone", ops: []op{uncond(deleteOp(0, 1)), create(0, 1), expungeSecond}},
	}
}

// moving: the folder moves while gateways write.
func moving() []scenario {
	return []scenario{
		{title: "migration, PUT If-Match x2, sweep", ops: []op{migrate, ifMatch(putOp(0, 1), 1), ifMatch(putOp(0, 1), 1), sweep}},
		{title: "migration, PUT If-Match, DELETE If-Match, sweep", ops: []op{migrate, ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}},
		{title: "migration, create x2, unconditional DELETE", ops: []op{migrate, create(0, 1), create(0, 1), uncond(deleteOp(0, 0))}, empty: true},
		{title: "migration, creates b and c with one UID, PUT b", ops: []op{migrate, create(1, 1), create(2, 1), uncond(putOp(1, 1))}, empty: true},
		{title: "two migrations, PUT If-Match, unconditional DELETE", ops: []op{migrate, migrate, ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0))}},
		{title: "two migrations, unconditional DELETE, sweep", ops: []op{migrate, migrate, uncond(deleteOp(0, 0)), sweep, create(0, 1)}},
		{title: "two migrations, unconditional PUT x2", ops: []op{migrate, migrate, uncond(putOp(0, 1)), uncond(putOp(0, 1))}},
		{title: "migration, DELETE, create a again, DELETE", ops: []op{migrate, deleteOp(0, 1), create(0, 1), uncond(deleteOp(0, 0))}},
		{title: "migration, DELETE, create a with another UID, PUT a", ops: []op{migrate, deleteOp(0, 1), create(0, 2), uncond(putOp(0, 2))}},
		{title: "migration, DELETE, create b with its UID, PUT b", ops: []op{migrate, deleteOp(0, 1), create(1, 1), uncond(putOp(1, 1))}},
		{title: "migration of a part, PUT If-Match, create b, sweep", ops: []op{part, ifMatch(putOp(0, 1), 1), create(1, 1), sweep}},
		{title: "migration, foreign EXPUNGE, create, PUT If-Match", ops: []op{migrate, expungeFirst, create(0, 1), ifMatch(putOp(0, 1), 1)}},
	}
}

// mixing: the folder moves to where messages of one second are in another order.
func mixing() []scenario {
	l := []scenario{
		{title: "mixed second: PUT If-Match, DELETE If-Match, sweep", ops: []op{mix, ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}},
		{title: "mixed second: unconditional PUT, unconditional DELETE, create b", ops: []op{mix, uncond(putOp(0, 1)), uncond(deleteOp(0, 0)), create(1, 1)}},
		{title: "mixed second: DELETE, creates b and c with its UID", ops: []op{mix, deleteOp(0, 1), create(1, 1), create(2, 1)}},
		{title: "mixed second: 2 creates", ops: []op{mix, create(0, 1), create(0, 1)}, empty: true},
		{title: "mixed second, twice: PUT If-Match, DELETE If-Match", ops: []op{mix, mix, ifMatch(putOp(0, 1), 1), deleteOp(0, 1)}},
		{title: "mixed second, twice: two PROPPATCHes", ops: []op{mix, mix, propPatch(0, 0), propPatch(0, 1)}, empty: true},
		{title: "mixed second: an invitation comes, DELETE", ops: []op{mix, raw(0, 1, 0), uncond(deleteOp(0, 0))}, empty: true},
		{title: "mixed second, in turn: an invitation, DELETE", ops: []op{raw(0, 1, 0), then(uncond(deleteOp(0, 0))), then(mix)}, empty: true},
		{title: "mixed second, in turn: an invitation, another one, DELETE, sweep", ops: []op{raw(0, 1, 0), raw(0, 1, 1), then(uncond(deleteOp(0, 0))), then(mix), sweep}, empty: true},
		{title: "mixed second, in turn: an invitation, PUT, DELETE", ops: []op{raw(0, 1, 0), then(uncond(putOp(0, 1))), then(uncond(deleteOp(0, 0))), then(mix)}, empty: true},
		{title: "mixed second, in turn: DELETE, a move before, create", ops: []op{deleteOp(0, 1), then(mix), then(create(0, 1)), then(mix)}},
		{title: "mixed second, in turn: two creates, DELETE", ops: []op{create(0, 1), create(0, 1), then(uncond(deleteOp(0, 0))), then(mix)}, empty: true},
		{title: "one second: restore, DELETE, create b, migration", ops: []op{restore, deleteOp(0, 1), create(1, 1), migrate}},
		{title: "one second: deleted and restored, migration, DELETE, two sweeps", ops: []op{migrate, uncond(deleteOp(0, 0)), sweep, sweep}, tune: restored},
		{title: "one second: deleted and restored, migration, unconditional PUT, sweep", ops: []op{migrate, uncond(putOp(0, 1)), sweep}, tune: restored},
	}
	for i := range l {
		if l[i].tune == nil {
			l[i].tune = inOneSecond
		}
	}
	return l
}

// foreign: other programs, COPY, backups and copied calendars.
func foreign() []scenario {
	return []scenario{
		{title: "invitations seq 0 and 1, unconditional PUT, unconditional DELETE", ops: []op{raw(0, 1, 0), raw(1, 1, 1), uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}, empty: true},
		{title: "invitations seq 0 and 1, DELETE, sweep, sync", ops: []op{raw(0, 1, 0), raw(1, 1, 1), uncond(deleteOp(0, 0)), sweep, sync}, empty: true},
		{title: "invitations seq 1 and 0, create, sync", ops: []op{raw(0, 1, 1), raw(1, 1, 0), create(0, 1), sync}, empty: true},
		{title: "invitation, PUT If-Match a, DELETE a, sync", ops: []op{raw(1, 1, 1), ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), sync}},
		{title: "two invitations of one name, migration, DELETE", ops: []op{raw(0, 1, 0), raw(0, 2, 0), migrate, uncond(deleteOp(0, 0))}, empty: true},
		{title: "invitation, PUT If-Match a, DELETE a, migration", ops: []op{raw(1, 1, 1), ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), migrate}},
		{title: "COPY, PUT If-Match a, DELETE a, migration", ops: []op{dup, ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), migrate}},
		{title: "invitations, foreign EXPUNGE of the newer, sync", ops: []op{raw(0, 1, 0), raw(1, 1, 1), expungeSecond, sync}, empty: true},
		{title: "an invitation came, DELETE, create a with another UID, PUT a", ops: []op{uncond(deleteOp(0, 0)), create(0, 2), uncond(putOp(0, 2))}, tune: invited},
		{title: "COPY, PUT If-Match, DELETE If-Match, sweep", ops: []op{dup, ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}},
		{title: "COPY, foreign EXPUNGE, unconditional PUT, sync", ops: []op{dup, expungeFirst, uncond(putOp(0, 1)), sync}},
		{title: "restore from backup, PUT If-Match, unconditional DELETE, sync", ops: []op{restore, ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), sync}},
		{title: "restore from backup, DELETE, migration, sweep", ops: []op{restore, uncond(deleteOp(0, 0)), migrate, sweep}},
		{title: "a later version comes in from a copied calendar, PUT, DELETE, sweep", ops: []op{drag(1, 3, 0, 1), ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), sweep}},
		{title: "an object with the UID of a comes in, PUT If-Match, DELETE, sync", ops: []op{drag(39, 3, 0, 1), ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), sync}},
		{title: "another object named a comes in, PUT If-Match, create b with its UID", ops: []op{drag(39, 3, 0, 2), ifMatch(putOp(0, 1), 1), create(1, 2), sync}},
	}
}

// edges: long lives, large generations, and events without an iCalendar UID.
func edges() []scenario {
	return []scenario{
		{title: "a version of Gen 30 of this life comes in, PUT, DELETE, sweep", ops: []op{drag(1, 30, 0, 1), ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), sweep}},
		{title: "a version of Gen 30 came in, unconditional PUT x2, unconditional DELETE", ops: []op{uncond(putOp(0, 1)), uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}, tune: dragged(drag(39, 30, 0, 1))},
		{title: "a version of Gen 30 came in, COPY, PUT If-Match, DELETE, sweep", ops: []op{dup, ifMatch(putOp(0, 1), 40), uncond(deleteOp(0, 0)), sweep}, tune: dragged(drag(39, 30, 0, 1))},
		{title: "a version of Gen 30 came in, unconditional PUT, DELETE, two migrations", ops: []op{uncond(putOp(0, 1)), uncond(deleteOp(0, 0)), migrate, migrate}, tune: dragged(drag(39, 30, 0, 1))},
		{title: "Prev cap: a long life, COPY of its first version, PUT, DELETE, sweep", ops: []op{restore, ifMatch(putOp(0, 1), 17), uncond(deleteOp(0, 0)), sweep}, empty: true, tune: long},
		{title: "Prev cap: a long life, restore, unconditional PUT x2, sync", ops: []op{restore, uncond(putOp(0, 1)), uncond(putOp(0, 1)), sync}, empty: true, tune: long},
		{title: "Prev cap: a long life, migration, restore, PUT, DELETE", ops: []op{migrate, restore, uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}, empty: true, tune: long},
		{title: "event without UID, PUT If-Match, another one, sweep", ops: []op{create(1, 0), create(2, 0), uncond(putOp(1, 0)), sweep}, empty: true},
		{title: "event without UID, COPY, PUT, DELETE, sweep", ops: []op{dup, uncond(putOp(0, 0)), uncond(delNoUID(0)), sweep}, tune: noUID},
		{title: "event without UID, COPY, PUT, DELETE, migration", ops: []op{dup, uncond(putOp(0, 0)), uncond(delNoUID(0)), migrate}, tune: noUID},
		{title: "event without UID, restore, DELETE, migration", ops: []op{create(0, 0), restore, uncond(delNoUID(0)), migrate}, empty: true},
	}
}

// properties: PROPPATCH, of the collection and private ones.
func properties() []scenario {
	return []scenario{
		{title: "two first PROPPATCHes, sweep", ops: []op{propPatch(0, 0), propPatch(0, 1), sweep}, empty: true},
		{title: "three PROPPATCHes", ops: []op{propPatch(0, 0), propPatch(0, 1), propPatch(0, 0)}, empty: true},
		{title: "two PROPPATCHes, migration, sweep", ops: []op{propPatch(0, 0), propPatch(0, 1), migrate, sweep}, empty: true},
		{title: "two PROPPATCHes, two migrations", ops: []op{propPatch(0, 0), propPatch(0, 1), migrate, migrate}, empty: true},
		{title: "two first PROPPATCHes, event without UID", ops: []op{propPatch(0, 0), propPatch(0, 1), create(0, 0)}, empty: true},
		{title: "two PROPPATCHes, COPY, migration", ops: []op{propPatch(0, 0), propPatch(0, 1), dup, migrate}, empty: true},
		{title: "two private Names, PROPPATCH of each twice, migration", ops: []op{propPatch(1, 0), propPatch(2, 0), propPatch(1, 1), migrate}, empty: true},
		{title: "two private Names, migration, sweep", ops: []op{propPatch(1, 0), propPatch(2, 0), migrate, sweep}, empty: true},
	}
}

// failing: what a clause is for (MISTAKE), and what cannot be saved (LIMIT).
func failing() []scenario {
	return []scenario{
		{title: "MISTAKE delete by expunging the head (no tombstone)", ops: []op{ifMatch(putOp(0, 1), 1), deleteOp(0, 1)}, tune: func(c *ctx) { c.noTomb = true }, fails: true},
		{title: "MISTAKE tombstone dropped at once", ops: []op{ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}, tune: func(c *ctx) { c.dropTomb = true }, fails: true},
		{title: "MISTAKE sweep drops tombstones before garbage", ops: []op{ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}, tune: func(c *ctx) { c.badSweep = true }, fails: true},
		{title: "MISTAKE a create on its way is told to have lost because another one came", ops: []op{create(0, 1), create(0, 1), uncond(deleteOp(0, 0))}, empty: true, tune: func(c *ctx) { c.hasty = true }, fails: true},
		{title: "LIMIT a version of Gen 30 comes in while its name is being used", ops: []op{drag(39, 30, 0, 1), uncond(putOp(0, 1)), uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}, empty: true, fails: true},
		{title: "LIMIT a lost first version is copied before its writer removes it", ops: []op{create(0, 1), dup, uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}, empty: true, fails: true},
		{title: "MISTAKE relics are foreign messages, the lowest UID wins", ops: []op{migrate, ifMatch(putOp(0, 1), 1), deleteOp(0, 1)}, tune: with(rules{noRelics: true, lowestSeq: true}), fails: true},
		{title: "MISTAKE relics by name, largest (asof, base), then lowest UID", ops: []op{migrate, create(0, 1), create(0, 1), create(1, 2)}, empty: true, tune: with(rules{firstIdea: true}), fails: true},
		{title: "MISTAKE relics with Base or Asof >= own UID are foreign", ops: []op{migrate, ifMatch(putOp(0, 1), 1), deleteOp(0, 1)}, tune: with(rules{strictUIDs: true}), fails: true},
		{title: "MISTAKE no settled lives", ops: []op{migrate, create(1, 1), create(2, 1), uncond(putOp(1, 1))}, empty: true, tune: with(rules{noSettled: true}), fails: true},
		{title: "MISTAKE relics compete with native messages", ops: []op{drag(1, 3, 0, 1), ifMatch(putOp(0, 1), 1)}, tune: with(rules{mixedTiers: true}), fails: true},
		{title: "MISTAKE a restored message is a superseded one", ops: []op{dup, deleteOp(0, 1)}, tune: with(rules{noCopies: true}), fails: true},
		{title: "MISTAKE of foreign copies the lowest UID shows", ops: []op{raw(0, 1, 0), raw(1, 1, 1)}, empty: true, tune: with(rules{lowestSeq: true}), fails: true},
		{title: "MISTAKE tombstone dropped while it covers a foreign message", ops: []op{raw(0, 1, 0), raw(0, 1, 0), uncond(deleteOp(0, 0)), sweep}, empty: true, tune: func(c *ctx) { c.badSweep = true }, fails: true},
		{title: "MISTAKE sync token with a number instead of a digest", ops: []op{raw(0, 1, 0), raw(1, 1, 1), expungeSecond, sync}, empty: true, tune: func(c *ctx) { c.count = true }, fails: true},
		{title: "MISTAKE a version that came to lie above its tombstone was put there again", ops: []op{mix, deleteOp(0, 1)}, tune: func(c *ctx) { inOneSecond(c); c.rules.noMixing = true }, fails: true},
		{title: "MISTAKE who mixes a second has not cleaned up", ops: []op{mixDirty, ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0))}, tune: inOneSecond, fails: true},
		{title: "MISTAKE who mixes a second has not waited for the next one", ops: []op{deleteOp(0, 1), then(mix), then(create(0, 1)), then(mix)}, tune: func(c *ctx) { inOneSecond(c); c.noWait = true }, fails: true},
		{title: "MISTAKE an invitation moves with the tombstone of its second", ops: []op{raw(0, 1, 0), then(uncond(deleteOp(0, 0))), then(mix)}, empty: true, tune: func(c *ctx) { inOneSecond(c); c.noOrder = true }, fails: true},
		{title: "LIMIT mixed second: in the second of the move two creates race, the first is deleted", ops: []op{mix, create(0, 1), create(0, 1), uncond(deleteOp(0, 0))}, empty: true, tune: inOneSecond, fails: true},
		{title: "LIMIT mixed second: in the moment of the move PUT and DELETE race", ops: []op{mixLate, ifMatch(putOp(0, 1), 1), deleteOp(0, 1)}, tune: inOneSecond, fails: true},
		{title: "LIMIT mixed second: two moves in one second, DELETE before, create between", ops: []op{mix, mix, deleteOp(0, 1), create(0, 1)}, tune: inOneSecond, fails: true},
		{title: "LIMIT mixed second: in the moment of the move an invitation comes and is deleted", ops: []op{mixLate, raw(0, 1, 0), uncond(deleteOp(0, 0))}, empty: true, tune: inOneSecond, fails: true},
		{title: "LIMIT one second: what DELETE kept is expunged by hand, a copy came, migration", ops: []op{expungeFirst, migrate}, tune: restored, fails: true},
		{title: "LIMIT a gateway that missed the move goes on writing", ops: []op{migrate, ifMatch(putOp(0, 1), 1), ifMatch(putOp(0, 1), 1)}, tune: func(c *ctx) { c.stale = true }, fails: true},
		{title: "LIMIT an object with a's UID came in and was hidden, then the folder moves", ops: []op{drag(39, 3, 0, 1), ifMatch(putOp(0, 1), 1), migrate}, fails: true},
		{title: "LIMIT a new head is expunged by hand before its clean-up: the older one shows", ops: []op{ifMatch(putOp(0, 1), 1), ifMatch(putOp(0, 1), 1), expungeSecond}, fails: true},
	}
}

// large: five processes; minutes, so by hand.
func large() []scenario {
	return []scenario{
		{title: "5 processes: 2 PUT If-Match, DELETE If-Match, create, sweep", ops: []op{ifMatch(putOp(0, 1), 1), ifMatch(putOp(0, 1), 1), deleteOp(0, 1), create(0, 1), sweep}},
		{title: "5 processes: create x2 (names b, c; UID of a), PUT a, DELETE a, sweep", ops: []op{create(1, 1), create(2, 1), ifMatch(putOp(0, 1), 1), deleteOp(0, 1), sweep}},
		{title: "5 processes: sync, PUT If-Match, DELETE If-Match, create, sweep", ops: []op{sync, ifMatch(putOp(0, 1), 1), deleteOp(0, 1), create(0, 1), sweep}},
		{title: "5 processes: sync, foreign EXPUNGE, unc. PUT, unc. DELETE, sweep", ops: []op{sync, expungeFirst, uncond(putOp(0, 1)), uncond(deleteOp(0, 0)), sweep}},
		{title: "5 processes: migration, PUT If-Match, DELETE If-Match, create, sweep", ops: []op{migrate, ifMatch(putOp(0, 1), 1), deleteOp(0, 1), create(0, 1), sweep}},
		{title: "5 processes: migration, creates b and c with one UID, PUT b, sweep", ops: []op{migrate, create(1, 1), create(2, 1), uncond(putOp(1, 1)), sweep}, empty: true},
		{title: "5 processes: two invitations, migration, PUT, DELETE", ops: []op{raw(0, 1, 0), raw(1, 1, 1), migrate, uncond(putOp(0, 1)), uncond(deleteOp(0, 0))}, empty: true},
		{title: "5 processes: restore, migration, PUT If-Match, DELETE, sweep", ops: []op{restore, migrate, ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), sweep}},
		{title: "5 processes: invitation, COPY, foreign EXPUNGE, DELETE, sync", ops: []op{raw(1, 1, 1), dup, expungeFirst, uncond(deleteOp(0, 0)), sync}},
		{title: "5 processes: DELETE over quota, PUT If-Match a, DELETE a, create a, sweep", ops: []op{overQuota(deleteOp(0, 1)), ifMatch(putOp(0, 1), 1), uncond(deleteOp(0, 0)), create(0, 1), sweep}},
		{title: "5 processes: two invitations, PUT, DELETE over quota, sync", ops: []op{raw(0, 1, 0), raw(1, 1, 1), uncond(putOp(0, 1)), overQuota(uncond(deleteOp(0, 0))), sync}, empty: true},
		{title: "5 processes: pages, PUT If-Match a, DELETE a, create b, foreign EXPUNGE", ops: []op{pages, ifMatch(putOp(0, 1), 1), deleteOp(0, 1), create(1, 2), expungeFirst}},
		{title: "5 processes: pages, create b, create c, DELETE b, sweep", ops: []op{pages, create(1, 2), create(2, 3), uncond(op{kind: opDelete, name: 1, ical: 2}), sweep}},
		{title: "5 processes: migration, foreign EXPUNGE, create, PUT If-Match, sweep", ops: []op{migrate, expungeFirst, create(0, 1), ifMatch(putOp(0, 1), 1), sweep}},
	}
}
