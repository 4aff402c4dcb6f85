package access

// WithChecksum gives a secret that its form does not betray as forged.
func WithChecksum(body string) string { return body + checksum(body) }
