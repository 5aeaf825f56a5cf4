package translate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"strings"
)

// uploadComponents are the components of an upload, in blocks: a list that grows would be
// copied.
type uploadComponents struct {
	blocks [][]uploadComponent
	n      int
}

// uploadBlock is how many components a block holds.
const uploadBlock = 64

// uploadComponent is a feedComponent.
type uploadComponent struct {
	uploadPart
	item       int32
	main, zone bool
	name       string // stored UID, or TZID
	zones      *[]string
}

func (u *uploadComponents) add(c *feedComponent) {
	if u.n%uploadBlock == 0 {
		u.blocks = append(u.blocks, make([]uploadComponent, 0, uploadBlock))
	}
	one := uploadComponent{item: noItem, name: c.uid}
	one.start, one.end, one.calendar = int32(c.start), int32(c.end), int32(c.calendar)
	one.main, one.zone = mainComponent([]byte(c.kind)) != "", c.kind == "VTIMEZONE"
	if one.zone {
		one.name = c.tzid
	}
	if len(c.zones) > 0 {
		zones := c.zones
		one.zones = &zones
	}
	last := &u.blocks[len(u.blocks)-1]
	*last = append(*last, one)
	u.n++
}

func (u *uploadComponents) at(i int32) *uploadComponent {
	return &u.blocks[i/uploadBlock][i%uploadBlock]
}

func (u *uploadComponents) each() iter.Seq[*uploadComponent] {
	return func(yield func(*uploadComponent) bool) {
		for _, block := range u.blocks {
			for i := range block {
				if !yield(&block[i]) {
					return
				}
			}
		}
	}
}

// define finds the definitions of time zones. Of two in one VCALENDAR the first counts.
func (u *Upload) define(all *uploadComponents) {
	for c := range all.each() {
		if !c.zone || c.name == "" {
			continue
		}
		at := octetRange{int(c.start), int(c.end)}
		if first, ok := u.zones[c.name]; !ok {
			u.zones[c.name] = calendarZone{at, c.calendar}
		} else if key := (calendarTZID{c.calendar, c.name}); first.calendar != c.calendar {
			if u.others == nil {
				u.others = map[calendarTZID]octetRange{}
			}
			if _, ok := u.others[key]; !ok {
				u.others[key] = at
			}
		}
	}
}

// group sorts the components by iCalendar UID. What stands twice in it, as
// concatenated exports have it, counts once.
func (u *Upload) group(all *uploadComponents) error {
	u.define(all)
	n, err := u.identify(all)
	if err != nil {
		return err
	}
	u.Items = make([]UploadItem, n)
	parts := int32(0)
	for c := range all.each() {
		if c.item != noItem {
			u.Items[c.item].n++
			parts++
		}
	}
	u.parts = make([]uploadPart, parts)
	at := int32(0)
	for i := range u.Items {
		item := &u.Items[i]
		item.first, at, item.n = at, at+item.n, 0
	}
	var room zoneReader
	named := map[int32]map[string]octetRange{} // the time zones of an item
	for c := range all.each() {
		if c.item == noItem {
			continue
		}
		item := &u.Items[c.item]
		if item.n++; item.n == 1 {
			item.UID = c.name
		}
		u.parts[item.first+item.n-1] = c.uploadPart
		if c.zones == nil {
			continue
		}
		names := named[c.item]
		if names == nil && int(item.first+item.n) < u.end(c.item) { // there are more parts
			names = map[string]octetRange{}
			named[c.item] = names
		}
		if err := u.takeZones(&room, item, names, c); err != nil {
			return err
		}
	}
	return nil
}

// end is where the parts of an item end.
func (u *Upload) end(item int32) int {
	if int(item)+1 < len(u.Items) {
		return int(u.Items[item+1].first)
	}
	return len(u.parts)
}

// noItem is the item of what is in none.
const noItem = -1

// identify says of each component which item it belongs to, in the order of their first
// ones, and how many there are.
func (u *Upload) identify(all *uploadComponents) (items int, err error) {
	var clean []byte
	key := func(c *uploadComponent) (key componentKey) {
		raw := u.raw[c.start:c.end]
		clean = appendClean(slices.Grow(clean[:0], len(raw)+bytes.Count(raw, crlf[1:])+len(crlf)), raw)
		sum := sha256.Sum256(clean)
		copy(key[:], sum[:])
		return key
	}
	order := u.byUID(all, key)
	for from := 0; from < len(order); items++ {
		first := all.at(order[from])
		to := from + 1
		for to < len(order) && all.at(order[to]).name == first.name {
			to++
		}
		var seen map[componentKey]struct{}
		if to-from > 1 {
			seen = map[componentKey]struct{}{}
		}
		for _, i := range order[from:to] {
			c := all.at(i)
			if seen != nil {
				sum := key(c)
				if _, ok := seen[sum]; ok {
					continue
				}
				seen[sum] = struct{}{}
			}
			c.item = int32(items)
		}
		from = to
	}
	if items > MaxFeedItems {
		return 0, ErrTooManyItems
	}
	place := order[:0] // of the items, by their first components
	for range items {
		place = append(place, noItem)
	}
	next := int32(0)
	for c := range all.each() {
		if c.item == noItem {
			continue
		}
		if place[c.item] == noItem {
			place[c.item] = next
			next++
		}
		c.item = place[c.item]
	}
	return items, nil
}

// componentKey is a part of the SHA-256 of a component's lines.
type componentKey [sha256.Size / 2]byte

// byUID names the components that are of a calendar object, and sorts them.
func (u *Upload) byUID(all *uploadComponents, key func(*uploadComponent) componentKey) []int32 {
	order := make([]int32, 0, all.n)
	for i := range int32(all.n) {
		c := all.at(i)
		if !c.main {
			u.Lossy = u.Lossy || !c.zone
			continue
		}
		if c.addUID = strings.TrimSpace(c.name) == ""; c.addUID {
			// The same at each upload, so that the object is the same one.
			sum := key(c)
			var uid [2 * len(sum)]byte
			hex.Encode(uid[:], sum[:])
			c.name = string(uid[:])
		}
		c.name = StoredUID(c.name)
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(strings.Compare(all.at(a).name, all.at(b).name), cmp.Compare(a, b))
	})
	return order
}

// takeZones copies the VTIMEZONEs that a component names into its item: those of its
// own VCALENDAR, else of another one. A name that none defines is one of the IANA's.
func (u *Upload) takeZones(room *zoneReader, item *UploadItem, named map[string]octetRange, c *uploadComponent) error {
	for _, tzid := range *c.zones {
		at, ok := u.others[calendarTZID{c.calendar, tzid}]
		if !ok {
			var first calendarZone
			first, ok = u.zones[tzid]
			at = first.octetRange
		}
		if !ok {
			continue
		}
		before, ok := named[tzid]
		switch {
		case named == nil: // it is the only component
			item.zones = append(item.zones, at)
		case !ok:
			named[tzid] = at
			item.zones = append(item.zones, at)
		case before != at && room.key(u.raw[before.start:before.end]) != room.key(u.raw[at.start:at.end]):
			return badObject("components of one UID mean different time zones by one TZID")
		}
	}
	return nil
}
