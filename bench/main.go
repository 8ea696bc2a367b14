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
)

func main() {
	rounds := flag.Int("rounds", 15, "the `number` of rounds")
	page := flag.String("write", "", "write the tables into this `file`, between its markers")
	flag.Parse()
	if err := run(context.Background(), *rounds, *page); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rounds int, page string) error {
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
	for _, measure := range []func(context.Context) (table, error){b.processes, b.calls, b.lists, b.streams, b.readiness, b.quota} {
		t, err := measure(ctx)
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
