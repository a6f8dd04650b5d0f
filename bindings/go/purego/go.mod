module infermem.dev/go/purego

go 1.19

require (
	github.com/ebitengine/purego v0.8.4
	infermem.dev/go v0.0.0
)

replace infermem.dev/go => ../
