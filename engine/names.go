package engine

// PageKey is the key with which tokens that name a place in a list are sealed; the same on all nodes of the cluster. Call
// it after Start.
func (e *Engine) PageKey() []byte { return derive(e.peerKey, "page tokens") }

// Region gives the region of ARNs.
func (e *Engine) Region() string { return e.cfg.Region }

// DefaultRoleARN is the ARN of the role that is shown where none was given. Tercel has no roles.
func (e *Engine) DefaultRoleARN() string { return "arn:aws:iam::" + e.cfg.Account + ":role/tercel" }
