package disk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"sync"

	"github.com/sitecast/sitecast/storage/content"
)

// An encrypted store differs from a plain one in this:
//
//	DIR/store/VERSIONID/salt        32 random bytes, made with the folder
//	                   /head.json   nonce, and the head encrypted by AES-256-GCM
//	                   /body        and so the body
//	                   /tree/N      file N of the body, encrypted by AES-256-CTR
//	DIR/sealed/TAG/TAG/N            the tree, from the moment it is complete
//
// Keys come from the store's by HKDF-SHA256: two for each version, from its salt and
// its id. A file's bytes keep their offsets, so chunks are written and read as ever.
// The counter is the file's number and the block's: no two bytes of the same key
// share a place in its stream, and only one text is ever written to a place, since
// bytes are written when their hash matched the body, and the salt goes with the
// folder. A text written again where it was damaged makes the same bytes as before.
// What is not written yet are zeros of the file system, and no stream.
//
// CTR does not tell whether somebody changed what is on the disk. The hashes of the
// chunks do: they are checked whenever something is read, and the head that names
// them is signed. Head and body may be written anew in other words (another
// signature), so each time they take a nonce of their own.
//
// The tags of a complete version are HMACs of its name and version. So the disk
// tells the ids of versions, sizes, which files may be executed, and how much has
// come, and no names and no content.
const (
	// KeyBytes is the length of a store's key.
	KeyBytes   = 32
	saltName   = "salt"
	sealedName = "sealed"
	saltBytes  = 32
	tagBytes   = 16
	// sealBytes is how much longer a file becomes that is encrypted as a whole.
	sealBytes = 12 + 16
)

// vault is what a store is encrypted with; nil stands for one that is not.
type vault struct{ key, names []byte }

// newVault returns nil without a key.
func newVault(key []byte) (*vault, error) {
	if key == nil {
		return nil, nil
	}
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("the store's key has %d bytes, want %d: make one with `openssl rand -out FILE %d`", len(key), KeyBytes, KeyBytes)
	}
	return &vault{key, derive(key, nil, "names")}, nil
}

// derive makes a key of its own for each purpose.
func derive(key, salt []byte, purpose string) []byte {
	out, err := hkdf.Key(sha256.New, key, salt, "sitecast store 2 "+purpose, KeyBytes)
	if err != nil {
		panic(err) // it is too long for no caller
	}
	return out
}

// check tells the store's key from others, and nothing about it.
func (v *vault) check() []byte { return derive(v.key, nil, "check") }

// tag stands for a name.
func (v *vault) tag(name string) string {
	mac := hmac.New(sha256.New, v.names)
	_, _ = mac.Write([]byte(name)) // it has no errors
	return hex.EncodeToString(mac.Sum(nil)[:tagBytes])
}

// secret encrypts what one version keeps; nil stands for none of a plain store.
type secret struct {
	tree  cipher.Block
	whole cipher.AEAD // makes a nonce each time
}

func (v *vault) secret(id content.VersionID, salt []byte) (*secret, error) {
	tree, err := aes.NewCipher(derive(v.key, salt, "tree "+id.String()))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derive(v.key, salt, "whole "+id.String()))
	if err != nil {
		return nil, err
	}
	whole, err := cipher.NewGCMWithRandomNonce(block)
	return &secret{tree, whole}, err
}

// xor encrypts or decrypts b in place, which lies at an offset of a file.
func (k *secret) xor(b []byte, file int, offset int64) {
	if k == nil {
		return
	}
	var counter [aes.BlockSize]byte
	binary.BigEndian.PutUint64(counter[:8], uint64(file))
	binary.BigEndian.PutUint64(counter[8:], uint64(offset)/aes.BlockSize)
	stream := cipher.NewCTR(k.tree, counter[:])
	if skip := int(offset % aes.BlockSize); skip > 0 {
		var before [aes.BlockSize]byte
		stream.XORKeyStream(before[:skip], before[:skip])
	}
	stream.XORKeyStream(b, b)
}

// seal encrypts a file as a whole; its name is part of what is checked.
func (k *secret) seal(name string, data []byte) []byte {
	if k == nil {
		return data
	}
	return k.whole.Seal(nil, nil, data, []byte(name))
}

// unseal is the opposite of seal.
func (k *secret) unseal(name string, data []byte) ([]byte, error) {
	if k == nil {
		return data, nil
	}
	return k.whole.Open(nil, nil, data, []byte(name))
}

// newSalt writes the salt of a version's folder that is being made.
func (v *version) newSalt(dir *os.Root) error {
	vault := v.store.vault
	if vault == nil {
		return nil
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // it has no errors
	if err := v.store.sys.writeNew(dir, saltName, salt); err != nil {
		return err
	}
	var err error
	v.secret, err = vault.secret(v.id, salt)
	return err
}

// secretOf returns the secret of the version whose folder dir is.
func (s *Store) secretOf(dir *os.Root, id content.VersionID) (*secret, error) {
	if s.vault == nil {
		return nil, nil
	}
	salt, err := readFile(dir, saltName, saltBytes)
	if err != nil {
		return nil, err
	}
	if len(salt) != saltBytes {
		return nil, fmt.Errorf("its salt is cut off: %w", fs.ErrNotExist) // nothing can be read any more
	}
	return s.vault.secret(id, salt)
}

// readWhole reads a file of a version's folder, of at most limit bytes.
func (k *secret) readWhole(dir *os.Root, name string, limit int64) ([]byte, error) {
	if k != nil {
		limit += sealBytes
	}
	data, err := readFile(dir, name, limit)
	if err != nil {
		return nil, err
	}
	return k.unseal(name, data)
}

// placeOf is where the tree of a complete version lies.
func (s *Store) placeOf(ref content.Ref) string {
	if s.vault == nil {
		return placeOf(ref)
	}
	return path.Join(sealedName, s.vault.tag(ref.Name), s.vault.tag(ref.String()))
}

// placesName is the folder of all of them, and its mode.
func (s *Store) placesName() (string, fs.FileMode) {
	if s.vault == nil {
		return contentName, 0o755
	}
	return sealedName, 0o700
}

// onDisk lists the files of a body under the names that they have on the disk.
func (s *Store) onDisk(body *content.Body) []content.File {
	if s.vault == nil {
		return body.Files
	}
	files := make([]content.File, len(body.Files))
	for i, f := range body.Files {
		f.Path = strconv.Itoa(i)
		files[i] = f
	}
	return files
}

// scratch holds what is encrypted on its way to the disk: what is put belongs to
// whoever puts it.
var scratch = sync.Pool{New: func() any { b := make([]byte, content.MaxChunkBytes); return &b }}

// encrypted calls write with b as it lies on the disk.
func (v *version) encrypted(s content.Segment, b []byte, write func([]byte) error) error {
	if v.secret == nil {
		return write(b)
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	out := (*buf)[:len(b)]
	copy(out, b)
	v.secret.xor(out, s.File, s.Offset)
	return write(out)
}
