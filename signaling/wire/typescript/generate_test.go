package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheTwinIsWhatTheGeneratorMakes(t *testing.T) {
	t.Chdir("../../..")
	want, err := generate("signaling/wire", "storage/content")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(twin)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("web/wire/messages.ts is not of this package wire: go run ./signaling/wire/typescript")
	}
}
