package test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the project's directory, seen from this one.
const root = ".."

// What the house allows.
const (
	maxFileLines     = 500
	maxFunctionLines = 70
	maxReadmeLines   = 80
)

// topLevel is what the project's directory holds, beside names that begin with a dot. "calgate" is a binary that
// .gitignore knows.
var topLevel = []string{"LICENSE", "README.md", "cmd", "gateway", "go.mod", "go.sum", "imapstore", "test", "translate"}

// apart are packages that a room must not know, not even by way of others.
var apart = map[string][]string{
	"translate":        {"net/http", "encoding/xml", "github.com/emersion/go-imap/v2", "github.com/emersion/go-webdav"},
	"imapstore":        {"net/http", "encoding/xml", "github.com/emersion/go-ical", "github.com/emersion/go-webdav"},
	"gateway/calendar": {"net/http", "encoding/xml", "github.com/emersion/go-webdav"},
}

// mayImport are the rooms that a room imports directly, and no others of ours.
var mayImport = map[string][]string{
	"cmd/calgate":      {"gateway", "gateway/calendar", "imapstore", "translate"},
	"gateway":          {"gateway/davxml", "gateway/calendar", "translate"},
	"gateway/davxml":   {},
	"gateway/calendar": {"imapstore", "translate"},
	"imapstore":        {},
	"translate":        {},
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && e.Name() != "calgate" {
			got = append(got, e.Name())
		}
	}
	if !slices.Equal(got, topLevel) {
		t.Errorf("the top level holds %v, want %v", got, topLevel)
	}
}

func TestRoomsStayApart(t *testing.T) {
	for room, forbidden := range apart {
		deps := goList(t, "-deps", "./"+room)
		for _, f := range forbidden {
			for _, d := range deps {
				if d == f || strings.HasPrefix(d, f+"/") && !strings.HasPrefix(f, "net/") {
					t.Errorf("%s depends on %s", room, d)
				}
			}
		}
	}
	for room, allowed := range mayImport {
		for _, imported := range goList(t, "-f", `{{range .Imports}}{{println .}}{{end}}`, "./"+room) {
			if ours, ok := strings.CutPrefix(imported, "calgate/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", room, ours)
			}
		}
	}
	for _, p := range goList(t, "./...") {
		room := strings.TrimPrefix(p, "calgate/")
		if _, known := mayImport[room]; !known && room != "test" && !strings.HasPrefix(room, "test/") {
			t.Errorf("%s is none of the rooms", room)
		}
	}
}

// handmade are the signs of iCalendar that is read or written by hand.
var handmade = regexp.MustCompile(`\b(BEGIN|END):|"(BEGIN|END)"|emersion/go-ical|translate\.NewScanner`)

// TestCalendarText: nothing but translate reads or writes iCalendar.
func TestCalendarText(t *testing.T) {
	for path, text := range goFiles(t) {
		room, _, _ := strings.Cut(path, "/")
		if room == "translate" || room == "test" || strings.HasSuffix(path, "_test.go") {
			continue
		}
		if found := handmade.Find(text); found != nil {
			t.Errorf("%s has %s: iCalendar is read and written in translate", path, found)
		}
	}
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Fields(string(out))
}

// goFiles are all Go files with their text.
func goFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root+"/")] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// apartRun are the tests that ./test/run leaves out of its run of all packages, and runs by themselves in the package test
// alone.
var apartRun = regexp.MustCompile(`^Test(Client|Fleet)`)

// TestFiles checks length, doc comments, that no test sleeps, and that each is run.
func TestFiles(t *testing.T) {
	documented := map[string]bool{} // directories whose package has a doc comment
	packages := map[string]bool{}
	for path, text := range goFiles(t) {
		if n := bytes.Count(text, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: find its second subject", path, n, maxFileLines)
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, text, parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		packages[filepath.Dir(path)] = true
		if file.Doc != nil {
			documented[filepath.Dir(path)] = true
		}
		isTest := strings.HasSuffix(path, "_test.go")
		for _, d := range file.Decls {
			checkDeclaration(t, path, files, d, isTest)
		}
		if isTest {
			checkSleeps(t, path, files, file)
		}
	}
	for dir := range packages {
		if !documented[dir] {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

func checkDeclaration(t *testing.T, path string, files *token.FileSet, d ast.Decl, isTest bool) {
	t.Helper()
	f, ok := d.(*ast.FuncDecl)
	if !ok {
		return
	}
	if n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; n > maxFunctionLines && !isTest {
		t.Errorf("%s: %s has %d lines, more than %d", path, f.Name.Name, n, maxFunctionLines)
	}
	if isTest && f.Recv == nil && filepath.Dir(path) != "test" && apartRun.MatchString(f.Name.Name) {
		t.Errorf("%s: ./test/run never runs %s: such a name is for package test", path, f.Name.Name)
	}
	exported := f.Name.IsExported() && !isTest
	if exported && f.Recv != nil {
		receiver := f.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		name, ok := receiver.(*ast.Ident)
		exported = ok && name.IsExported() && f.Name.Name != "Error" && f.Name.Name != "Unwrap" && f.Name.Name != "String"
	}
	if exported && f.Doc == nil {
		t.Errorf("%s: %s has no comment", path, f.Name.Name)
	}
}

func checkSleeps(t *testing.T, path string, files *token.FileSet, file *ast.File) {
	t.Helper()
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok || call.Sel.Name != "Sleep" {
			return true
		}
		if x, ok := call.X.(*ast.Ident); ok && x.Name == "time" {
			t.Errorf("%v: a test sleeps; wait for what it waits for, or use synctest", files.Position(n.Pos()))
		}
		return true
	})
}

var rfc = regexp.MustCompile(`RFC[ -]?([0-9]{3,5})`)

// TestRFCs compares the RFCs that code cites with the list of their status.
func TestRFCs(t *testing.T) {
	text, err := os.ReadFile(root + "/gateway/rfc.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range rfc.FindAllStringSubmatch(string(text), -1) {
		listed[m[1]] = true
	}
	for path, text := range goFiles(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, m := range rfc.FindAllStringSubmatch(string(text), -1) {
			if !listed[m[1]] {
				t.Errorf("%s cites RFC %s, which gateway/rfc.md does not list", path, m[1])
			}
		}
	}
}

// TestReadme: short, and every direct dependency has its reason there.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > maxReadmeLines {
		t.Errorf("README.md has %d lines, more than %d", n, maxReadmeLines)
	}
	mod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		words := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(words) < 2 || !strings.Contains(words[0], ".") || strings.Contains(line, "// indirect") {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(words[0], "github.com/"), "golang.org/"), "pgregory.net/")
		if !bytes.Contains(text, []byte(name)) {
			t.Errorf("README.md gives no reason for the dependency %s", words[0])
		}
	}
	license, err := os.ReadFile(root + "/LICENSE")
	if err != nil || !bytes.HasPrefix(license, []byte("MIT License")) {
		t.Errorf("LICENSE is not the MIT license: %v", err)
	}
}

// pinned are the modules that were measured at one version, or whose "latest" is an older one: a change of any is to be meant.
var pinned = map[string]string{
	"github.com/emersion/go-imap/v2":  "v2.0.0-beta.8",
	"github.com/emersion/go-webdav":   "v0.7.1-0.20260628102823-c16f8a9a132c",
	"github.com/emersion/go-ical":     "v0.0.0-20250609112844-439c63cef608",
	"github.com/emersion/go-sasl":     "v0.0.0-20241020182733-b788ff22d5a6",
	"github.com/teambition/rrule-go":  "v1.8.2",
	"github.com/maypok86/otter/v2":    "v2.4.0",
	"github.com/rogpeppe/go-internal": "v1.16.0",
	"github.com/google/go-cmp":        "v0.7.0",
	"golang.org/x/sync":               "v0.24.0",
	"pgregory.net/rapid":              "v1.3.0",
}

// TestPins: the versions are those, and nothing is replaced: go install refuses a module that replaces another.
func TestPins(t *testing.T) {
	mod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(mod)) {
		words := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(words) >= 2 {
			got[words[0]] = words[1]
		}
		if strings.Contains(line, "=>") {
			t.Errorf("go.mod replaces: %s", line)
		}
	}
	for path, want := range pinned {
		if got[path] != want {
			t.Errorf("go.mod has %s at %q, want %s", path, got[path], want)
		}
	}
}

// TestOneCommand: what continuous integration runs is the command that people run.
func TestOneCommand(t *testing.T) {
	text, err := os.ReadFile(root + "/.ci/run")
	if err != nil || string(text) != "#!/bin/sh\nexec ./test/run\n" {
		t.Errorf(".ci/run is %q, %v", text, err)
	}
	for _, path := range []string{"/.ci/run", "/test/run"} {
		info, err := os.Stat(root + path)
		if err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be executed: %v", path, err)
		}
	}
}
