package unpack

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// controlFolder is where a package's control files go, as `dpkg-deb --raw-extract`
// puts them.
const controlFolder = "DEBIAN/"

// maxMembers bounds the members of a package: three, and a signature perhaps.
const maxMembers = 16

// The header of an ar member: name, time, owner, group, mode, size in text, and two
// bytes that end it (ar(5)).
const (
	arHeaderBytes = 60
	arSizeAt      = 48
	arEndAt       = 58
	arNameBytes   = 16
)

// undeb unpacks a Debian package (deb(5)): the archive of its files as the tree, and
// that of its control files in a folder of it.
func undeb(in *bufio.Reader, t *tree) error {
	if _, err := in.Discard(len(arMagic)); err != nil {
		return err
	}
	data := false
	for range maxMembers {
		name, size, err := arMember(in)
		if errors.Is(err, io.EOF) {
			if !data {
				return errors.New("is no Debian package: it has no data.tar")
			}
			return nil
		}
		if err != nil {
			return err
		}
		member := io.LimitReader(in, size)
		switch base, _, _ := strings.Cut(name, ".tar"); base {
		case "data":
			data = true
			err = untar(bufio.NewReader(member), "", t)
		case "control":
			err = untar(bufio.NewReader(member), controlFolder, t)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := io.Copy(io.Discard, member); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if size%2 == 1 { // members begin at even places
			if _, err := in.Discard(1); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
	}
	return fmt.Errorf("is no Debian package: it has more than %d members", maxMembers)
}

// arMember reads the header of the next member; io.EOF after the last.
func arMember(in io.Reader) (name string, size int64, err error) {
	var h [arHeaderBytes]byte
	if _, err := io.ReadFull(in, h[:]); err != nil {
		return "", 0, err
	}
	name = strings.TrimSuffix(string(bytes.TrimRight(h[:arNameBytes], " ")), "/")
	size, err = strconv.ParseInt(string(bytes.TrimRight(h[arSizeAt:arEndAt], " ")), 10, 64)
	if err != nil || size < 0 || string(h[arEndAt:]) != "`\n" {
		return "", 0, fmt.Errorf("is a damaged package: member %.16q has no size", name)
	}
	return name, size, nil
}
