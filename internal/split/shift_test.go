package split_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/internal/split"
)

// gcloudShifts are results of gcloud 528 for "update-traffic --to-revisions".
var gcloudShifts = []struct{ name, current, want, result string }{
	{"full", "LATEST=100", "hello-00001-abc=10,hello-00002-abc=90", "hello-00001-abc=10 hello-00002-abc=90"},
	{"latest keyword", "hello-00002-abc=100", "LATEST=10", "hello-00002-abc=90 LATEST=10"},
	{"partial scales", "hello-00001-abc=40 hello-00002-abc=60", "hello-00001-abc=45", "hello-00001-abc=45 hello-00002-abc=55"},
	{"rounding ties", "b=50 a=50", "n=1", "a=50 b=49 n=1"},
	{"zero drops", "hello-00001-abc=20 hello-00002-abc=30 LATEST=50", "hello-00001-abc=0", "hello-00002-abc=38 LATEST=62"},
	{"tagged target normalised", "LATEST=100@live", "hello-00002-abc=50", "hello-00002-abc=50 LATEST=50 LATEST@live"},
	{"to latest", "hello-00002-abc=100", "LATEST=100", "LATEST=100"},
	{"thirds", "a=33 b=33 c=34", "n=1", "a=33 b=33 c=33 n=1"},
	{"tie decided by rounding errors, 46", "a=10 b=30 c=60", "n=54", "a=4 b=14 c=28 n=54"},
	{"tie decided by rounding errors, 88", "a=3 b=78 c=19", "n=12", "a=2 b=69 c=17 n=12"},
	{"tie decided by rounding errors, 60", "a=26 b=71 c=3", "n=40", "a=15 b=43 c=2 n=40"},
	{"tie decided by rounding errors, 2", "a=67 b=17 c=16", "n=98", "a=1 b=1 c=0 n=98"},
	{"tie goes to the smaller", "a=45 b=15 c=40", "n=50", "a=22 b=8 c=20 n=50"},
	{"latest loses a tie", "LATEST=50 a=50", "n=1", "a=50 n=1 LATEST=49"},
	{"scaled to zero", "a=50 b=50", "n=99", "a=1 b=0 n=99"},
	{"many ties", "e=20 d=20 c=20 b=20 a=20", "n=3", "a=20 b=20 c=19 d=19 e=19 n=3"},
	{"many ties with latest", "LATEST=25 c=25 b=25 a=25", "n=10,m=1", "a=23 b=22 c=22 m=1 n=10 LATEST=22"},
	{"smaller loses less", "r0=1 r1=1 r2=1 r3=1 r4=1 r5=1 r6=1 r7=1 r8=1 r9=1 z=90", "n=37",
		"n=37 r0=1 r1=1 r2=1 r3=1 r4=1 r5=1 r6=0 r7=0 r8=0 r9=0 z=57"},
	{"scaled up", "a=10 b=20 LATEST=70", "LATEST=5", "a=32 b=63 LATEST=5"},
	{"zero of three", "a=17 b=28 c=55", "c=0", "a=38 b=62"},
	{"zero and new", "a=40 b=60", "a=0,n=25", "b=75 n=25"},
	{"zero of one that has none", "a=40 b=60", "n=0", "a=40 b=60"},
	{"tags keep their order", "a@zz LATEST=100@mm b@aa", "a=1", "a=1 LATEST=99 a@zz LATEST@mm b@aa"},
	{"untagged zero before", "LATEST=100 a=0", "b=20", "b=20 LATEST=80"},
	{"random 0", "d=92 a=8", "a=50", "a=50 d=50"},
	{"random 1", "e=11 f=60 b=29", "f=50", "b=36 e=14 f=50"},
	{"random 2", "a=25 d=9 c=7 LATEST=6 e=53", "e=1,m=87", "a=6 c=2 d=2 e=1 m=87 LATEST=2"},
	{"random 3", "e=18 d=2 b=17 LATEST=6 c=17 f=40", "c=10", "b=18 c=10 d=2 e=20 f=43 LATEST=7"},
	{"random 4", "b=12 f=15 c=68 a=5", "a=5", "a=5 b=12 c=68 f=15"},
	{"random 5", "f=89 b=11", "f=50,n=8", "b=42 f=50 n=8"},
	{"random 6", "a=10 f=24 d=56 LATEST=10", "LATEST=33", "a=7 d=42 f=18 LATEST=33"},
	{"random 7", "b=14 c=23 d=2 f=30 LATEST=7 a=24", "n=1", "a=24 b=14 c=23 d=2 f=29 n=1 LATEST=7"},
	{"random 8", "f=15 d=27 a=39 e=19", "n=20", "a=31 d=22 e=15 f=12 n=20"},
	{"random 9", "LATEST=2 e=52 b=11 d=12 c=23", "c=10", "b=13 c=10 d=14 e=61 LATEST=2"},
	{"random 10", "c=50 d=26 b=22 e=2", "b=25", "b=25 c=48 d=25 e=2"},
	{"random 11", "e=27 a=9 f=8 LATEST=15 c=41", "f=1,m=50", "a=5 c=22 e=14 f=1 m=50 LATEST=8"},
	{"random 12", "b=4 LATEST=33 d=12 a=16 c=26 e=9", "a=50", "a=50 b=2 c=16 d=7 e=5 LATEST=20"},
	{"random 13", "c=17 a=17 d=27 LATEST=16 f=7 e=16", "LATEST=1", "a=20 c=20 d=32 e=19 f=8 LATEST=1"},
	{"random 14", "e=49 c=17 LATEST=34", "n=0,m=34", "c=11 e=32 m=34 LATEST=23"},
}

func TestShiftIsGcloudsArithmetic(t *testing.T) {
	t.Parallel()
	for _, c := range gcloudShifts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := split.Shift(parse(c.current), percents(c.want))
			require.NoError(t, err)
			require.Equal(t, c.result, show(got))
		})
	}
}

func TestShiftWhereGcloudIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ why, current, want, result string }{
		{"gcloud crashes on an empty list", "", "hello-00001-abc=10", "hello-00001-abc=10 LATEST=90"},
		{"gcloud crashes when nothing has to be scaled", "hello-00002-abc=90", "a=100", "a=100"},
		{"gcloud says a=18 b=72 for one revision with two targets", "a=30@blue a=10 b=40 c=20", "c=10", "a=45 b=45 c=10 a@blue"},
		{"gcloud says a=39 b=51 if they stand the other way round", "a=10 a=30@blue b=40 c=20", "c=10", "a=45 b=45 c=10 a@blue"},
	} {
		got, err := split.Shift(parse(c.current), percents(c.want))
		require.NoError(t, err, c.why)
		require.Equal(t, c.result, show(got), c.why)
	}
}

func TestShiftRejects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ current, want, reason string }{
		{"LATEST=100", "a=60,b=50", `percentage "a=60,b=50" adds up to 110, which is over 100`},
		{"LATEST=100", "a=150", `percentage "a=150" is not between 0 and 100`},
		{"LATEST=100", "a=-1", `percentage "a=-1" is not between 0 and 100`},
		{"LATEST=100", "=10", `revision is empty: name a revision or LATEST`},
		{"a=40 b=60", "a=10,b=20", `percentage "a=10,b=20" adds up to 30 and leaves no target to take the rest: ` +
			`make it 100, or omit a revision that serves traffic`},
		{"a=40 b=60", "a=0,b=0", `percentage "a=0,b=0" adds up to 0 and leaves no target to take the rest: ` +
			`make it 100, or omit a revision that serves traffic`},
		{"hello-00002-abc=90", "hello-00001-abc=10", `traffic "hello-00002-abc=90" is what the service has now, ` +
			`and adds up to 90 instead of 100: give percentages that add up to 100`},
		{"a=150 b=-50", "c=10", `traffic "a=150" is what the service has now, and is not between 0 and 100: ` +
			`give percentages that add up to 100`},
		{"b=-50 a=100 c=50", "n=10", `traffic "b=-50" is what the service has now, and is not between 0 and 100: ` +
			`give percentages that add up to 100`},
		{"a@old", "b=10", `traffic is what the service has now, and adds up to 0 instead of 100: give percentages that add up to 100`},
	} {
		got, err := split.Shift(parse(c.current), percents(c.want))
		var problem *split.Error
		require.ErrorAs(t, err, &problem, c.want)
		require.EqualError(t, err, c.reason)
		require.Nil(t, got)
	}
}

func TestShiftToNothingChangesNothing(t *testing.T) {
	t.Parallel()
	got, err := split.Shift(parse("b=60@bee a=40"), nil)
	require.NoError(t, err)
	require.Equal(t, "b=60@bee a=40", show(got))
}

func TestToTags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, current, want, result string }{
		{"one", "LATEST=100 hello-00001-abc@old", "old=30", "hello-00001-abc=30 LATEST=70 hello-00001-abc@old"},
		{"partial", "LATEST=60 a=40@blue b@green", "green=33", "a=27 b=33 LATEST=40 a@blue b@green"},
		{"latest", "a=100 LATEST@next", "next=15", "a=85 LATEST=15 LATEST@next"},
		{"none", "b=60@bee a=40", "", "b=60@bee a=40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := split.ToTags(parse(c.current), percents(c.want))
			require.NoError(t, err)
			require.Equal(t, c.result, show(got))
		})
	}
}

func TestToTagsRejects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ current, want, reason string }{
		{"LATEST=100 b@old a@blue", "nope=30", `tag "nope" is on no revision: the tags in use are blue, old`},
		{"", "nope=30", `tag "nope" is on no revision: the service has no tags`},
		// in gcloud, the last one wins
		{"LATEST=100 a@one a@two", "one=30,two=20", `tag "two" is on a, and so is "one": give a percentage to only one of them`},
		{"LATEST=100 a@one", "one=101", `percentage "a=101" is not between 0 and 100`},
	} {
		_, err := split.ToTags(parse(c.current), percents(c.want))
		var problem *split.Error
		require.ErrorAs(t, err, &problem)
		require.EqualError(t, err, c.reason)
	}
}
