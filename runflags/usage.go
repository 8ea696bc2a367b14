package runflags

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/cloudrun-go/cloudrun/internal/layout"
)

// GroupAnnotation is the key of the annotation of a [pflag.Flag] that has the
// title of its group, such as "Container flags".
const GroupAnnotation = "runflags_group"

// ownGroup is the title of flags without a group: those of the program.
const ownGroup = "Flags"

// negatable is the key of the annotation of a flag that has a negation.
const negatable = "runflags_negatable"

// Usages returns the help of all flags on a flag set, grouped by subject and
// wrapped to columns, or not wrapped if they are 0. The program's own flags come
// first. For package pflag:
//
//	fs.Usage = func() { fmt.Fprint(os.Stderr, runflags.Usages(fs, 80)) }
//
// For a command of cobra:
//
//	cmd.SetUsageFunc(func(c *cobra.Command) error {
//		_, err := fmt.Fprintf(c.OutOrStderr(), "Usage:\n  %s\n\n%s", c.UseLine(), runflags.Usages(c.Flags(), 80))
//		return err
//	})
func Usages(fs *pflag.FlagSet, columns int) string {
	if fs == nil {
		return ""
	}
	titles, groups := groupsOf(fs)
	var all []string
	for _, title := range titles {
		var b strings.Builder
		b.WriteString(title + ":\n")
		for _, f := range groups[title] {
			b.WriteString(usageOf(f, columns))
		}
		all = append(all, b.String())
	}
	return strings.Join(all, "\n")
}

// groupsOf returns the flags to show by the titles of their groups, in the order of their definition.
func groupsOf(fs *pflag.FlagSet) (titles []string, groups map[string][]*pflag.Flag) {
	groups = map[string][]*pflag.Flag{}
	defer func(sorted bool) { fs.SortFlags = sorted }(fs.SortFlags)
	fs.SortFlags = false
	fs.VisitAll(func(f *pflag.Flag) {
		title := ownGroup
		if in := f.Annotations[GroupAnnotation]; len(in) == 1 {
			title = in[0]
		}
		if f.Hidden || f.Deprecated != "" {
			return
		}
		if groups[title] == nil {
			titles = append(titles, title)
		}
		groups[title] = append(groups[title], f)
	})
	if i := slices.Index(titles, ownGroup); i > 0 {
		titles = slices.Insert(slices.Delete(titles, i, i+1), 0, ownGroup)
	}
	return titles, groups
}

// usageOf returns the help of a flag. It begins beside the name, or below it if that is long.
func usageOf(f *pflag.Flag, columns int) string {
	const indent = 30
	metavar, usage := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	switch {
	case f.Annotations[negatable] != nil:
		name = "--[no-]" + f.Name
	case f.Shorthand != "":
		name = "-" + f.Shorthand + ", " + name
	}
	if metavar != "" {
		name += " " + metavar
	}
	if !slices.Contains([]string{"", "0", "0s", "[]", "false"}, f.DefValue) {
		usage += " (default " + f.DefValue + ")"
	}
	lines := layout.Words(usage, columns-indent)
	text := fmt.Sprintf("  %-*s", indent-2, name)
	if len(name) > indent-4 {
		text = "  " + name + "\n" + strings.Repeat(" ", indent)
	}
	return text + strings.Join(lines, "\n"+strings.Repeat(" ", indent)) + "\n"
}

// group gives flags the title of their group.
func group(title string, flags ...[]*flag) (all []*flag) {
	for _, some := range flags {
		for _, f := range some {
			f.group = title
			all = append(all, f)
		}
	}
	return all
}
