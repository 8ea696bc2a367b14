package cloudrun

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/cloudrun-go/cloudrun/internal/diagnosis"
	"github.com/cloudrun-go/cloudrun/internal/edits"
	"github.com/cloudrun-go/cloudrun/internal/grant"
	"github.com/cloudrun-go/cloudrun/internal/logging"
	"github.com/cloudrun-go/cloudrun/internal/names"
	"github.com/cloudrun-go/cloudrun/internal/pause"
	"github.com/cloudrun-go/cloudrun/internal/redact"
	"github.com/cloudrun-go/cloudrun/internal/rest"
)

// LogOption configures [Client.Logs].
type LogOption interface {
	edits.Option
	onLog()
}

type logOption struct{ settings }

func (logOption) onLog() {}

// logConfig configures a read of logs.
type logConfig struct {
	service, revision string
	since             time.Time
	follow            bool
}

func onLog(s edits.Setting) logOption { return logOption{settings{s}} }

// LogsOfService reads the logs of all Revisions of a Service.
func LogsOfService(name string) LogOption {
	return onLog(edits.Configures(edits.Spell("LogsOfService", name), "the service of the logs", name, names.Service(name),
		func(c *logConfig) { c.service = name }))
}

// LogsOfRevision reads the logs of one Revision.
func LogsOfRevision(name string) LogOption {
	return onLog(edits.Configures(edits.Spell("LogsOfRevision", name), "the revision of the logs", name, names.Revision(name),
		func(c *logConfig) { c.revision = name }))
}

// LogsSince reads the logs from a time on. The default is the last day; with
// [FollowLogs], from now on.
func LogsSince(t time.Time) LogOption {
	var err error
	if t.IsZero() {
		err = errors.New("the time is zero")
	}
	return onLog(edits.Configures(edits.Spell("LogsSince", t), "the time of the logs", t.String(), err, func(c *logConfig) { c.since = t }))
}

// FollowLogs goes on with new lines, until the context ends. They arrive after some seconds.
func FollowLogs() LogOption {
	return onLog(edits.Configures("FollowLogs()", "whether the logs are followed", "yes", nil, func(c *logConfig) { c.follow = true }))
}

// WithLogLines sets how many lines of its log the [NotReadyError] of a failed
// Revision has, up to 1,000. The default is [DefaultLogLines]. With 0 the log is
// not read.
func WithLogLines(n int) ProgressOption {
	err := edits.AtLeast(int64(n), 0)
	if n > logging.MaxPage {
		err = fmt.Errorf("must be at most %d", logging.MaxPage)
	}
	return onProgress(edits.Configures(edits.Spell("WithLogLines", n), "the number of log lines", strconv.Itoa(n), err,
		func(c *waitConfig) { c.logLines = n }))
}

const (
	// logFreshness is how far back logs are read by default.
	logFreshness = 24 * time.Hour
	// logLag is how late entries may arrive.
	logLag = 30 * time.Second
	// followPause and maxFollowPause are between the reads of a log that is followed.
	followPause, maxFollowPause = 2 * time.Second, 10 * time.Second
	// lastWords bounds the reads of the log of a failed Revision, logAttempt one of
	// them, and logPause is between them.
	lastWords, logAttempt, logPause = 6 * time.Second, 3 * time.Second, 2 * time.Second
)

// Logs reads the logs of a Service or of a Revision from Cloud Logging, the oldest
// line first. [LogsOfService] or [LogsOfRevision] is required. An error ends the
// sequence and comes with an empty line; with [FollowLogs] so does the end of the
// context. The caller needs the role roles/logging.viewer. What containers wrote is
// not searched for secrets. On a cluster the error matches [ErrNotOnCluster].
func (c *Client) Logs(ctx context.Context, opts ...LogOption) iter.Seq2[LogLine, error] {
	return func(yield func(LogLine, error) bool) {
		cfg, err := c.logConfig(opts)
		if err == nil {
			err = c.readLogs(ctx, cfg, func(line LogLine) bool { return yield(line, nil) })
		}
		if err != nil {
			yield(LogLine{}, fmt.Errorf("read logs: %w", err))
		}
	}
}

func (c *Client) logConfig(opts []LogOption) (logConfig, error) {
	options, err := collect(edits.Of(opts))
	cfg := edits.Configure(options, logConfig{})
	switch now := time.Now(); {
	case !cfg.since.IsZero():
	case cfg.follow:
		cfg.since = now
	default:
		cfg.since = now.Add(-logFreshness)
	}
	switch err = errors.Join(c.check(), err); {
	case err != nil:
		return cfg, err
	case c.onCluster():
		return cfg, ErrNotOnCluster
	case cfg.service == "" && cfg.revision == "":
		return cfg, errors.New("pass LogsOfService or LogsOfRevision")
	}
	return cfg, nil
}

// readLogs calls yield with each line until it returns false.
func (c *Client) readLogs(ctx context.Context, cfg logConfig, yield func(LogLine) bool) error {
	query := logging.Query{Service: cfg.service, Since: cfg.since, PageSize: logging.MaxPage}
	if cfg.revision != "" {
		query.Revisions = []string{cfg.revision}
	}
	log := logging.NewFollower(cfg.since, logLag)
	for delay := followPause; ; {
		found, goOn, err := c.readPages(ctx, query, log, yield)
		if err != nil || !goOn || !cfg.follow {
			return err
		}
		if delay = min(2*delay, maxFollowPause); found {
			delay = followPause
		}
		if err := pause.Sleep(ctx, delay); err != nil {
			return err
		}
		query.Since = log.Since()
	}
}

// readPages reads all pages of a query. It reports whether it found new lines, and
// whether yield wants more.
func (c *Client) readPages(ctx context.Context, query logging.Query, log *logging.Follower, yield func(LogLine) bool) (found, goOn bool, err error) {
	for {
		body, err := c.read(ctx, c.logRequest(query))
		if err != nil {
			return found, false, err
		}
		page, err := logging.Parse(body)
		if err != nil {
			return found, false, err
		}
		for _, e := range page.Entries {
			if !log.IsNew(e) {
				continue
			}
			found = true
			for _, line := range e.Lines(nil) {
				if !yield(LogLine(line)) {
					return found, false, nil
				}
			}
		}
		if page.Next == "" || page.Next == query.Token {
			return found, true, nil
		}
		query.Token = page.Next
	}
}

func (c *Client) logRequest(q logging.Query) rest.Request {
	q.Project, q.Region = c.project, c.region
	return rest.Request{
		Op: "read logs", Resource: "projects/" + c.project, Permission: grant.ReadLogs,
		Method: http.MethodPost, URL: c.apiURL("logging") + logging.Path, Body: q.Body(),
	}
}

// logReader is implemented by a [Client], and by what embeds one.
type logReader interface {
	lastLines(ctx context.Context, of logging.Want, repeat bool, known *redact.Memory) ([]LogLine, error)
}

// lastLines returns the last lines of the log of a Revision, the oldest first. It
// takes no longer than a few seconds. With repeat it looks again if there are none,
// because logs arrive late.
func (c *Client) lastLines(ctx context.Context, of logging.Want, repeat bool, known *redact.Memory) ([]LogLine, error) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	for {
		entries, err := c.logs.Read(ctx, of, c.attemptLogs)
		switch {
		case err != nil:
			return nil, c.errorHiding(known, err)
		case len(entries) > 0:
			return lastOf(entries, of.Entries, known), nil
		case !repeat || pause.Sleep(ctx, logPause) != nil:
			return nil, nil
		}
		repeat = false
	}
}

// attemptLogs reads logs in a single attempt, which is not one of the call: its
// failure must not count as an outage of Cloud Run.
func (c *Client) attemptLogs(ctx context.Context, q logging.Query) (logging.Page, error) {
	client, request := c.rest, c.logRequest(q)
	client.Call, client.OnRetry = nil, nil
	request.TimeLimit = logAttempt
	if limit := client.TimeLimit; limit > 0 {
		request.TimeLimit = min(limit, logAttempt)
	}
	body, err := client.Send(ctx, request)
	if err != nil {
		return logging.Page{}, err
	}
	return logging.Parse(body)
}

// lastOf returns the last n lines of entries, which begin with the newest.
func lastOf(entries []logging.Entry, n int, known *redact.Memory) []LogLine {
	var lines []LogLine
	for _, e := range slices.Backward(entries) {
		for _, line := range e.Lines(known.Log) {
			if line.Text != "" {
				lines = append(lines, LogLine(line))
			}
		}
	}
	return lines[max(0, len(lines)-n):]
}

// logged returns the error of a failed Revision with the last lines of its log.
// Where they cannot be read, the error says why.
func (j serviceJudge) logged(ctx context.Context, e *NotReadyError, r *servingv1.Revision) *NotReadyError {
	reader, ok := j.services.(logReader)
	if !ok || j.lines == 0 || names.Revision(e.Revision) != nil || e.platform != diagnosis.CloudRun {
		return e
	}
	since := time.Now().Add(-logFreshness)
	if r != nil && !r.CreationTimestamp.IsZero() {
		since = r.CreationTimestamp.Add(-time.Minute) // clocks differ
	}
	ran := slices.Contains([]Cause{CauseUnknown, CauseContainerStart, CauseHealthCheck}, e.Cause())
	e.Log, e.LogError = reader.lastLines(ctx, logging.Want{Revision: e.Revision, Since: since, Entries: j.lines}, ran, j.known)
	return e
}
