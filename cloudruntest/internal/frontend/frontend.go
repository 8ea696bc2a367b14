// Package frontend has the HTML pages of Google's front end. It responds when
// there is no API or no Service at a URL.
package frontend

import (
	"fmt"
	"strings"
)

// NotFound returns the page for a URL without an API.
func NotFound(path string) string {
	const page = `<!DOCTYPE html>
<html lang=en>
  <meta charset=utf-8>
  <meta name=viewport content="initial-scale=1, minimum-scale=1, width=device-width">
  <title>Error 404 (Not Found)!!1</title>
  <p><b>404.</b> <ins>That’s an error.</ins>
  <p>The requested URL <code>%s</code> was not found on this server.  <ins>That’s all we know.</ins>
`
	return fmt.Sprintf(page, escape(path))
}

// Forbidden returns the message for a Service that the caller is not allowed to call.
func Forbidden(path string) string {
	return "Your client does not have permission to get URL <code>" + escape(path) + "</code> from this server."
}

// Error returns the error page of a Service's URL. The message is HTML.
func Error(title, message string) string {
	return fmt.Sprintf(`
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>%s</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: %s</h1>
<h2>%s</h2>
<h2></h2>
</body></html>
`, title, strings.TrimPrefix(title, "403 "), message)
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
