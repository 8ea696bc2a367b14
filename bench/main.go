// Command bench compares this library with its peers against one neutral server
// in a process of its own, and prints tables of ratios: medians over rounds in
// which the peers take turns. With -write it writes them into a page.
//
//	go run . -write ../docs/performance.md
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
)

func main() {
	rounds := flag.Int("rounds", 15, "the `number` of rounds")
	only := flag.String("only", "", "measure only the tables whose `name` contains this")
	page := flag.String("write", "", "write the tables into this `file`, between its markers")
	flag.Parse()
	if err := run(context.Background(), *rounds, *only, *page); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rounds int, only, page string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(ctx, dir, rounds)
	if err != nil {
		return err
	}
	defer b.server.stop()
	var tables []table
	for _, m := range []struct {
		name    string
		measure func(context.Context) (table, error)
	}{
		{"processes", b.processes}, {"calls", b.calls}, {"lists", b.lists}, {"streams", b.streams}, {"readiness", b.readiness}, {"quota", b.quota}, {"gcloud", b.gcloud},
	} {
		if !strings.Contains(m.name, only) {
			continue
		}
		t, err := m.measure(ctx)
		if err != nil {
			return err
		}
		fmt.Println(t)
		tables = append(tables, t)
	}
	if page == "" {
		return nil
	}
	return write(page, tables)
}
