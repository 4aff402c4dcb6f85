package value

import (
	"strings"
	"testing"
)

func BenchmarkGet(b *testing.B) {
	text := `{"orderId": "o-1742", "items": [` + strings.Repeat(`{"sku": "a", "price": 10.50, "tags": ["x", "y"]},`, 200) +
		`{"sku": "last"}], "customer": {"name": "Ada"}}`
	b.Run("parsed", func(b *testing.B) {
		v := mustParse(b, text)
		b.ReportAllocs()
		for b.Loop() {
			if v.Get("customer").Get("name").Text() != "Ada" {
				b.Fatal("lost")
			}
		}
	})
	b.Run("stored", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if Trusted([]byte(text)).Get("customer").Get("name").Text() != "Ada" {
				b.Fatal("lost")
			}
		}
	})
	b.Run("received", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			mustParse(b, text)
		}
	})
}
