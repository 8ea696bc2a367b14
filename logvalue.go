package cloudrun

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/cloudrun-go/cloudrun/internal/logform"
)

// String returns the project and region, or the namespace, of the Client.
func (c *Client) String() string {
	if c.check() != nil {
		return "Client(none)"
	}
	return "Client(" + c.parent() + ")"
}

// GoString is the form of the verb %#v. It does not show what the Client uses.
func (c *Client) GoString() string { return c.String() }

// LogProgress returns a function for [WithProgress] that logs each event, with its
// kind as the message and the other attributes of [Event.LogValue]. A stage that
// failed is an error, retries and warnings are warnings, and changed conditions are
// for debugging. It is nil without a logger.
func LogProgress(logger *slog.Logger) func(Event) {
	if logger == nil {
		return nil
	}
	return func(e Event) {
		logger.LogAttrs(context.Background(), e.level(), string(e.Kind), e.LogValue().Group()[1:]...)
	}
}

// level returns how important the event is.
func (e Event) level() slog.Level {
	switch e.Kind {
	case StageFailed:
		return slog.LevelError
	case Retrying, Warned:
		return slog.LevelWarn
	case ConditionChanged:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// String returns the event on one line.
func (e Event) String() string {
	parts := []string{fmt.Sprintf("service %q: %s", e.Service, e.Kind)}
	for _, attr := range e.LogValue().Group()[2:] {
		parts = append(parts, attr.String())
	}
	return strings.Join(parts, " ")
}

// LogValue returns the event as a group: kind, service, and region, stage, step,
// generation, revision, condition, error, delay and message where the event has
// them. Logs have a time of their own.
func (e Event) LogValue() slog.Value {
	about := []slog.Attr{slog.String("kind", string(e.Kind)), slog.String("service", e.Service)}
	where := logform.Group(slog.String("region", e.Region), slog.String("stage", string(e.Stage)), slog.Int("step", e.Step))
	return slog.GroupValue(slices.Concat(about, where.Group(), e.details().Group())...)
}

// MarshalJSON encodes the event as an object with the fields kind, time, service,
// region, stage, step, generation, revision, condition, error, delaySeconds and
// message. The error is its text.
func (e Event) MarshalJSON() ([]byte, error) {
	var cause string
	if e.Err != nil {
		cause = e.Err.Error()
	}
	return json.Marshal(struct {
		Kind       EventKind  `json:"kind"`
		Time       time.Time  `json:"time"`
		Service    string     `json:"service"`
		Region     string     `json:"region,omitempty"`
		Stage      Stage      `json:"stage,omitempty"`
		Step       int        `json:"step,omitempty"`
		Generation int64      `json:"generation,omitempty"`
		Revision   string     `json:"revision,omitempty"`
		Condition  *Condition `json:"condition,omitempty"`
		Error      string     `json:"error,omitempty"`
		Seconds    float64    `json:"delaySeconds,omitempty"`
		Message    string     `json:"message,omitempty"`
	}{e.Kind, e.Time, e.Service, e.Region, e.Stage, e.Step, e.Generation, e.Revision, e.Condition, cause, e.Delay.Seconds(), e.Message})
}

// The errors have one form in logs and as JSON: a group that begins with the name
// of the type and the text. The JSON has the same names, except that durations are
// numbers of seconds. What an error wraps is the group "wrapped".

// MarshalText encodes the outcome as its word, for JSON and for logs.
func (w WriteOutcome) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// LogValue returns the error as a group: type, error, option, conflict and reason.
func (e *OptionError) LogValue() slog.Value {
	return logform.Error("OptionError", e, slog.String("option", e.Option), slog.String("conflict", e.Conflict), slog.String("reason", e.Reason))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *OptionError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, op, service, stage, outcome
// and wrapped, the group of the cause if that has one.
func (e *DeployError) LogValue() slog.Value {
	return logform.Error("DeployError", e, slog.String("op", e.Op), slog.String("service", e.Service), slog.String("stage", string(e.Stage)),
		slog.String("outcome", e.Outcome.String()), logform.Wrapped(e.Err))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *DeployError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, op, resource, statusCode,
// reason, googleStatus, violations, retryAfter and requestId.
func (e *APIError) LogValue() slog.Value {
	return logform.Error("APIError", e, slog.String("op", e.Op), slog.String("resource", e.Resource), slog.Int("statusCode", e.StatusCode()),
		slog.String("reason", string(e.Reason)), slog.String("googleStatus", e.GoogleStatus), slog.Any("violations", e.Violations),
		slog.Duration("retryAfter", e.RetryAfter), slog.String("requestId", e.RequestID))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue, and
// retryAfterSeconds instead of retryAfter.
func (e *APIError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, operation and message.
func (e *OperationError) LogValue() slog.Value {
	return logform.Error("OperationError", e, slog.String("operation", printable(e.Operation, 200)), slog.String("message", printable(e.Message, maxMessage)))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *OperationError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, service, generation,
// revision, cause, condition, reason, message, logUrl, log and logError.
func (e *NotReadyError) LogValue() slog.Value {
	problem := ""
	if e.LogError != nil {
		problem = e.LogError.Error()
	}
	return logform.Error("NotReadyError", e, slog.String("service", e.Service), slog.Int64("generation", e.Generation),
		slog.String("revision", e.Revision), slog.String("cause", string(e.Cause())), slog.String("condition", e.Condition),
		slog.String("reason", e.Reason), slog.String("message", e.Message), slog.String("logUrl", e.LogURL),
		slog.Any("log", e.Log), slog.String("logError", problem))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *NotReadyError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, service, deletion, waited,
// condition, traffic, wantTraffic and wrapped, the group of the last poll's error.
func (e *TimeoutError) LogValue() slog.Value {
	return logform.Error("TimeoutError", e, slog.String("service", e.Service), slog.Bool("deletion", e.Deletion), slog.Duration("waited", e.Waited),
		conditionAttr(e.Last), slog.String("traffic", e.Traffic), slog.String("wantTraffic", e.WantTraffic), logform.Wrapped(e.LastErr))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue, and
// waitedSeconds instead of waited.
func (e *TimeoutError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, service, generation, newer and by.
func (e *OvertakenError) LogValue() slog.Value {
	return logform.Error("OvertakenError", e, slog.String("service", e.Service), slog.Int64("generation", e.Generation), slog.Int64("newer", e.Newer),
		slog.String("by", printable(e.By, 200)))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *OvertakenError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, service, reason, by, changes
// and wrapped.
func (e *PlanStaleError) LogValue() slog.Value {
	return logform.Error("PlanStaleError", e, slog.String("service", e.Service), slog.String("reason", e.Reason), slog.String("by", printable(e.By, 200)),
		slog.Any("changes", e.Changes), logform.Wrapped(e.Err))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *PlanStaleError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, permission, resource,
// principal, role, command and wrapped.
func (e *PermissionError) LogValue() slog.Value {
	return logform.Error("PermissionError", e, slog.String("permission", e.Permission), slog.String("resource", e.Resource),
		slog.String("principal", e.Principal), slog.String("role", e.Role), slog.String("command", e.Command), logform.Wrapped(e.Err))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *PermissionError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, members, resource and wrapped.
func (e *OrgPolicyError) LogValue() slog.Value {
	return logform.Error("OrgPolicyError", e, slog.Any("members", e.Members), slog.String("resource", e.Resource), logform.Wrapped(e.Err))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *OrgPolicyError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }

// LogValue returns the error as a group: type, error, path, line and reason.
func (e *ManifestError) LogValue() slog.Value {
	return logform.Error("ManifestError", e, slog.String("path", e.Path), slog.Int("line", e.Line), slog.String("reason", e.Reason))
}

// MarshalJSON encodes the error as an object with the attributes of LogValue.
func (e *ManifestError) MarshalJSON() ([]byte, error) { return logform.JSON(e.LogValue()) }
