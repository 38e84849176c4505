//go:build ignore

// Records what text/template makes of the templates on standard input.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"text/template"
	"time"
)

type question struct {
	Tpl     string `json:"tpl"`
	Missing string `json:"missing,omitempty"`
	Out     string `json:"out"`
}

var data = map[string]any{
	"s": "text", "n": nil, "f": 3.0, "g": 2.5, "i": 3, "j": int64(-7), "u": uint64(9), "b": true, "e": "",
	"big": 1e6, "small": 1e-5, "h": "héllo <b>&\"'", "bad": "a\xffb",
	"l":   []any{1, nil, "x", 2.5},
	"ls":  []string{"p", "q", "r"},
	"el":  []any{},
	"em":  map[string]any{},
	"m":   map[string]any{"b": 2, "a": 1, "n": nil, "m": map[string]any{"k": "v", "l": []any{1, 2}}},
	"ms":  map[string]string{"x": "y"},
	"by":  []byte("hi"),
	"d":   90 * time.Second,
	"err": errors.New("boom"),
}

func answer(q question) string {
	var out bytes.Buffer
	t := template.New("t")
	if q.Missing != "" {
		t.Option("missingkey=" + q.Missing)
	}
	_, err := t.Parse(q.Tpl)
	if err == nil {
		err = t.Execute(&out, data)
	}
	if err != nil {
		out.WriteString("!" + err.Error())
	}
	return out.String()
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	answers := json.NewEncoder(os.Stdout)
	answers.SetEscapeHTML(false)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		q.Out = answer(q)
		if err := answers.Encode(q); err != nil {
			panic(err)
		}
	}
}
