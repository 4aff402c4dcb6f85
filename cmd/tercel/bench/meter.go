package bench

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// clockTicks is the unit of the times in /proc, the same on all architectures that Linux runs Go on.
const clockTicks = 100

// meter reads what a workload costs, from Postgres and from the system.
type meter struct {
	pool       *pgxpool.Pool
	postmaster int // its process on this machine, 0 if it is elsewhere
}

// reading is what the meter shows at a moment.
type reading struct {
	lsn, xid             int64
	engineCPU, serverCPU float64
}

func newMeter(ctx context.Context, pool *pgxpool.Pool) (*meter, error) {
	m := &meter{pool: pool}
	var backend int
	if err := pool.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return nil, fmt.Errorf("asking Postgres for its process: %w", err)
	}
	if stat := processStat(backend); len(stat) > 1 && strings.HasPrefix(processName(backend), "postgres") {
		m.postmaster, _ = strconv.Atoi(stat[1])
	}
	return m, nil
}

func (m *meter) read(ctx context.Context) (reading, error) {
	var r reading
	err := m.pool.QueryRow(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint").
		Scan(&r.lsn, &r.xid)
	if err != nil {
		return r, fmt.Errorf("reading the write-ahead log's position: %w", err)
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return r, err
	}
	r.engineCPU = seconds(usage.Utime) + seconds(usage.Stime)
	r.serverCPU = m.postgresCPU()
	return r, nil
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// postgresCPU adds up the processes of the cluster, those that have ended included.
func (m *meter) postgresCPU() float64 {
	if m.postmaster == 0 {
		return 0
	}
	total := 0.0
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0
	}
	for _, dir := range processes {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		stat := processStat(pid)
		if len(stat) < 15 {
			continue
		}
		parent, _ := strconv.Atoi(stat[1])
		fields := stat[11:13] // utime, stime
		if pid == m.postmaster {
			fields = stat[11:15] // and those of children that have ended
		} else if parent != m.postmaster {
			continue
		}
		for _, f := range fields {
			ticks, _ := strconv.ParseFloat(f, 64)
			total += ticks / clockTicks
		}
	}
	return total
}

// processStat gives the fields of /proc/PID/stat behind the name: state, parent, ...
func processStat(pid int) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	_, behind, _ := strings.Cut(string(text), ") ")
	return strings.Fields(behind)
}

func processName(pid int) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return string(text)
}

// measured runs a workload between two readings.
func (b *bench) measured(ctx context.Context, executions int, run func() (timings, error)) (Result, error) {
	before, err := b.meter.read(ctx)
	if err != nil {
		return Result{}, err
	}
	t, err := run()
	if err != nil {
		return Result{}, err
	}
	after, err := b.meter.read(ctx)
	if err != nil {
		return Result{}, err
	}
	slices.Sort(t.each)
	quantile := func(q float64) float64 {
		return float64(t.each[int(q*float64(len(t.each)-1))].Microseconds()) / 1e3
	}
	n := float64(executions)
	return Result{
		N: executions, Rate: n / t.took.Seconds(), P50: quantile(0.5), P95: quantile(0.95), P99: quantile(0.99),
		CommitsPerExecution:  float64(after.xid-before.xid) / n,
		WALBytesPerExecution: float64(after.lsn-before.lsn) / n,
		EngineCPU:            after.engineCPU - before.engineCPU,
		PostgresCPU:          after.serverCPU - before.serverCPU,
		RSS:                  rss(),
	}, nil
}

// complete fills what follows from the rest, and the rate of single commits.
func (b *bench) complete(ctx context.Context, r Result) Result {
	if r.LimitRate > 0 {
		r.RatioToLimit = r.Rate / r.LimitRate
	}
	if rate, err := b.singleCommits(ctx); err == nil {
		r.SingleCommits = rate
	}
	return r
}

// rss gives the resident memory of this process in megabytes.
func rss() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()) / 1e6
}

// settledRSS is rss without what the garbage collector would give back by itself in a while.
func settledRSS() float64 {
	debug.FreeOSMemory()
	time.Sleep(100 * time.Millisecond)
	return rss()
}

// inSchema gives the URL of a database with another schema to look for tables in.
func inSchema(databaseURL, schema string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", fmt.Errorf("reading the database URL: %w", err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
