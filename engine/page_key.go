package engine

// PageKey is the key with which tokens that name a place in a list are sealed; the same on all nodes of the cluster. Call
// it after Start.
func (e *Engine) PageKey() []byte { return derive(e.peerKey, "page tokens") }

// Region gives the region of ARNs.
func (e *Engine) Region() string { return e.cfg.Region }
