package translate

// Returning are the messages, but the head itself, that could show again if the head
// went without a tombstone: of its Life, with its iCalendar UID, or a loser that
// wanted its name. stays tells that one of them, or the head, is a mail that is never
// removed.
func (l *Listing) Returning(head *Record) (uids []uint32, stays bool) {
	stays = head.Mixed
	for _, r := range l.records {
		if r.UID == head.UID || r.Op == OpProps {
			continue
		}
		sameLife := head.Life != "" && r.Life == head.Life
		sameUID := head.ICalUID != "" && r.ICalUID == head.ICalUID
		sameName := r.Op == OpPut && r.Folder == l.UIDValidity && r.Name == head.Name
		if !sameLife && !sameUID && !(sameName && r.Ours) {
			continue
		}
		uids = append(uids, r.UID)
		stays = stays || r.Mixed
	}
	return uids, stays
}
