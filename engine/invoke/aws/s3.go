package aws

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tercel-workflows/tercel/engine/invoke"
	"github.com/tercel-workflows/tercel/statemachine/value"
)

// s3Action is an action of S3. Buckets are addressed in the path, which S3 and all that speak its protocol understand.
type s3Action struct {
	method  string
	body    bool              // it sends the member Body
	content bool              // it answers with the object
	headers map[string]string // members that travel as headers, with their headers
	query   map[string]string // and in the query
}

// s3Conditions are the headers by which objects are chosen.
var s3Conditions = map[string]string{
	"IfMatch": "If-Match", "IfNoneMatch": "If-None-Match", "Range": "Range", "ExpectedBucketOwner": "X-Amz-Expected-Bucket-Owner",
	"RequestPayer": "X-Amz-Request-Payer", "ChecksumMode": "X-Amz-Checksum-Mode",
}

var s3Actions = map[string]*s3Action{
	"getObject": {
		method: http.MethodGet, content: true, headers: s3Conditions,
		query: map[string]string{"VersionId": "versionId", "PartNumber": "partNumber"},
	},
	"headObject": {
		method: http.MethodHead, headers: s3Conditions,
		query: map[string]string{"VersionId": "versionId", "PartNumber": "partNumber"},
	},
	"putObject": {
		method: http.MethodPut, body: true,
		headers: map[string]string{
			"ContentType": "Content-Type", "CacheControl": "Cache-Control", "ContentDisposition": "Content-Disposition",
			"ContentEncoding": "Content-Encoding", "ContentLanguage": "Content-Language", "ACL": "X-Amz-Acl", "Acl": "X-Amz-Acl",
			"StorageClass": "X-Amz-Storage-Class", "ServerSideEncryption": "X-Amz-Server-Side-Encryption",
			"SSEKMSKeyId": "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "Tagging": "X-Amz-Tagging",
			"IfNoneMatch": "If-None-Match", "IfMatch": "If-Match", "ExpectedBucketOwner": "X-Amz-Expected-Bucket-Owner",
		},
	},
	"deleteObject": {
		method: http.MethodDelete, headers: map[string]string{"ExpectedBucketOwner": "X-Amz-Expected-Bucket-Owner"},
		query: map[string]string{"VersionId": "versionId"},
	},
}

// request makes the request of an action.
func (a *s3Action) request(arguments *value.Value) (request, error) {
	bucket, key := invoke.TextOf(arguments, "Bucket"), invoke.TextOf(arguments, "Key")
	switch {
	case bucket == "":
		return request{}, errors.New("The field 'Bucket' is required but was missing")
	case key == "":
		return request{}, errors.New("The field 'Key' is required but was missing")
	}
	r := request{method: a.method, path: "/" + escapePath(bucket) + "/" + escapePath(key), headers: map[string]string{}}
	query := url.Values{}
	for i, name := range arguments.Keys() {
		v := arguments.At(i)
		text := textOrJSON(v)
		switch {
		case a.headers[name] != "":
			r.headers[a.headers[name]] = text
		case a.query[name] != "":
			query.Set(a.query[name], text)
		case name == "Body" && a.body:
			r.body = []byte(text)
		case name == "Metadata" && a.body:
			for j, k := range v.Keys() {
				r.headers["X-Amz-Meta-"+k] = textOrJSON(v.At(j))
			}
		}
	}
	for name, v := range r.headers {
		if strings.ContainsAny(name+v, "\r\n") {
			return request{}, errors.New("A header must not hold a line break")
		}
	}
	r.query = query.Encode()
	return r, nil
}

// textOrJSON gives a text as it is, and anything else as JSON.
func textOrJSON(v *value.Value) string {
	if v.Kind() == value.String {
		return v.Text()
	}
	return v.String()
}

// escapePath escapes a key as Signature V4 wants it: everything but unreserved characters and slashes.
func escapePath(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if c == '/' || c == '-' || c == '_' || c == '.' || c == '~' ||
			c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// s3Members are the headers of answers, with the members that they become.
var s3Members = []struct{ header, member string }{
	{"Accept-Ranges", "AcceptRanges"},
	{"Cache-Control", "CacheControl"},
	{"X-Amz-Checksum-Crc32", "ChecksumCRC32"},
	{"X-Amz-Checksum-Crc32c", "ChecksumCRC32C"},
	{"X-Amz-Checksum-Crc64nvme", "ChecksumCRC64NVME"},
	{"X-Amz-Checksum-Sha1", "ChecksumSHA1"},
	{"X-Amz-Checksum-Sha256", "ChecksumSHA256"},
	{"X-Amz-Checksum-Type", "ChecksumType"},
	{"Content-Disposition", "ContentDisposition"},
	{"Content-Encoding", "ContentEncoding"},
	{"Content-Language", "ContentLanguage"},
	{"Content-Range", "ContentRange"},
	{"Content-Type", "ContentType"},
	{"Etag", "ETag"},
	{"X-Amz-Expiration", "Expiration"},
	{"X-Amz-Server-Side-Encryption", "ServerSideEncryption"},
	{"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "SSEKMSKeyId"},
	{"X-Amz-Storage-Class", "StorageClass"},
	{"X-Amz-Version-Id", "VersionId"},
}

// ofObjects are the members that only answers about an object have.
var ofObjects = map[string]bool{
	"AcceptRanges": true, "CacheControl": true, "ContentDisposition": true, "ContentEncoding": true, "ContentLanguage": true,
	"ContentRange": true, "ContentType": true,
}

// result reads the answer of an action.
func (a *s3Action) result(got *answer) (*value.Value, error) {
	object := a.method == http.MethodGet || a.method == http.MethodHead
	var o value.Members
	if a.content {
		if utf8.Valid(got.body) {
			o.Set("Body", value.FromString(string(got.body)))
		} else {
			o.Set("Body", value.FromString(base64.StdEncoding.EncodeToString(got.body)))
		}
	}
	for _, m := range s3Members {
		if text := got.header.Get(m.header); object || !ofObjects[m.member] {
			o.Text(m.member, text)
		}
	}
	if object {
		if n, err := strconv.ParseInt(got.header.Get("Content-Length"), 10, 64); err == nil {
			o.Set("ContentLength", value.FromInt(n))
		}
		if at, err := http.ParseTime(got.header.Get("Last-Modified")); err == nil {
			o.Text("LastModified", at.UTC().Format(time.RFC3339))
		}
		var meta value.Members
		for _, name := range slices.Sorted(maps.Keys(got.header)) {
			if key, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
				meta.Set(strings.ToLower(key), value.FromString(got.header.Get(name)))
			}
		}
		o.Set("Metadata", meta.Object())
	}
	return o.Object(), nil
}
