package once

// trace is an earlier write of this call whose effect is not known: its answer
// was lost, or it was refused. A proxy that delivers a request twice passes on
// the answer to the second, so an error response proves nothing.
type trace struct {
	base     Version
	create   bool
	refused  bool
	rejected bool // refused for good, and not because of its base
}

// rejectedFor reports whether a write was refused for good, and a read that is
// not older than its base shows no effect of it.
func (t trace) rejectedFor(now Version) bool {
	return t.rejected && now.UID == t.base.UID && now.Generation >= t.base.Generation
}

// generation is the one that the write makes if it takes effect.
func (t trace) generation() int64 {
	if t.create {
		return 1
	}
	return t.base.Generation + 1
}

// sight is the object as it is now.
type sight struct {
	version  Version
	markable bool // whether this call's writes have a mark
	marked   bool // whether the object has it
	held     bool // whether the object has everything that the write changed
}

// finding is what a sight says about a trace.
type finding int

const (
	// pending: the write may still take effect. Repeating it is safe, because it is conditional.
	pending finding = iota
	// void: the write did not take effect and no longer can.
	void
	// effective: the write took effect, and the object still has its configuration.
	effective
	// replaced: the write took effect, and the object has another configuration by now.
	replaced
	// hidden: another writer wrote since, so only the traces of the write can show it.
	hidden
)

// recognize decides whether an earlier write took effect.
func recognize(t trace, now sight) finding {
	switch {
	case !t.create && now.version == t.base:
		return pending // nobody has written since
	case !t.create && now.version.UID != t.base.UID:
		return pending // another object of the same name: generations cannot be compared
	case now.markable:
		return recognizeMark(t, now)
	case now.held:
		return effective
	case t.refused && (now.version.Generation == 0 || now.version.Generation >= t.generation()):
		return void // another writer's write caused the conflict
	}
	return pending
}

func recognizeMark(t trace, now sight) finding {
	made, seen := t.generation(), now.version.Generation
	switch {
	case now.marked && (seen <= made || now.held):
		return effective
	case seen < made:
		return pending // nobody has written since, or the read is out of date
	case now.marked:
		return replaced
	case seen == made:
		return void // the one write since was not ours
	}
	return hidden
}
