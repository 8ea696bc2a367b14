package once

// trace is an earlier write of this call whose effect is not known: its response
// was lost, or it was refused. A proxy that delivers a request twice passes on the
// response to the second, so a refusal proves nothing.
type trace struct {
	base    Version
	create  bool
	refused refusal
}

// refusal is how a write was refused; 0 if its response was lost.
type refusal int

const (
	missing  refusal = iota + 1 // there was no object to write to
	present                     // there was an object already
	refused                     // such as by a conflict
	rejected                    // for good, which no other write explains
)

// generation is the one that the write makes if it takes effect.
func (t trace) generation() int64 {
	if t.create {
		return 1
	}
	return t.base.Generation + 1
}

// same reports whether two writes are of the same base, and so exclude one another.
func (t trace) same(other trace) bool { return t.create == other.create && t.base == other.base }

// sight is the object as it is now.
type sight struct {
	absent   bool // there is none
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
	// hidden: another writer wrote since. The write took effect only if it left something behind.
	hidden
	// buried: the object was deleted since. The write may have taken effect, even if
	// it left nothing behind.
	buried
	// erased: the same of a write that was refused. The deletion itself explains the
	// refusal, so the write most likely did not take effect. A write without a mark
	// is erased by other writes, too.
	erased
)

// recognize decides whether an earlier write took effect.
func recognize(t trace, now sight) finding {
	switch {
	case t.create && now.absent && t.refused == present:
		return erased
	case t.create && now.absent, !t.create && !now.absent && now.version == t.base:
		return pending // nobody has written since
	case !t.create && (now.absent || now.version.UID != t.base.UID):
		return recognizeElsewhere(t, now)
	case now.markable:
		return recognizeMark(t, now)
	case now.held:
		return effective
	case (t.refused == rejected || t.refused == refused && !t.create) && now.version.Generation > t.generation():
		return erased // a conflict with itself, or with another writer
	case t.refused != 0 && (now.version.Generation == 0 || now.version.Generation >= t.generation()):
		return void // another write stood in the way
	}
	return pending
}

// recognizeElsewhere decides about a write of an object that was deleted since,
// and perhaps created again. Generations of the two cannot be compared.
func recognizeElsewhere(t trace, now sight) finding {
	switch {
	case now.marked:
		return replaced // by a copy of what the write made
	case t.refused != 0:
		return erased
	}
	return buried
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
	case t.create && t.refused == 0:
		return buried // another created it, or ours was deleted and it was created again
	case t.create && t.refused == rejected:
		return erased // the same, but most likely the first
	case seen == made:
		return void // the one write since was not ours
	}
	return hidden
}
