/* wsbench/option_table.h - every option: parsing and --help come from this one table.
 *
 * Layer   wsbench
 * Threads any; constants
 * Memory  none
 * Errors  none
 */
#ifndef BELFRY_WSBENCH_OPTION_TABLE_H
#define BELFRY_WSBENCH_OPTION_TABLE_H

/* G(title): a group of options follows.
 * N(field, name, default, least, most, text): a number.
 * T(field, name, default, placeholder, text): a text, default may be NULL.
 * F(field, name, text): a flag, off by default. */
#define OPTION_TABLE(G, N, T, F) \
	G("Connections") \
	N(conns, "conns", 1000, 1, 300000, "connections, each of a user of its own") \
	T(target, "target", "127.0.0.1:8080", "HOST:PORT", "where the broker listens") \
	N(spread, "spread", 0, 0, 64, \
	  "destination addresses 127.0.0.1 ... 127.0.0.N, each with 28,000 source ports;\n" \
	  "the server must listen on 0.0.0.0 then; 0: 8 for over 20000 connections, else 1") \
	N(rings, "rings", 0, 0, 64, "io_uring instances of at most 20000 sockets; 0: as needed") \
	N(threads, "threads", 0, 0, 64, \
	  "threads that drive them; 0: one per ring; fewer cost more per message") \
	N(connect_window, "connect-window", 256, 1, 20000, "connecting at a time, per ring") \
	N(storm_window, "storm-window", 0, 0, 20000, "the same in a storm; 0: all at once") \
	N(retries, "retries", 100, 0, 250, \
	  "storm: a refused or reset connection tries again after 100 ms, so often at most") \
	N(reap, "reap", 128, 1, 4096, \
	  "broadcasts: a reader sleeps until so many sockets are readable ...") \
	N(reap_us, "reap-us", 1000, 0, 100000, \
	  "... or for this long after it began to wait; 0 with --reap 1: wakes for each") \
	G("What a client says") \
	T(path, "path", "/ws/notifications", "PATH", \
	  "path; ?token=... is added when there is a --secret") \
	T(path_template, "path-template", NULL, "TEMPLATE", \
	  "path and query as they are, with {i}, {user} and {token} replaced") \
	T(secret, "secret", NULL, "KEY", "signs the HS256 tokens {\"sub\":USER,\"exp\":tomorrow}") \
	T(user_prefix, "user-prefix", "u", "TEXT", "client i is user TEXT followed by i") \
	T(against, "against", NULL, "URL", \
	  "any server: ws://HOST:PORT/PATH; no token and no greeting unless asked for") \
	T(first_frame, "first-frame", NULL, "TEMPLATE", \
	  "text that each client sends first, with {i}, {user} and {token} replaced") \
	T(greeting, "greeting", NULL, "TEXT", \
	  "a client is ready when a message with TEXT in it has come; default: Belfry's\n" \
	  "\"connected\", which is checked; with --against: ready at once") \
	T(marker, "marker", NULL, "TEXT", \
	  "bytes before the number in a received message; default {\"n\": as published;\n" \
	  "a server that sends the data as a string inside JSON needs {\\\"n\\\":") \
	G("Publishing") \
	T(redis, "redis", NULL, "URL", "XADD: redis://[user:password@]HOST:PORT[/DB]") \
	T(stream, "stream", "belfry:in", "KEY", "the stream") \
	T(admin, "admin", "http://127.0.0.1:8081", "URL", \
	  "else POST /api/publish there, pipelined") \
	T(api_key, "api-key", NULL, "KEY", "Authorization: Bearer KEY for it") \
	T(publish_frame, "publish-frame", NULL, "TEMPLATE", \
	  "else as text over a WebSocket of its own, with {channel}, {user} and {data} replaced") \
	T(publish_path, "publish-path", "/", "PATH", \
	  "path of that WebSocket; {token} is replaced") \
	T(publish_command, "publish-command", NULL, "COMMAND", \
	  "else a shell command that reads lines \"channel<TAB>data\" from its input") \
	T(channel, "channel", "all", "NAME", "where broadcasts go") \
	N(count, "count", 20, 0, 10000000, "broadcasts (hold: 2); xread: entries") \
	N(size, "size", 128, 64, 60000, "bytes of a message's data") \
	N(interval_ms, "interval-ms", 0, 0, 3600000, \
	  "from one broadcast to the next, at least (churn: 200)") \
	N(window, "window", 1, 1, 4096, \
	  "broadcasts under way; 1: the next when all have the last") \
	N(warmup, "warmup", 1, 0, 100000, "broadcasts before those that are measured") \
	N(rate, "rate", 1000, 1, 1000000, \
	  "unicast: messages a second; churn: connections a second") \
	N(seconds, "seconds", 10, 1, 86400, "hold, unicast, churn: how long") \
	N(missed, "missed", 10, 1, 10000, "resume: messages that each client misses") \
	G("Reference") \
	F(floor, "floor", "broadcast: the same as mode compare") \
	N(senders, "senders", 2, 1, 16, "threads of the send loop") \
	T(floor_method_text, "floor-method", "auto", "auto|send|uring", \
	  "plain send(), or fixed-file SENDs in batches of 128; auto: send() up to 18000 sockets") \
	N(block, "block", 5, 1, 100000, "compare: rounds of one side in a row") \
	N(batch, "batch", 500, 1, 100000, "xread: entries asked for at a time") \
	G("Samples and output") \
	N(broker_pid, "broker-pid", 0, 0, 4194304, \
	  "process to sample; 0: the one that listens on the target's port") \
	N(baseline, "baseline", 0, 0, 300000, \
	  "hold: memory is measured at so many connections first; the difference is divided") \
	N(settle_ms, "settle-ms", 1000, 0, 60000, "quiet time before memory is measured") \
	T(json, "json", NULL, "FILE", \
	  "the result as JSON, too; -: to stdout instead of the table") \
	F(progress, "progress", "the live line on stderr even when that is not a terminal") \
	N(deadline_s, "deadline", 120, 1, 86400, \
	  "seconds after which connections or messages that have not come are lost") \
	F(help, "help", "this page")

#endif
