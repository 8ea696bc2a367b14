package resources_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/apierror"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/resources"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/store"
	"github.com/cloudrun-go/cloudrun/cloudruntest/internal/tree"
)

var project = &store.Project{ID: "demo", Number: "123456789012"}

func object(t *testing.T, s string) tree.Object {
	t.Helper()
	o, err := tree.Decode([]byte(s))
	require.NoError(t, err)
	return o
}

// service returns a Service with one more thing in its container, its spec and its metadata.
func service(t *testing.T, container, spec, meta string) tree.Object {
	t.Helper()
	return object(t, `{"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"hello"`+meta+`},
		"spec":{"template":{"spec":{"containers":[{"image":"x"`+container+`}]}}`+spec+`}}`)
}

func request(cluster bool) resources.Request {
	return resources.Request{Cluster: cluster, Project: project, Region: "us-central1", Name: "hello"}
}

func requireJSON(t *testing.T, want string, got any) {
	t.Helper()
	raw, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, want, string(raw))
}

func TestReading(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body, media                  string
		cloudRun, cluster            int // 0: accepted
		cloudRunMessage, onAnyServer string
	}{
		"an object":     {`{"apiVersion":"serving.knative.dev/v1","kind":"Service"}`, "application/json", 0, 0, "", ""},
		"no kind":       {`{}`, "", 0, 400, "", ""},
		"other kind":    {`{"kind":"Route"}`, "", 400, 400, "kind: Unexpected kind", ""},
		"other version": {`{"apiVersion":"x/v1","kind":"Service"}`, "", 400, 400, "apiVersion: Unsupported", ""},
		"nothing":       {``, "", 400, 400, "Invalid JSON payload received.", ""},
		"null":          {`null`, "", 400, 400, "An object is expected.", ""},
		"cut off":       {`{"kind":`, "", 400, 400, "Invalid JSON payload received.", ""},
		"other media":   {`{"apiVersion":"serving.knative.dev/v1","kind":"Service"}`, "text/plain", 0, 415, "", ""},
	}
	code := func(err *apierror.Error) int {
		if err == nil {
			return 0
		}
		return err.Code
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := resources.Read([]byte(tc.body), "Service")
			require.Equal(t, tc.cloudRun, code(err))
			if err != nil {
				require.Contains(t, err.Message, tc.cloudRunMessage)
			}
			_, err = resources.ReadCluster([]byte(tc.body), tc.media, "Service")
			require.Equal(t, tc.cluster, code(err))
		})
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	current := &store.Service{UID: "u", Doc: tree.Object{"metadata": tree.Object{"annotations": tree.Object{
		resources.CreatorAnnotation: "a", resources.ModifierAnnotation: "b"}}}}
	owned := `,"annotations":{"serving.knative.dev/creator":"a","serving.knative.dev/lastModifier":"b"}`
	tests := map[string]struct {
		container, spec, meta string
		edit                  func(*resources.Request)
		cloudRun, cluster     string // part of the message; empty: admitted
	}{
		"plain":             {},
		"no image":          {container: `,"image":""`, cloudRun: "A container image must be specified", cluster: "missing field(s): spec.template.spec.containers[0].image"},
		"reserved":          {container: `,"env":[{"name":"PORT"}]`, cloudRun: "reserved env names", cluster: `"PORT" is a reserved environment variable`},
		"PORT of a sidecar": {container: `,"ports":[{}]},{"image":"side","env":[{"name":"PORT"}]`},
		"PORT beside one":   {container: `,"ports":[{}],"env":[{"name":"PORT"}]},{"image":"side"`, cloudRun: "reserved env names", cluster: `"PORT" is a reserved environment variable: spec.template.spec.containers[0].env[0].name`},
		"reserved in one":   {container: `,"ports":[{}]},{"image":"side","env":[{"name":"K_SERVICE"}]`, cloudRun: "reserved env names", cluster: `"K_SERVICE" is a reserved environment variable: spec.template.spec.containers[1].env[0].name`},
		"little memory":     {container: `,"resources":{"limits":{"memory":"1Mi"}}`, cloudRun: "Minimum memory is 128Mi"},
		"half":              {spec: `,"traffic":[{"latestRevision":true,"percent":50}]`, cloudRun: "sum to 100", cluster: "sum to 100"},
		"other namespace":   {meta: `,"namespace":"other"`, cloudRun: "does not match the project", cluster: "does not match the namespace"},
		"by number":         {meta: `,"namespace":"123456789012"`, cluster: "does not match the namespace"},
		"unknown field":     {container: `,"imagine":1`, cloudRun: `Unknown name "imagine" at 'service.spec.template.spec.containers[0]': Cannot find field.`},
		"any field":         {container: `,"imagine":1`, edit: func(r *resources.Request) { r.AnyField = true }},
		"port by name":      {container: `,"livenessProbe":{"httpGet":{"port":"http"}}`, cloudRun: "containers[0].livenessProbe.httpGet.port: Invalid value http"},
		"port in quotes":    {container: `,"livenessProbe":{"httpGet":{"port":"8080"}}`},
		"user":              {container: `,"securityContext":{"runAsUser":1000}`},
		"no root":           {container: `,"securityContext":{"runAsNonRoot":true}`, cloudRun: `Unknown name "runAsNonRoot"`},
		"init containers":   {container: `}],"initContainers":[{"image":"x"`, cloudRun: `Unknown name "initContainers" at 'service.spec.template.spec': Cannot find field.`},
		"privileged":        {container: `,"securityContext":{"privileged":true}`, cloudRun: `Unknown name "privileged"`},
		"capabilities":      {container: `,"securityContext":{"capabilities":{"add":["NET_ADMIN"]}}`, cloudRun: `Unknown name "capabilities"`},
		"known field": {container: `,"imagine":1`, edit: func(r *resources.Request) {
			r.Current = &store.Service{Doc: object(t, `{"spec":{"template":{"spec":{"containers":[{},{"imagine":2}]}}}}`)}
		}, cluster: "must be specified for an update"},
		"strict":           {container: `,"imagine":1`, cloudRun: "Unknown name", edit: func(r *resources.Request) { r.Strict = true }, cluster: "strict decoding error"},
		"new with version": {meta: `,"resourceVersion":"7"`, cluster: "resourceVersion should not be set"},
		"current": {meta: `,"resourceVersion":"7"` + owned,
			edit: func(r *resources.Request) { r.Current, r.Version = current, "7" }},
		"stale": {meta: `,"resourceVersion":"6"` + owned, cloudRun: "version '6' was specified but current version is '7'", cluster: "the object has been modified",
			edit: func(r *resources.Request) { r.Current, r.Version = current, "7" }},
		"without a version": {meta: owned, cluster: "must be specified for an update",
			edit: func(r *resources.Request) { r.Current, r.Version = current, "7" }},
		"another creator": {meta: `,"resourceVersion":"7"`, cluster: "annotation value is immutable",
			edit: func(r *resources.Request) { r.Current, r.Version = current, "7" }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for cluster, want := range map[bool]string{false: tc.cloudRun, true: tc.cluster} {
				r := request(cluster)
				if tc.edit != nil {
					tc.edit(&r)
				}
				_, err := resources.AdmitService(r, service(t, tc.container, tc.spec, tc.meta))
				if want == "" {
					require.Nil(t, err, "cluster: %v", cluster)
					continue
				}
				require.NotNil(t, err, "cluster: %v", cluster)
				require.Contains(t, err.Message, want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	doc := service(t, "", "", "")
	warnings, err := resources.AdmitService(request(false), doc)
	require.Nil(t, err)
	require.Empty(t, warnings)
	requireJSON(t, `{"containerConcurrency":80,"timeoutSeconds":300,"serviceAccountName":"123456789012-compute@developer.gserviceaccount.com",
		"containers":[{"image":"x","name":"hello-1","ports":[{"name":"http1","containerPort":8080}],"resources":{"limits":{"cpu":"1000m","memory":"512Mi"}},
		"startupProbe":{"timeoutSeconds":240,"periodSeconds":240,"failureThreshold":1,"tcpSocket":{"port":8080}}}]}`, tree.At(doc, "spec", "template", "spec"))
	again := tree.Clone(doc)
	_, err = resources.AdmitService(request(false), again)
	require.Nil(t, err)
	require.Equal(t, doc, again, "defaults are added once")

	doc = service(t, `,"imagine":1`, "", "")
	warnings, err = resources.AdmitService(request(true), doc)
	require.Nil(t, err)
	require.Equal(t, `unknown field "spec.template.spec.containers[0].imagine"`, warnings[0])
	requireJSON(t, `{"containerConcurrency":0,"timeoutSeconds":300,"enableServiceLinks":false,"containers":[{"image":"x","name":"user-container",
		"resources":{},"readinessProbe":{"successThreshold":1,"tcpSocket":{"port":0}}}]}`, tree.At(doc, "spec", "template", "spec"))
}

func TestContainersGetNames(t *testing.T) {
	t.Parallel()
	two := `,"ports":[{"containerPort":1}]},{"image":"y"`
	for cluster, want := range map[bool][]string{false: {"hello-1", "hello-2"}, true: {"user-container-0", "user-container-1"}} {
		doc := service(t, two, "", "")
		_, err := resources.AdmitService(request(cluster), doc)
		require.Nil(t, err)
		for i, c := range tree.Objects(tree.At(doc, "spec", "template", "spec"), "containers") {
			require.Equal(t, want[i], tree.Text(c, "name"))
		}
	}
}

func TestGenerateName(t *testing.T) {
	t.Parallel()
	for meta, want := range map[string]string{`{"generateName":"gen-"}`: `^gen-[a-z0-9]{5}$`, `{"name":"x","generateName":"gen-"}`: `^x$`, `{}`: `^$`} {
		doc := tree.Object{"metadata": object(t, meta)}
		resources.GenerateName(doc)
		require.Regexp(t, want, tree.Text(tree.At(doc, "metadata"), "name"))
	}
	resources.GenerateName(tree.Object{})
}

func TestStampAndUnchanged(t *testing.T) {
	t.Parallel()
	st := store.New(store.Config{Regions: store.AllRegions()})
	sv := &store.Service{Key: store.Key{Project: project.Number, Region: "us-central1", Name: "hello"}, Project: project, UID: "u", Created: time.Now()}
	doc := service(t, "", "", `,"uid":"other","resourceVersion":"1","annotations":{"run.googleapis.com/operation-id":"x"}`)
	_, err := resources.AdmitService(request(false), doc)
	require.Nil(t, err)
	asked := tree.Clone(doc)
	resources.Stamp(st, sv, "", doc)
	meta := tree.At(doc, "metadata")
	require.Equal(t, "u", meta["uid"])
	require.NotContains(t, meta, "resourceVersion")
	require.Equal(t, tree.Object{resources.CreatorAnnotation: resources.Caller, resources.ModifierAnnotation: resources.Caller,
		"run.googleapis.com/ingress": "all", "run.googleapis.com/ingress-status": "all"}, meta["annotations"])
	require.True(t, resources.Unchanged(doc, asked), "what the server adds is no change")
	tree.At(asked, "metadata", "labels")["a"] = "b"
	require.False(t, resources.Unchanged(doc, asked))
	resources.Stamp(st, sv, "first@example.com", asked)
	require.Equal(t, "first@example.com", tree.At(asked, "metadata", "annotations")[resources.CreatorAnnotation])
}

func TestExistingRevision(t *testing.T) {
	t.Parallel()
	template := func(name, image string) tree.Object {
		return tree.Object{"metadata": tree.Object{"name": name}, "spec": tree.Object{"containers": []any{tree.Object{"image": image}}}}
	}
	first := &store.Revision{Name: "hello-a", Template: template("hello-a", "x")}
	latest := &store.Revision{Name: "hello-b", Template: template("hello-b", "y")}
	current := &store.Service{Doc: tree.Object{"spec": tree.Object{"template": template("hello-b", "y")}},
		Revisions: []*store.Revision{first, latest}, Latest: latest}
	tests := map[string]struct {
		template tree.Object
		current  *store.Service
		want     *store.Revision
		exists   bool
		refused  bool
	}{
		"a new Service":      {template("", "x"), nil, nil, false, false},
		"the same template":  {template("hello-b", "y"), current, latest, true, false},
		"a new template":     {template("", "z"), current, nil, false, false},
		"a new name":         {template("hello-c", "y"), current, nil, false, false},
		"an old name":        {template("hello-a", "x"), current, first, true, false},
		"a name that exists": {template("hello-a", "z"), current, nil, false, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, exists, err := resources.ExistingRevision(tc.template, tc.current)
			require.Equal(t, tc.refused, err != nil)
			require.Equal(t, tc.exists, exists)
			require.Same(t, tc.want, r)
		})
	}
}

func TestNewRevision(t *testing.T) {
	t.Parallel()
	for _, cluster := range []bool{false, true} {
		st := store.New(store.Config{Cluster: cluster, Regions: store.AllRegions()})
		doc := service(t, "", "", "")
		sv := &store.Service{Key: store.Key{Project: project.Number, Region: "us-central1", Name: "hello"}, Project: project, UID: "u",
			Doc: doc, Generation: 7, Configurations: 3}
		name, generation := resources.RevisionName(sv, cluster), "7"
		if cluster {
			require.Equal(t, "hello-00003", name)
			generation = "3"
		} else {
			require.Regexp(t, `^hello-00007-[a-z]{3}$`, name)
		}
		r := resources.NewRevision(st, sv, name, time.Now(), store.Fate{Never: true})
		require.True(t, r.Fate.Never)
		require.Equal(t, "hello", tree.At(r.Doc, "metadata", "labels")[resources.ServiceLabel])
		require.Equal(t, generation, tree.At(r.Doc, "metadata", "labels")["serving.knative.dev/configurationGeneration"])
		require.Equal(t, tree.At(doc, "spec", "template", "spec"), tree.At(r.Doc, "spec"))
		next := resources.NewRevision(st, sv, name, time.Now(), store.Fate{})
		require.Greater(t, next.Seq, r.Seq)
		tree.Child(tree.At(doc, "spec", "template"), "metadata")["name"] = "hello-own"
		require.Equal(t, "hello-own", resources.RevisionName(sv, cluster))
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	const plain = `{"role":"roles/run.invoker","members":["allUsers"]}`
	const conditional = `{"role":"roles/run.invoker","members":["allUsers"],"condition":{"title":"t","expression":"true"}}`
	tests := map[string]struct {
		current, policy string
		want            string // part of the message; empty: accepted
	}{
		"first":                         {``, `{"bindings":[` + plain + `]}`, ""},
		"first with its etag":           {``, `{"etag":"ACAB","bindings":[` + plain + `]}`, ""},
		"stale":                         {`{"etag":"AAAA"}`, `{"etag":"BBBB"}`, "concurrent policy changes"},
		"without an etag":               {`{"etag":"AAAA"}`, `{}`, ""},
		"etag for URLs":                 {`{"etag":"+/+/"}`, `{"etag":"-_-_"}`, ""},
		"etag that is none":             {``, `{"etag":"!"}`, "Base64 decoding failed"},
		"version 2":                     {``, `{"version":2}`, "must be one of 0, 1 or 3"},
		"a condition needs version 3":   {``, `{"bindings":[` + conditional + `]}`, "cannot support conditions"},
		"a condition in version 3":      {``, `{"version":3,"bindings":[` + conditional + `]}`, ""},
		"conditions would be lost":      {`{"etag":"AAAA","bindings":[` + conditional + `]}`, `{"etag":"AAAA"}`, "existing policy has conditions"},
		"conditions are given up":       {`{"etag":"AAAA","bindings":[` + conditional + `]}`, `{}`, ""},
		"no role":                       {``, `{"bindings":[{"members":["allUsers"]}]}`, "Role (unset) is not supported"},
		"a role of a project":           {``, `{"bindings":[{"role":"projects/p/roles/r","members":["user:a@b.c"]}]}`, ""},
		"a member of no kind":           {``, `{"bindings":[{"role":"roles/r","members":["a@b.c"]}]}`, "Invalid member"},
		"a user who is no address":      {``, `{"bindings":[{"role":"roles/r","members":["user:a"]}]}`, "Invalid member"},
		"deleted, domain, principal":    {``, `{"bindings":[{"role":"roles/r","members":["deleted:user:a@b.c?uid=1","domain:b.c","principal://x"]}]}`, ""},
		"a member that is not a string": {``, `{"bindings":[{"role":"roles/r","members":[7]}]}`, "Invalid member"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var current tree.Object
			if tc.current != "" {
				current = object(t, tc.current)
			}
			err := resources.CheckPolicy(current, object(t, tc.policy))
			if tc.want == "" {
				require.Nil(t, err)
				return
			}
			require.NotNil(t, err)
			require.Contains(t, err.Message, tc.want)
		})
	}
	require.True(t, resources.GrantsInvoker(object(t, `{"bindings":[`+plain+`]}`)))
	require.False(t, resources.GrantsInvoker(object(t, `{"bindings":[`+conditional+`]}`)))
	require.False(t, resources.GrantsInvoker(nil))
}

func TestStoredAndShownPolicies(t *testing.T) {
	t.Parallel()
	given := object(t, `{"version":3,"etag":"AAAA","bindings":[{"role":"roles/a","members":[]},{"role":"roles/b","members":["allUsers"],"condition":{"title":"t"}}]}`)
	stored := resources.StoredPolicy(given)
	require.NotEqual(t, "AAAA", stored["etag"])
	require.NotEqual(t, stored["etag"], resources.StoredPolicy(given)["etag"])
	require.Equal(t, 3, stored["version"])
	require.Len(t, stored["bindings"], 1, "a binding without members is dropped")
	require.Equal(t, stored, resources.ShownPolicy(stored, 3))
	shown := resources.ShownPolicy(stored, 1)
	require.Equal(t, 1, shown["version"])
	binding := tree.Objects(shown, "bindings")[0]
	require.Regexp(t, `^roles/b_withcond_[a-z0-9]{10}$`, binding["role"])
	require.NotContains(t, binding, "condition")
	require.Equal(t, tree.Object{"etag": "ACAB"}, resources.ShownPolicy(nil, 1))
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	for _, cluster := range []bool{false, true} {
		p := resources.NewPermissions(cluster)
		require.Nil(t, p.Check("run.services.get", "r"))
		p.Deny("run.services.get", "iam.serviceaccounts.actAs")
		err := p.Check("run.services.get", "r")
		require.Equal(t, 403, err.Code)
		if cluster {
			require.True(t, strings.HasPrefix(err.Message, "services.serving.knative.dev is forbidden"))
		} else {
			require.Contains(t, err.Message, "'run.services.get' denied on resource 'r'")
		}
		require.Contains(t, p.CheckAccount(object(t, `{"spec":{"template":{"spec":{"serviceAccountName":"sa@x"}}}}`)).Message, "service account sa@x")
		p.Grant("run.services.get", "iam.serviceaccounts.actAs")
		require.True(t, p.Has("run.services.get"))
		require.Nil(t, p.CheckAccount(nil))

		public := object(t, `{"bindings":[{"role":"roles/r","members":["allAuthenticatedUsers"]}]}`)
		require.Nil(t, p.CheckPublic(public, "r"))
		p.ForbidPublic(true)
		require.Equal(t, "FAILED_PRECONDITION", p.CheckPublic(public, "r").Status)
		require.Nil(t, p.CheckPublic(object(t, `{"bindings":[{"role":"roles/r","members":["user:a@b.c"]}]}`), "r"))
	}
}
