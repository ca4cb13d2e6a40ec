//go:build linux

package portal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sitecast/sitecast/e2e/rig"
)

// retype types into a field as its user would, in place of what is in it.
func (s *stand) retype(name, text string) {
	s.t.Helper()
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`(() => { const f = document.querySelector('main input[name=%q]'); f.focus(); f.select() })()`, name), nil))
	s.must(s.portal.Type(s.ctx, text))
}

// publishing publishes by upload, has the command say that it is what it would publish itself,
// and orders it by the wizard.
func (s *stand) publishing() {
	file, folder, key := filepath.Join(s.Dir, "upload.bin"), filepath.Join(s.Dir, "upload"), filepath.Join(s.Dir, "publisher.key")
	_, err := rig.Random(file, 11<<20, [32]byte{9})
	s.must(err)
	data, err := os.ReadFile(file)
	s.must(err)
	// Some of it compresses, and some recurs.
	data = append(append(data, strings.Repeat("a line that recurs\n", 100_000)...), data[:3<<20]...)
	s.must(os.WriteFile(file, data, 0o600))
	tree := map[string]string{"index.html": "<p>hello", "assets/a.css": "p {}", "assets/img/large.txt": strings.Repeat("a line that recurs\n", 20_000), "assets/\u00e9.txt": "accents"}
	for name, content := range tree {
		path := filepath.Join(folder, filepath.FromSlash(name))
		s.must(os.MkdirAll(filepath.Dir(path), 0o700))
		s.must(os.WriteFile(path, []byte(content), 0o600))
	}

	s.visit("publish?name=page-app")
	s.must(s.portal.Choose(s.ctx, `input[name="content"]`, file))
	s.upload("page-app", "1.0", key, file)
	s.press("Publish another")
	s.click(`input[name="what"]:not(:checked)`)
	s.until("folders to be asked for", `document.querySelector('input[name="content"][webkitdirectory]') !== null`)
	s.chooseFolder("upload", tree)
	s.until("the folder to be taken", shows("upload: 4 files"))
	s.upload("page-site", "1.0+x", key, folder)

	s.visit("contents/page-app")
	s.until("its signature", `[...document.querySelectorAll('.signer')].some((e) => e.innerText.includes('valid'))`)
	s.visit("contents/page-app/distribute?step=1")
	s.until("the newest version to be chosen", `document.querySelector('input[name="version"]').checked`)
	s.press("Next")
	s.until("the sites", `document.querySelector('input[name="way"]') !== null`)
	s.click(`input[name="way"]`)
	s.until("it to be said whom that means", shows("Means 2 sites now"))
	s.press("Next")
	s.until("times", `document.querySelector('input[name="ready-by"]') !== null`)
	s.must(s.portal.Eval(s.ctx, `history.back()`, nil))
	s.until("the back button to lead back, with what was said", `document.querySelector('input[name="way"]')?.checked === true`)
	s.press("Next")
	s.until("times", `document.querySelector('input[name="ready-by"]') !== null`)
	s.press("Next")
	s.until("rings", `document.querySelector('input[name="rings"]') !== null`)
	s.press("Next")
	s.until("the forecast of the site", `[...document.querySelectorAll('td')].some((e) => e.innerText === 'shop-12') && `+shows("Over all WANs"))
	s.press("Order page-app@1.0 to 2 sites")
	s.until("it to be ordered", shows("Ordered."))
	if flows := s.run("flows", "--content", "page-app"); !strings.Contains(flows, "page-app") {
		s.t.Errorf("the server lists no flow of it: %s", flows)
	}
	wrong, err := s.portal.Wrong(s.ctx)
	s.must(err)
	if len(wrong) > 0 {
		s.t.Errorf("publishing: %q", wrong)
	}
}

// upload publishes what was chosen, and asks the command whether it is the same.
func (s *stand) upload(name, version, key, path string) {
	s.t.Helper()
	s.retype("name", name)
	s.retype("version", version)
	s.must(s.portal.Choose(s.ctx, `input[name="key"]`, key))
	s.until("the key to be known", `document.querySelector('.key-field .dot.live') !== null`)
	s.press("Publish")
	s.until("it to be published", shows(name+"@"+version+" is published"))
	said := s.run("publish", path, "--name", name, "--version", version, "--key", key)
	if !strings.Contains(said, "is published already, with the same bytes") {
		s.t.Errorf("the command would publish something else than the page: %s", said)
	}
}

// chooseFolder has the field for a folder hold one: a browser without a window lists none.
func (s *stand) chooseFolder(name string, tree map[string]string) {
	s.t.Helper()
	files, err := json.Marshal(tree)
	s.must(err)
	s.must(s.portal.Eval(s.ctx, fmt.Sprintf(`(() => {
		const field = document.querySelector('input[name="content"]'), chosen = new DataTransfer()
		for (const [path, text] of Object.entries(%s)) {
			const file = new File([text], path.split('/').at(-1))
			Object.defineProperty(file, 'webkitRelativePath', { value: %q + '/' + path })
			chosen.items.add(file)
		}
		field.files = chosen.files
		field.dispatchEvent(new Event('change', { bubbles: true }))
	})()`, files, name), nil))
}
