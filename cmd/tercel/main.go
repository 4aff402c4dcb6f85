package main
import (
 _ "github.com/jackc/pgx/v5/pgxpool"
 _ "github.com/go-chi/chi/v5"
 _ "cel.dev/cel-go/cel"
 _ "cel.dev/cel-go/ext"
 _ "go.opentelemetry.io/otel"
 _ "github.com/golang-migrate/migrate/v4"
 _ "github.com/golang-migrate/migrate/v4/source/iofs"
 _ "github.com/golang-migrate/migrate/v4/database/pgx/v5"
 _ "github.com/spf13/cobra"
 _ "pgregory.net/rapid"
 _ "github.com/google/go-cmp/cmp"
 _ "github.com/google/uuid"
 _ "go.yaml.in/yaml/v3"
 _ "github.com/fsnotify/fsnotify"
)
func main(){}
