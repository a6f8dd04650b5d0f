package infermem

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func TestStructsLieAsInC(t *testing.T) {
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	program := filepath.Join(t.TempDir(), "layouts")
	compile := exec.Command(compiler, "-I", root+"/include", root+"/tests/abi/layouts.c", "-o", program)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	expected, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	layouts(func(name string, size uintptr, fields ...field) {
		fmt.Fprintln(&got, name, size)
		for _, f := range fields {
			fmt.Fprintf(&got, "%s.%s %d %d\n", name, f.name, f.offset, f.size)
		}
	})
	inC, inGo := strings.Split(string(expected), "\n"), strings.Split(got.String(), "\n")
	if len(inC) != len(inGo) || len(inC) < 100 {
		t.Fatalf("%d lines, not %d", len(inGo), len(inC))
	}
	for i := range inC {
		if inC[i] != inGo[i] {
			t.Errorf("%q in C is %q in Go", inC[i], inGo[i])
		}
	}
}

// notInThePackage is the functions of the library that the package does not call, and why.
var notInThePackage = map[string]string{
	"infermem_api": "it gives the table, for which the package purego asks a library",
}

func TestEveryFunctionIsUsed(t *testing.T) {
	used := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "calls_") || file == "declarations.go" {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			if name, ok := node.(*ast.Ident); ok {
				used[name.Name] = true
			}
			return true
		})
	}
	list, err := os.ReadFile(root + "/src/abi/symbols.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range strings.Split(string(list), "\n") {
		words := strings.Fields(strings.SplitN(line, "#", 2)[0])
		if len(words) == 0 {
			continue
		}
		listed[words[0]] = true
		if _, excused := notInThePackage[words[0]]; used[words[0]] == excused {
			t.Errorf("%s: used is %v, excused %v", words[0], used[words[0]], excused)
		}
	}
	for name := range notInThePackage {
		if !listed[name] {
			t.Errorf("%s is no function of the library", name)
		}
	}
}

func TestEveryCodeHasItsError(t *testing.T) {
	tree, err := os.ReadFile("declarations.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]string{}
	for _, match := range regexp.MustCompile(`is (INFERMEM_E_\w+) of error.h.\nconst (Err\w+) Code = (-\d+)`).
		FindAllStringSubmatch(string(tree), -1) {
		declared[match[3]] = match[1]
	}
	header, err := os.ReadFile(root + "/include/infermem/error.h")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`X\((E_\w+), (-\d+), `).FindAllStringSubmatch(string(header), -1)
	if len(codes) < 26 || len(codes) != len(declared) {
		t.Fatalf("%d errors of %d codes", len(declared), len(codes))
	}
	for _, code := range codes {
		if declared[code[2]] != "INFERMEM_"+code[1] {
			t.Errorf("%s is %q", code[1], declared[code[2]])
		}
	}
}

// TestReadmeExampleIsTheTestedOne compares the program in the README with Example, which is compiled and run.
func TestReadmeExampleIsTheTestedOne(t *testing.T) {
	bodyOf := func(file, begin, end string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, found := strings.Cut(string(text), begin)
		body, _, ended := strings.Cut(after, end)
		if !found || !ended {
			t.Fatalf("%s has no example", file)
		}
		return strings.Replace(body, "../../tests/data/tiny-llama.gguf", "model.gguf", 1)
	}
	tested := bodyOf("example_test.go", "func Example() {\n", "\t// Output:")
	if shown := bodyOf("README.md", "func main() {\n", "}\n```"); shown != tested {
		t.Errorf("the README shows\n%s\nand what is tested is\n%s", shown, tested)
	}
}
