# syntax=docker/dockerfile:1
# One static binary in an otherwise empty image.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${VERSION}" -o /out/tercel ./cmd/tercel
# What the empty image needs beside the binary: roots of trust for HTTPS, and time zones for expressions.
RUN mkdir -p /out/etc/ssl/certs /out/usr/share \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && cp -r /usr/local/go/lib/time /out/usr/share/tercel-time

FROM scratch
COPY --from=build /out/ /
ENV ZONEINFO=/usr/share/tercel-time/zoneinfo.zip
# Nobody in particular: the binary writes no files.
USER 65532:65532
EXPOSE 8083
ENTRYPOINT ["/tercel"]
CMD ["serve", "--listen", "0.0.0.0:8083"]
