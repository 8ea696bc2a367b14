package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/bench/peers"
	"github.com/cloudrun-go/cloudrun/bench/peers/apiv2"
	"github.com/cloudrun-go/cloudrun/bench/peers/ours"
	"github.com/cloudrun-go/cloudrun/bench/peers/raw"
	"github.com/cloudrun-go/cloudrun/bench/peers/runv1"
	"github.com/cloudrun-go/cloudrun/bench/peers/typed"
)

// names are the peers, in the order of the columns.
var names = []string{"raw", "runv1", "apiv2", "typed", "ours"}

// bench is a server, the peers in this process, and their programs.
type bench struct {
	server   *server
	peers    map[string]peers.Peer
	programs string // a folder
	rounds   int
}

func newBench(ctx context.Context, dir string, rounds int) (*bench, error) {
	build := exec.CommandContext(ctx, "go", "build", "-o", dir, "./server", "./whole/...")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	s, err := startServer(ctx, filepath.Join(dir, "server"))
	if err != nil {
		return nil, err
	}
	b := &bench{server: s, programs: dir, rounds: rounds, peers: map[string]peers.Peer{"raw": raw.New(s.url), "typed": typed.New(s.url)}}
	for name, open := range map[string]func() (peers.Peer, error){
		"runv1": func() (peers.Peer, error) { return runv1.New(ctx, s.url) },
		"apiv2": func() (peers.Peer, error) { return apiv2.New(ctx, s.url) },
		"ours":  func() (peers.Peer, error) { return ours.New(ctx, s.url) },
	} {
		if b.peers[name], err = open(); err != nil {
			s.stop()
			return nil, err
		}
	}
	return b, nil
}

// server is the neutral server in its process.
type server struct {
	url  string
	stop func()
}

func startServer(ctx context.Context, program string) (*server, error) {
	cmd := exec.CommandContext(ctx, program)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, err
	}
	return &server{strings.TrimSpace(url), func() { _ = in.Close(); _ = cmd.Wait() }}, nil
}

// counts are what the server has counted since the last call of control.
type counts struct {
	Requests, Refused int
	ReadyAt           time.Time
}

func (s *server) control(query string) (c counts, err error) {
	resp, err := http.Get(s.url + "/control?" + query)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}
