package once

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each row is what a later read shows of one earlier write.
func TestRecognize(t *testing.T) {
	t.Parallel()
	at := func(resource string, generation int64) Version { return Version{"uid", resource, generation} }
	lost := trace{base: at("v5", 5)}
	conflict := trace{base: at("v5", 5), refused: refused}
	rejection := trace{base: at("v5", 5), refused: rejected}
	created, exists, denied := trace{create: true}, trace{create: true, refused: present}, trace{create: true, refused: refused}
	forbidden := trace{create: true, refused: rejected}
	gone := trace{base: at("v5", 5), refused: missing}
	for name, tc := range map[string]struct {
		earlier trace
		now     sight
		want    finding
	}{
		"nobody has written since":                            {lost, sight{version: at("v5", 5), markable: true}, pending},
		"nobody has written since, without marks":             {lost, sight{version: at("v5", 5)}, pending},
		"nobody has written, and the content is there":        {lost, sight{version: at("v5", 5), held: true}, pending},
		"the mark is there":                                   {lost, sight{version: at("v6", 6), markable: true, marked: true}, effective},
		"the mark is there, in a read that is older":          {lost, sight{version: at("v4", 4), markable: true, marked: true}, effective},
		"the mark is there beneath a change of others":        {lost, sight{version: at("v7", 7), markable: true, marked: true, held: true}, effective},
		"the mark is there, but not the content":              {lost, sight{version: at("v7", 7), markable: true, marked: true}, replaced},
		"a read that is older than the base":                  {lost, sight{version: at("v4", 4), markable: true}, pending},
		"only the status has changed":                         {lost, sight{version: at("v6", 5), markable: true}, pending},
		"another's write took the generation":                 {lost, sight{version: at("v6", 6), markable: true}, void},
		"others have written twice":                           {lost, sight{version: at("v7", 7), markable: true}, hidden},
		"the content is there":                                {lost, sight{version: at("v6", 6), held: true}, effective},
		"the content is there, later":                         {lost, sight{version: at("v9", 9), held: true}, effective},
		"the content is not there":                            {lost, sight{version: at("v6", 6)}, pending},
		"the content is not there, later":                     {lost, sight{version: at("v9", 9)}, pending},
		"a conflict, the mark is there":                       {conflict, sight{version: at("v6", 6), markable: true, marked: true}, effective},
		"a conflict with another's write":                     {conflict, sight{version: at("v6", 6), markable: true}, void},
		"a conflict, and others have written twice":           {conflict, sight{version: at("v7", 7), markable: true}, hidden},
		"a conflict, but the read is out of date":             {conflict, sight{version: at("v4", 4), markable: true}, pending},
		"a conflict, the content is there":                    {conflict, sight{version: at("v6", 6), held: true}, effective},
		"a conflict, the content is not there":                {conflict, sight{version: at("v6", 6)}, void},
		"a conflict, and others have written twice, unmarked": {conflict, sight{version: at("v7", 7)}, erased},
		"exists, and others have written":                     {exists, sight{version: at("v7", 7)}, void},
		"rejected, and another has written":                   {rejection, sight{version: at("v6", 6)}, void},
		"rejected, and others have written twice":             {rejection, sight{version: at("v7", 7)}, erased},
		"rejected, the content is there":                      {rejection, sight{version: at("v7", 7), held: true}, effective},
		"a conflict, the content is not there, older":         {conflict, sight{version: at("v4", 4)}, pending},
		"a conflict about what has no generations":            {trace{base: Version{Resource: "e1"}, refused: refused}, sight{version: Version{Resource: "e2"}}, void},
		"a lost answer about what has no generations":         {trace{base: Version{Resource: "e1"}}, sight{version: Version{Resource: "e2"}}, pending},
		"created, with the mark":                              {created, sight{version: at("v1", 1), markable: true, marked: true}, effective},
		"created, and changed by others":                      {created, sight{version: at("v2", 2), markable: true, marked: true, held: true}, effective},
		"created, and replaced by others":                     {created, sight{version: at("v2", 2), markable: true, marked: true}, replaced},
		"created by others":                                   {created, sight{version: at("v1", 1), markable: true}, buried},
		"created by others, and so refused":                   {exists, sight{version: at("v1", 1), markable: true}, void},
		"created by others, refused, and replaced":            {exists, sight{version: at("v2", 2), markable: true}, hidden},
		"refused, with the mark":                              {exists, sight{version: at("v1", 1), markable: true, marked: true}, effective},
		"not created yet":                                     {created, sight{absent: true, markable: true}, pending},
		"deleted after a creation was refused":                {exists, sight{absent: true, markable: true}, erased},
		"not created, as it was refused":                      {denied, sight{absent: true, markable: true}, pending},
		"not created, as it was rejected":                     {forbidden, sight{absent: true, markable: true}, pending},
		"created by others, and rejected":                     {forbidden, sight{version: at("v1", 1), markable: true}, erased},
		"created by others, rejected, and replaced":           {forbidden, sight{version: at("v2", 2), markable: true}, erased},
		"deleted":                                         {lost, sight{absent: true, markable: true}, buried},
		"deleted, after a conflict":                       {conflict, sight{absent: true, markable: true}, erased},
		"deleted before the write":                        {gone, sight{absent: true, markable: true}, erased},
		"created again before the write":                  {gone, sight{version: Version{"other", "v1", 1}, markable: true}, erased},
		"created again, after a conflict":                 {conflict, sight{version: Version{"other", "v1", 1}, markable: true}, erased},
		"copied with its mark":                            {lost, sight{version: Version{"other", "v1", 1}, markable: true, marked: true}, replaced},
		"created by others or by us, and replaced":        {created, sight{version: at("v2", 2), markable: true}, buried},
		"created, with the content":                       {created, sight{version: at("v1", 1), held: true}, effective},
		"another object of the name":                      {lost, sight{version: Version{"other", "v9", 9}, markable: true}, buried},
		"another object of the name, of a low generation": {lost, sight{version: Version{"other", "v1", 1}, held: true}, buried},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, recognize(tc.earlier, tc.now))
		})
	}
}
