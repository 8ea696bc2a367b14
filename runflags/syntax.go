package runflags

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/similar"
)

// splitList splits a list at commas, or at the delimiter of "^D^a,b^D^c".
func splitList(raw string) ([]string, error) {
	delimiter := ","
	if rest, ok := strings.CutPrefix(raw, "^"); ok {
		if d, items, ok := strings.Cut(rest, "^"); ok {
			delimiter, raw = d, items
		}
	}
	switch {
	case delimiter == "":
		return nil, errors.New("invalid delimiter: write ^D^ before the list, where D separates its items")
	case raw == "":
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(raw, delimiter), delimiter), nil
}

// parseDict parses a list of KEY=VALUE. If a key occurs twice, the last one counts.
// An error does not show the item, which may be a part of a secret.
func parseDict(raw string) (map[string]string, error) {
	items, err := splitList(raw)
	if err != nil {
		return nil, err
	}
	dict := map[string]string{}
	for i, item := range items {
		key, value, ok := strings.Cut(item, "=")
		if key == "" {
			return nil, fmt.Errorf("invalid value: in item %d, a key must precede the =", i+1)
		}
		if !ok {
			return nil, fmt.Errorf("bad syntax for dict arg: item %d has no =: write KEY=VALUE, and ^D^ before the list to separate its items by D instead of a comma", i+1)
		}
		dict[key] = value
	}
	return dict, nil
}

// stripKeys trims the keys of a dict.
func stripKeys(dict map[string]string) map[string]string {
	stripped := map[string]string{}
	for _, key := range sortedKeys(dict) {
		stripped[strings.TrimSpace(key)] = dict[key]
	}
	return stripped
}

func parseInt(raw string) (int, error) { return strconv.Atoi(strings.TrimSpace(raw)) }

// oneOf checks a choice and suggests a similar one.
func oneOf(raw string, choices ...string) error {
	if slices.Contains(choices, raw) {
		return nil
	}
	if near := similar.Name(raw, choices); near != "" {
		return fmt.Errorf("invalid choice: '%s': did you mean '%s'?", raw, near)
	}
	return fmt.Errorf("invalid choice: '%s': use one of %s", raw, strings.Join(choices, ", "))
}

// units are the units of durations. M is a minute: parseDuration rejects months.
var units = map[string]time.Duration{
	"W": 7 * 24 * time.Hour, "D": 24 * time.Hour, "H": time.Hour, "M": time.Minute, "S": time.Second,
	"MS": time.Millisecond, "US": time.Microsecond, "NS": time.Nanosecond,
}

// parseDuration parses seconds ("45"), parts with units ("1h30m", "1.5h") and ISO 8601 ("PT10M").
func parseDuration(raw string) (time.Duration, error) {
	if seconds, err := parseInt(raw); err == nil {
		return inSeconds(float64(seconds))
	}
	text := strings.ToUpper(raw)
	if iso, ok := strings.CutPrefix(text, "P"); ok {
		days, clock, _ := strings.Cut(iso, "T")
		if strings.ContainsAny(days, "YM") {
			return 0, errors.New("failed to parse duration: years and months have no fixed length")
		}
		text = days + clock
	}
	total := 0.0
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' })
		if n < 0 {
			return 0, errors.New("failed to parse duration: it must end with a unit, as in 90s, 10m or 1h30m")
		}
		amount, err := strconv.ParseFloat(strings.ReplaceAll(text[:n], ",", "."), 64)
		if err != nil {
			return 0, fmt.Errorf("failed to parse duration: unit '%s' must be preceded by a number", text[n:])
		}
		unit, rest := cutUnit(text[n:])
		size, ok := units[unit]
		if !ok {
			return 0, fmt.Errorf("failed to parse duration: unknown unit '%s'", unit)
		}
		total, text = total+amount*size.Seconds(), rest
	}
	return inSeconds(total)
}

// cutUnit splits the unit off the front of a text. Two-letter units occur only at the end.
func cutUnit(text string) (unit, rest string) {
	if _, ok := units[text]; ok {
		return text, ""
	}
	return text[:1], text[1:]
}

func inSeconds(n float64) (time.Duration, error) {
	if math.IsNaN(n) || math.Abs(n) > math.MaxInt64/float64(time.Second) {
		return 0, errors.New("failed to parse duration: it is out of range")
	}
	return time.Duration(math.Round(n * float64(time.Second))), nil
}

// pattern returns a function that compiles a regular expression on first use.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
