package data

import (
	"fmt"
	"html"
	"net/http"
	"strings"
)

// images are the factories by image.
type images map[string]Factory

func builtinImages() images {
	return images{
		"gcr.io/cloudrun/hello":                      hello,
		"us-docker.pkg.dev/cloudrun/container/hello": hello,
	}
}

// factory returns the factory of an image. An image without tag or digest
// stands for all of them.
func (im images) factory(image string) Factory {
	bare, _, _ := strings.Cut(image, "@")
	untagged := bare
	if i := strings.LastIndex(bare, ":"); i > strings.LastIndex(bare, "/") {
		untagged = bare[:i]
	}
	for _, name := range []string{image, bare, untagged} {
		if f, ok := im[name]; ok {
			return f
		}
	}
	return plainContainer
}

func hello(c Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html>\n<title>Congratulations</title>\n<h1>It's running!</h1>\n<p>Service %s, revision %s.\n",
			html.EscapeString(c.Service), html.EscapeString(c.Revision))
	})
}

func plainContainer(c Container) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "%s (%s) is running %s.\n", c.Service, c.Revision, c.Image)
	})
}
