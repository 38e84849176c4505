// Writes the tables that flux-kustomize takes from upstream's modules: which lists merge by which keys, which fields a
// transformer changes, where names are referred to, and which kinds have no namespace.
//
// Usage: go run . DIRECTORY
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/resid"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: openapi-tables DIRECTORY")
	}
	for name, text := range map[string]string{
		"openapi.rs": openapiTables(),
		"specs.rs":   specTables(),
		"scopes.rs":  scopeTables(),
	} {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func header(about string) string {
	return "//! " + about + "\n//!\n//! Written by e2e/openapi-tables; not to be edited.\n\n"
}

// moduleDir is where the module cache holds a module.
func moduleDir(module string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		log.Fatalf("%s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

func parseDir(dir string) []*ast.File {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		log.Fatal(err)
	}
	var parsed []*ast.File
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			log.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	return parsed
}

// references is one entry of the configuration's nameReference list.
type references struct {
	resid.Gvk  `json:",inline,omitempty"`
	FieldSpecs types.FsSlice `json:"fieldSpecs,omitempty"`
}

type referenceList []references

func (s referenceList) Len() int           { return len(s) }
func (s referenceList) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s referenceList) Less(i, j int) bool { return s[i].Gvk.IsLessThan(s[j].Gvk) }

// config is upstream's default transformer configuration.
type config struct {
	NamePrefix        types.FsSlice `json:"namePrefix"`
	NameSuffix        types.FsSlice `json:"nameSuffix"`
	Namespace         types.FsSlice `json:"namespace"`
	CommonLabels      types.FsSlice `json:"commonLabels"`
	Labels            types.FsSlice `json:"labels"`
	TemplateLabels    types.FsSlice `json:"templateLabels"`
	CommonAnnotations types.FsSlice `json:"commonAnnotations"`
	NameReference     referenceList `json:"nameReference"`
	VarReference      types.FsSlice `json:"varReference"`
	Images            types.FsSlice `json:"images"`
	Replicas          types.FsSlice `json:"replicas"`
}

// specTables reads the YAML texts out of the internal package's constants; sorting is part of how upstream loads them.
func specTables() string {
	dir := filepath.Join(moduleDir("sigs.k8s.io/kustomize/api"), "internal", "konfig", "builtinpluginconsts")
	var text bytes.Buffer
	constants := constants(dir)
	names := make([]string, 0, len(constants))
	for name := range constants {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		content := evaluate(constants[name], constants)
		// A list without a name is a part that others include.
		if strings.HasSuffix(name, "FieldSpecs") && !strings.HasPrefix(strings.TrimSpace(content), "-") {
			text.WriteString(content + "\n")
		}
	}
	var c config
	if err := yaml.UnmarshalStrict(text.Bytes(), &c); err != nil {
		log.Fatalf("field specs: %v", err)
	}
	var out strings.Builder
	out.WriteString(header("Which fields the transformers change."))
	out.WriteString("use crate::config::{References, Spec};\n\n")
	for _, table := range []struct {
		name  string
		specs types.FsSlice
	}{
		{"NAME_PREFIX", c.NamePrefix}, {"NAME_SUFFIX", c.NameSuffix}, {"NAMESPACE", c.Namespace},
		{"COMMON_LABELS", c.CommonLabels}, {"LABELS", c.Labels}, {"TEMPLATE_LABELS", c.TemplateLabels},
		{"COMMON_ANNOTATIONS", c.CommonAnnotations}, {"VAR_REFERENCE", c.VarReference}, {"IMAGES", c.Images},
		{"REPLICAS", c.Replicas},
	} {
		sort.Sort(table.specs)
		fmt.Fprintf(&out, "pub(crate) static %s: &[Spec] = %s;\n\n", table.name, specs(table.specs, ""))
	}
	sort.Sort(c.NameReference)
	for at, r := range c.NameReference {
		fmt.Fprintf(&out, "const REFERENCE_%d: &[Spec] = %s;\n\n", at, specs(r.FieldSpecs, ""))
	}
	out.WriteString("pub(crate) static NAME_REFERENCE: &[References] = &[\n")
	for at, r := range c.NameReference {
		fmt.Fprintf(&out, "    References::fixed(%q, %q, %q, REFERENCE_%d),\n", r.Group, r.Version, r.Kind, at)
	}
	out.WriteString("];\n")
	return out.String()
}

// constants are the constants of a package's source by name.
func constants(dir string) map[string]ast.Expr {
	found := map[string]ast.Expr{}
	for _, file := range parseDir(dir) {
		ast.Inspect(file, func(node ast.Node) bool {
			if value, ok := node.(*ast.ValueSpec); ok && len(value.Values) == 1 {
				found[value.Names[0].Name] = value.Values[0]
			}
			return true
		})
	}
	return found
}

// evaluate gives the text of a constant expression of strings.
func evaluate(expression ast.Expr, constants map[string]ast.Expr) string {
	switch e := expression.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return ""
		}
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			log.Fatal(err)
		}
		return text
	case *ast.BinaryExpr:
		return evaluate(e.X, constants) + evaluate(e.Y, constants)
	case *ast.Ident:
		return evaluate(constants[e.Name], constants)
	default:
		return ""
	}
}

func specs(list types.FsSlice, indent string) string {
	if len(list) == 0 {
		return "&[]"
	}
	var out strings.Builder
	out.WriteString("&[\n")
	for _, s := range list {
		fmt.Fprintf(&out, "%s    Spec::fixed(%q, %q, %q, %q, %v),\n", indent, s.Group, s.Version, s.Kind, s.Path, s.CreateIfNotPresent)
	}
	out.WriteString(indent + "]")
	return out.String()
}

// scopeTables reads the kinds out of the precomputed map and asks the module itself for their scope.
func scopeTables() string {
	scopes := map[kyaml.TypeMeta]bool{}
	for _, file := range parseDir(filepath.Join(moduleDir("sigs.k8s.io/kustomize/kyaml"), "openapi")) {
		ast.Inspect(file, func(node ast.Node) bool {
			entry, ok := node.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			key, ok := entry.Key.(*ast.CompositeLit)
			if !ok || len(key.Elts) != 2 {
				return true
			}
			var meta kyaml.TypeMeta
			for _, element := range key.Elts {
				field, ok := element.(*ast.KeyValueExpr)
				if !ok {
					return true
				}
				literal, ok := field.Value.(*ast.BasicLit)
				if !ok {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					log.Fatal(err)
				}
				switch field.Key.(*ast.Ident).Name {
				case "APIVersion":
					meta.APIVersion = text
				case "Kind":
					meta.Kind = text
				}
			}
			if namespaced, known := openapi.IsNamespaceScoped(meta); known {
				scopes[meta] = namespaced
			}
			return true
		})
	}
	if len(scopes) == 0 {
		log.Fatal("no kinds found")
	}
	var kinds []resid.Gvk
	for meta := range scopes {
		group, version := resid.ParseGroupVersion(meta.APIVersion)
		kinds = append(kinds, resid.Gvk{Group: group, Version: version, Kind: meta.Kind})
	}
	key := func(kind resid.Gvk) string { return kind.Kind + "\x00" + kind.Group + "\x00" + kind.Version }
	sort.Slice(kinds, func(i, j int) bool { return key(kinds[i]) < key(kinds[j]) })
	var out strings.Builder
	out.WriteString(header("Whether objects of the built-in kinds have a namespace, sorted by kind, group and version."))
	out.WriteString("pub(crate) static SCOPES: &[((&str, &str, &str), bool)] = &[\n")
	for _, kind := range kinds {
		namespaced := scopes[kyaml.TypeMeta{APIVersion: kind.ApiVersion(), Kind: kind.Kind}]
		fmt.Fprintf(&out, "    ((%q, %q, %q), %v),\n", kind.Group, kind.Version, kind.Kind, namespaced)
	}
	out.WriteString("];\n")
	return out.String()
}

// builder numbers the schemas that say something about merging.
type builder struct {
	root  *spec.Schema
	index map[string]int // by definition, then by content
	rows  []string
}

func openapiTables() string {
	b := &builder{root: openapi.Schema(), index: map[string]int{}}
	var kinds []string
	var names []string
	for name := range b.root.Definitions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		definition := b.root.Definitions[name]
		gvks, ok := definition.Extensions["x-kubernetes-group-version-kind"].([]interface{})
		if !ok {
			continue
		}
		row := -1
		for _, gvk := range gvks {
			m := gvk.(map[string]interface{})
			group, _ := m["group"].(string)
			apiVersion := m["version"].(string)
			if group != "" {
				apiVersion = group + "/" + apiVersion
			}
			meta := kyaml.TypeMeta{APIVersion: apiVersion, Kind: m["kind"].(string)}
			if found := openapi.SchemaForResourceType(meta); found == nil || found.Schema.Description != definition.Description {
				continue
			}
			if row < 0 {
				row = b.definition(name)
			}
			kinds = append(kinds, fmt.Sprintf("    ((%q, %q), %d),\n", meta.APIVersion, meta.Kind, row))
		}
	}
	sort.Strings(kinds)
	var out strings.Builder
	out.WriteString(header("How objects of the built-in kinds merge. Fields that hold nothing that merges by rule are left out."))
	out.WriteString("use crate::schema::Row;\n\n")
	out.WriteString("pub(crate) static KINDS: &[((&str, &str), usize)] = &[\n" + strings.Join(kinds, "") + "];\n\n")
	out.WriteString("/// The definitions that schemas of a kustomization's own may refer to, by name, sorted.\n")
	out.WriteString("pub(crate) static DEFINITIONS: &[(&str, usize)] = &[\n")
	for _, name := range names {
		if row, ok := b.index[name]; ok {
			fmt.Fprintf(&out, "    (%q, %d),\n", name, row)
		}
	}
	out.WriteString("];\n\n")
	out.WriteString("pub(crate) static SCHEMAS: &[Row] = &[\n" + strings.Join(b.rows, "") + "];\n")
	return out.String()
}

// definition is the row of a named definition. The row is reserved first, because definitions may contain themselves.
func (b *builder) definition(name string) int {
	if row, ok := b.index[name]; ok {
		return row
	}
	row := len(b.rows)
	b.index[name] = row
	b.rows = append(b.rows, "")
	definition := b.root.Definitions[name]
	b.rows[row] = b.row(&definition)
	return row
}

// schema is the row of any schema, or -1 where it says nothing about merging.
func (b *builder) schema(s *spec.Schema) int {
	if ref := s.Ref.String(); ref != "" {
		name := strings.TrimPrefix(ref, "#/definitions/")
		definition := b.root.Definitions[name]
		if len(definition.Properties) == 0 && definition.AdditionalProperties == nil && definition.Items == nil {
			return -1
		}
		return b.definition(name)
	}
	isMap := s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil && b.schema(s.AdditionalProperties.Schema) >= 0
	isList := len(s.Type) == 1 && s.Type[0] == "array" && s.Items != nil && merges(s)
	if len(s.Properties) == 0 && !isMap && !isList {
		return -1
	}
	text := b.row(s)
	if row, ok := b.index[text]; ok {
		return row
	}
	b.index[text] = len(b.rows)
	b.rows = append(b.rows, text)
	return b.index[text]
}

func merges(s *spec.Schema) bool {
	strategy, _ := s.Extensions["x-kubernetes-patch-strategy"].(string)
	for _, part := range strings.Split(strategy, ",") {
		if part == "merge" {
			return true
		}
	}
	return false
}

func (b *builder) row(s *spec.Schema) string {
	var names, fields []string
	for name := range s.Properties {
		names = append(names, name)
	}
	// In a fixed order, because rows are numbered as they are met.
	sort.Strings(names)
	for _, name := range names {
		property := s.Properties[name]
		if row := b.schema(&property); row >= 0 {
			fields = append(fields, fmt.Sprintf("(%q, %d)", name, row))
		}
	}
	sort.Strings(fields)
	option := func(s *spec.Schema) string {
		if s != nil {
			if row := b.schema(s); row >= 0 {
				return fmt.Sprintf("Some(%d)", row)
			}
		}
		return "None"
	}
	var values, items *spec.Schema
	if s.AdditionalProperties != nil {
		values = s.AdditionalProperties.Schema
	}
	if s.Items != nil && merges(s) {
		items = s.Items.Schema
	}
	_, keys := (&openapi.ResourceSchema{Schema: s}).PatchStrategyAndKeyList()
	quoted := make([]string, len(keys))
	for i, key := range keys {
		quoted[i] = strconv.Quote(key)
	}
	return fmt.Sprintf("    Row { fields: &[%s], values: %s, items: %s, merge: %v, keys: &[%s] },\n",
		strings.Join(fields, ", "), option(values), option(items), merges(s), strings.Join(quoted, ", "))
}
