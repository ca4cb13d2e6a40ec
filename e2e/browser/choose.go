package browser

import "context"

// Choose has a field for files hold these files, or a folder where it takes one, as if
// somebody had chosen them.
func (p *Page) Choose(ctx context.Context, selector string, paths ...string) error {
	var document struct{ Root struct{ NodeID int } }
	if err := p.c.pipe.Call(ctx, p.session, "DOM.getDocument", map[string]any{}, &document); err != nil {
		return err
	}
	var field struct{ NodeID int }
	if err := p.c.pipe.Call(ctx, p.session, "DOM.querySelector", map[string]any{"nodeId": document.Root.NodeID, "selector": selector}, &field); err != nil {
		return err
	}
	return p.c.pipe.Call(ctx, p.session, "DOM.setFileInputFiles", map[string]any{"nodeId": field.NodeID, "files": paths}, nil)
}
