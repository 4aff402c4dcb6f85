//go:build unix

package devpg

import "strconv"

// settings gives the server's parameters. They go on the command line, so that they are those of this release whatever
// release made the cluster.
func settings(config Config, f *folder) []string {
	set := [][2]string{
		{"unix_socket_directories", f.sockets},
		{"unix_socket_permissions", "0700"},
		{"timezone", "UTC"},
		{"log_timezone", "UTC"},
		// A node uses a dozen connections; the rest is for psql and friends.
		{"max_connections", "50"},
		// Enough for the indexes of some millions of executions; small enough for a laptop.
		{"shared_buffers", "128MB"},
		// After a checkpoint the first change of each page writes the whole page to the log. Compressed, and with
		// checkpoints far apart, that is little.
		{"wal_compression", "on"},
		{"max_wal_size", "2GB"},
		{"checkpoint_timeout", "15min"},
		// Nobody replicates a private cluster.
		{"wal_level", "minimal"},
		{"max_wal_senders", "0"},
		// Statements are short: compiling them takes longer than running them.
		{"jit", "off"},
		// Tables that change all the time are looked after before they grow.
		{"autovacuum_naptime", "10s"},
		{"log_checkpoints", "off"},
	}
	if config.Port == 0 {
		set = append(set, [2]string{"port", strconv.Itoa(socketPort)}, [2]string{"listen_addresses", ""})
	} else {
		set = append(set, [2]string{"port", strconv.Itoa(config.Port)}, [2]string{"listen_addresses", "127.0.0.1"})
	}
	if config.Ephemeral {
		set = append(set,
			[2]string{"fsync", "off"}, [2]string{"synchronous_commit", "off"}, [2]string{"full_page_writes", "off"})
	} else {
		set = append(set, [2]string{"fsync", "on"}, [2]string{"synchronous_commit", "on"})
	}
	args := make([]string, 0, 2*len(set))
	for _, s := range set {
		args = append(args, "-c", s[0]+"="+s[1])
	}
	return args
}
