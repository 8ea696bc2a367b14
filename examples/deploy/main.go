// Command deploy is a small "gcloud run deploy" built on the library. It accepts
// gcloud's flags. Without an image it behaves as "gcloud run services update".
//
//	go run ./examples/deploy --local
//	go run ./examples/deploy hello --image=gcr.io/cloudrun/hello --project=my-project --region=us-central1
//	go run ./examples/deploy update-traffic hello --to-latest --region=us-central1
//
// As in gcloud, a command may precede the Service: deploy (the default), update,
// replace FILE, update-traffic, add-iam-policy-binding and
// remove-iam-policy-binding. beta or alpha before it declares the launch stage.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"
	"google.golang.org/api/option"

	"github.com/cloudrun-go/cloudrun/examples/internal/cli"
	"github.com/cloudrun-go/cloudrun/runflags"
)

func main() {
	cli.Main(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return run(ctx, args, stdout, stderr)
	}, report)
}

// run runs the command in the arguments. The options are for the client.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, opts ...option.ClientOption) error {
	word, stage, rest := commandOf(args)
	c := &command{stage: stage, args: rest, stdout: stdout, stderr: stderr, options: opts}
	c.flags = pflag.NewFlagSet("deploy", pflag.ContinueOnError)
	c.flags.SetOutput(io.Discard)
	c.flags.SortFlags = false
	c.settings = registerSettings(c.flags)
	err := commands()[word](c, ctx)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(stdout, "%s\n%s", usage(word), runflags.Usages(c.flags, 80))
		return flag.ErrHelp
	}
	return c.hint(err)
}

func commands() map[string]func(*command, context.Context) error {
	return map[string]func(*command, context.Context) error{
		"deploy":                    (*command).deploy,
		"update":                    (*command).update,
		"replace":                   (*command).replace,
		"update-traffic":            (*command).updateTraffic,
		"add-iam-policy-binding":    (*command).addBinding,
		"remove-iam-policy-binding": (*command).removeBinding,
	}
}

// usage returns how a command is called, and for the first one the others too.
func usage(word string) string {
	switch word {
	case "deploy":
		return `usage: deploy --local | deploy [flags] SERVICE
       deploy COMMAND [flags] SERVICE | deploy replace [flags] FILE

Commands, each with its own --help: update, update-traffic, replace,
  add-iam-policy-binding, remove-iam-policy-binding
`
	case "replace":
		return "usage: deploy replace [flags] FILE\n"
	}
	return "usage: deploy " + word + " [flags] SERVICE\n"
}

// commandOf splits off the words before the flags, all of which are optional:
// beta or alpha, gcloud's "run" and "services", and the command.
func commandOf(args []string) (word, stage string, rest []string) {
	for i, arg := range args {
		switch {
		case arg == "beta" || arg == "alpha":
			stage = arg
		case slices.Contains([]string{"run", "services"}, arg):
		case commands()[arg] != nil:
			return arg, stage, args[i+1:]
		default:
			return "deploy", stage, args[i:]
		}
	}
	return "deploy", stage, nil
}
