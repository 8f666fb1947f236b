// An unmodified socket.io-client of the npm registry, told on standard output, one JSON text a
// line.
//
//   node socket_io_client.mjs PACKAGE URL OPTIONS
//
// OPTIONS is JSON. With "tokens": [..] the auth option is a function that gives one after the
// other, the last one again and again. Lines on standard input are JSON:
//   {"emit":[NAME, ARG..], "ack":N}   emits; with an N the answer is told with it
//   {"cut":true}                      ends the transport, as a network does; it reconnects
//   {"disconnect":true}, {"connect":true}, {"end":true}
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [name, url, text] = process.argv.slice(2);
const { io } = createRequire(import.meta.url)(name);
const { tokens, ...options } = JSON.parse(text ?? "{}");
const say = (what, more = {}) => process.stdout.write(JSON.stringify({ what, ...more }) + "\n");

if (tokens) {
  let calls = 0;
  options.auth = (give) => {
    const token = tokens[Math.min(calls++, tokens.length - 1)];
    say("auth", { calls });
    give({ token });
  };
}
const socket = io(url, options);

socket.on("connect", () => {
  say("connect", { id: socket.id, recovered: socket.recovered ?? false });
  const engine = socket.io.engine;
  engine.on("upgrade", () => say("upgrade", { transport: engine.transport.name }));
});
socket.on("connect_error", (error) =>
  say("connect_error", { message: error.message, data: error.data ?? null,
    active: socket.active }));
socket.on("disconnect", (reason) => say("disconnect", { reason, active: socket.active }));
socket.onAny((event, ...args) => {
  const ack = args.filter((arg) => typeof arg === "function").length;
  say("event", { event, args: args.filter((arg) => typeof arg !== "function"), ack });
});
socket.io.on("reconnect_attempt", (attempt) => say("attempt", { attempt }));

const decode = (value) =>
  value && typeof value === "object" && "_bytes" in value
    ? Buffer.from(value._bytes, "hex") : value;

createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  if (order.emit && order.ack !== undefined)
    socket.emit(...order.emit.map(decode), (...args) => say("ack", { ack: order.ack, args }));
  else if (order.emit) socket.emit(...order.emit.map(decode));
  else if (order.cut) socket.io.engine.close();
  else if (order.disconnect) socket.disconnect();
  else if (order.connect) socket.connect();
  else if (order.end) { socket.close(); say("end"); process.exit(0); }
});
