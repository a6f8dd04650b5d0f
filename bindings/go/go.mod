module infermem.dev/go

go 1.19
