package calendar

import (
	"context"
	"slices"

	"calgate/imapstore"
)

// annotate brings METADATA in step with a change of the shared properties, which is done:
// that it fails is for the log alone. body is that of the props message.
func (v *View) annotate(ctx context.Context, entries imapstore.Annotations, set []Property, remove []PropertyName, body []byte) {
	if !v.account.session.Caps().Metadata {
		return
	}
	v.setMetadata(ctx, []imapstore.Annotation{{Name: bodyEntry, Value: bodyValue(body), Remove: len(body) == 0}})
	v.setMetadata(ctx, hiding(entries, changed(set, remove)))
	for _, root := range []string{kolabRoot, cyrusRoot} {
		v.setMetadata(ctx, v.inStep(entries, root, shared, set, remove))
	}
}

// hiding are this user's own entries of some names, which would hide from him what he
// changes for all.
func hiding(entries imapstore.Annotations, names []PropertyName) (hide []imapstore.Annotation) {
	add := func(name string) {
		if _, ok := entries[name]; ok {
			hide = append(hide, imapstore.Annotation{Name: name, Remove: true})
		}
	}
	for _, n := range names {
		add(propertyEntry(n))
		for _, a := range annotated {
			if a.name == n {
				add(private + a.root + a.entry)
			}
		}
	}
	return hide
}

// changed are the names of a change.
func changed(set []Property, remove []PropertyName) []PropertyName {
	names := slices.Clone(remove)
	for _, p := range set {
		names = append(names, p.Name)
	}
	return names
}

// inStep are the entries of another program that a change concerns. Kolab's are written
// in folders that a Kolab program has marked, Cyrus' own on Cyrus; elsewhere those that
// are there.
func (v *View) inStep(entries imapstore.Annotations, root, scope string, set []Property, remove []PropertyName) (step []imapstore.Annotation) {
	used := root == cyrusRoot && v.account.session.Caps().Annotations
	if root == kolabRoot {
		for _, s := range []string{private, shared} {
			used = used || entries[s+folderType] != ""
		}
	}
	for _, a := range annotated {
		name := scope + a.root + a.entry
		_, there := entries[name]
		if a.root != root || !used && !there {
			continue
		}
		if slices.Contains(remove, a.name) && there {
			step = append(step, imapstore.Annotation{Name: name, Remove: true})
		}
		for _, p := range set {
			text, ok := p.Text, p.Name == a.name
			if ok && a.write != nil {
				text, ok = a.write(text)
			}
			if ok {
				step = append(step, imapstore.Annotation{Name: name, Value: text, Remove: text == ""})
			}
		}
	}
	return step
}

// markType tells other programs what a new mailbox is for, in Kolab's way, which mail programs know too; it gives what was
// written. That the server takes no such entries is no fault.
func (a *Account) markType(ctx context.Context, c Calendar) imapstore.Annotations {
	kind := map[Kind]string{Events: "event", Tasks: "task"}[c.Kind]
	if kind == "" || c.Why == byType || !a.session.Caps().Metadata {
		return nil
	}
	err := a.session.SetMetadata(ctx, c.Mailbox, []imapstore.Annotation{{Name: shared + folderType, Value: kind}})
	if err != nil {
		a.server.o.Logger.InfoContext(ctx, "the kind of a mailbox could not be set in METADATA", "mailbox", c.Mailbox, "user", a.name, "err", err)
		return nil
	}
	return imapstore.Annotations{shared + folderType: kind}
}

// setMetadata writes entries whose loss costs nothing but time or another program's view.
func (v *View) setMetadata(ctx context.Context, entries []imapstore.Annotation) {
	if len(entries) == 0 || !v.account.session.Usable() {
		return
	}
	v.account.forgetMetadata()
	if err := v.account.session.SetMetadata(ctx, v.calendar.Mailbox, entries); err != nil {
		v.account.server.o.Logger.InfoContext(ctx, "properties could not be copied to METADATA",
			"mailbox", v.calendar.Mailbox, "user", v.account.name, "err", err)
	}
}

func (a *Account) forgetMetadata() { a.metadata, a.allMetadata = nil, false }

// annotatePrivate keeps the user's own properties in METADATA, all of a change or none.
// done is false where the server has no place for them there.
func (v *View) annotatePrivate(ctx context.Context, entries imapstore.Annotations, set []Property, remove []PropertyName) (done bool, err error) {
	if !v.account.session.Caps().Metadata {
		return false, nil
	}
	own := hiding(entries, remove)
	for _, p := range set {
		own = append(own, imapstore.Annotation{Name: propertyEntry(p.Name), Value: bodyValue(properties{p}.encode())})
	}
	if len(own) > 0 {
		v.account.forgetMetadata()
		err := v.account.session.SetMetadata(ctx, v.calendar.Mailbox, own)
		switch {
		case err == nil:
		case unknown(err), !v.account.session.Usable():
			return false, wrap("Patch", v.calendar.Mailbox, err)
		default:
			return false, nil
		}
	}
	for _, root := range []string{kolabRoot, cyrusRoot} {
		v.setMetadata(ctx, v.inStep(entries, root, private, set, nil))
	}
	return true, nil
}
