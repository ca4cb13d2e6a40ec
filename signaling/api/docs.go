package api

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// docsHTML is the page that describes the API to people, and docsCSS how it looks. It asks
// nobody for anything: it is one file without a script.
var (
	//go:embed docs.html
	docsHTML string
	//go:embed docs.css
	docsCSS string
)

var docsPage = template.Must(template.New("docs").Parse(docsHTML))

// docs adds the description for people, and what of it a program wants to know besides the
// operations.
func (s *server) docs() {
	open := s.api.OpenAPI()
	open.Info.Description = "Who asks proves itself with an API token: `Authorization: Bearer TOKEN`. Answers that are no success are problems " +
		"(RFC 9457) with a stable `code` and a `hint`. Lists go on where their `Link` header says (RFC 8288)."
	if open.Components.SecuritySchemes == nil {
		open.Components.SecuritySchemes = map[string]*huma.SecurityScheme{}
	}
	if len(open.Security) == 0 {
		open.Components.SecuritySchemes["token"] = &huma.SecurityScheme{Type: "http", Scheme: "bearer", Description: "an API token"}
		open.Security = []map[string][]string{{"token": {}}}
	}
	page := sync.OnceValues(func() (asset, error) {
		text, err := describeAPI(open)
		return newAsset("docs.html", text), err
	})
	policy := "default-src 'none'; style-src '" + hashOf(docsCSS) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	s.router.Get("/api/v1/docs", func(w http.ResponseWriter, r *http.Request) {
		a, err := page()
		if err != nil {
			s.fail(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", a.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
	})
}

// Document is the description of the API in OpenAPI 3.1, indented.
func Document() ([]byte, error) {
	nobody := http.NotFoundHandler()
	s := newServer(Config{Socket: nobody, Tunnel: nobody, Metrics: nobody, Pin: func() string { return "" }})
	return json.MarshalIndent(s.api.OpenAPI(), "", "  ")
}

// hashOf is how a policy names a style.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// What the page shows.
type (
	docsOf struct {
		Style   template.CSS
		Groups  []docsGroup
		Schemas []docsSchema
		Limits  Limits
	}
	docsGroup struct {
		Name       string
		Operations []docsOperation
	}
	docsOperation struct {
		ID, Method, Path, Summary, Role string
		Params                          []docsField
		Body, Answer                    docsType
	}
	docsSchema struct {
		Name, Text string
		Fields     []docsField
	}
	docsField struct {
		Name, In, Text, Bounds string
		Required               bool
		Type                   docsType
	}
	// docsType is a type in words, and the schema that it names.
	docsType struct{ Before, Schema, After string }
)

// describeAPI makes the page.
func describeAPI(open *huma.OpenAPI) ([]byte, error) {
	d := docsOf{Style: template.CSS(docsCSS), Limits: Usual} //nolint:gosec // it is a file of ours
	groups := map[string][]docsOperation{}
	for _, path := range slices.Sorted(maps.Keys(open.Paths)) {
		item := open.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && len(op.Tags) > 0 {
				groups[op.Tags[0]] = append(groups[op.Tags[0]], docsOperationOf(op))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		d.Groups = append(d.Groups, docsGroup{name, groups[name]})
	}
	schemas := open.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		d.Schemas = append(d.Schemas, docsSchema{name, schemas[name].Description, fieldsOf(schemas[name])})
	}
	var out bytes.Buffer
	err := docsPage.Execute(&out, d)
	return out.Bytes(), err
}

func docsOperationOf(op *huma.Operation) docsOperation {
	out := docsOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary}
	out.Role, _ = op.Metadata["role"].(string)
	for _, p := range op.Parameters {
		out.Params = append(out.Params, docsField{p.Name, p.In, cmp.Or(p.Description, p.Schema.Description), boundsOf(p.Schema), p.Required, typeOf(p.Schema)})
	}
	if op.RequestBody != nil {
		out.Body = contentOf(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if strings.HasPrefix(status, "2") {
			out.Answer = contentOf(op.Responses[status].Content)
		}
	}
	return out
}

func contentOf(content map[string]*huma.MediaType) docsType {
	for _, media := range content {
		return typeOf(media.Schema)
	}
	return docsType{}
}

// typeOf says what a schema is.
func typeOf(s *huma.Schema) docsType {
	const components = "#/components/schemas/"
	switch {
	case s == nil:
		return docsType{}
	case s.Ref != "":
		return docsType{Schema: strings.TrimPrefix(s.Ref, components)}
	case s.Type == huma.TypeArray:
		of := typeOf(s.Items)
		of.Before = "list of " + of.Before
		return of
	case s.Type == huma.TypeObject:
		if of, ok := s.AdditionalProperties.(*huma.Schema); ok {
			t := typeOf(of)
			t.Before = "object of " + t.Before
			return t
		}
	case s.Format != "":
		return docsType{Before: s.Type + " (" + s.Format + ")"}
	}
	return docsType{Before: cmp.Or(s.Type, "anything")}
}

// boundsOf says what values may be.
func boundsOf(s *huma.Schema) string {
	var all []string
	number := func(name string, f *float64) {
		if f != nil {
			all = append(all, name+" "+strconv.FormatFloat(*f, 'f', -1, 64))
		}
	}
	count := func(name, of string, n *int) {
		if n != nil {
			all = append(all, name+" "+strconv.Itoa(*n)+" "+of)
		}
	}
	if s == nil {
		return ""
	}
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			text, _ := json.Marshal(v) // of a string or a number
			words[i] = strings.Trim(string(text), `"`)
		}
		all = append(all, strings.Join(words, ", "))
	}
	number("at least", s.Minimum)
	number("at most", s.Maximum)
	count("at least", "characters", s.MinLength)
	count("at most", "characters", s.MaxLength)
	count("at least", "of them", s.MinItems)
	count("at most", "of them", s.MaxItems)
	if s.Default != nil {
		text, _ := json.Marshal(s.Default)
		all = append(all, "default "+strings.Trim(string(text), `"`))
	}
	return strings.Join(all, "; ")
}

func fieldsOf(s *huma.Schema) (fields []docsField) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		fields = append(fields, docsField{Name: name, Text: p.Description, Bounds: boundsOf(p), Required: slices.Contains(s.Required, name), Type: typeOf(p)})
	}
	return fields
}
