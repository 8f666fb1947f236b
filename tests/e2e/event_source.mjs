// An unmodified EventSource of the npm registry, told on standard output, one JSON text a line.
//
//   node event_source.mjs PACKAGE URL [EVENT TYPE]...
//
// A line on standard input "close" closes it; the process ends when it is closed for good.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [name, url, ...types] = process.argv.slice(2);
const loaded = createRequire(import.meta.url)(name);
const EventSource = loaded.EventSource ?? loaded;
const source = new EventSource(url);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

source.onopen = () => say({ what: "open" });
source.onerror = (error) => {
  say({ what: "error", state: source.readyState, status: error.code ?? error.status ?? null });
  if (source.readyState === 2) process.exit(0);
};
for (const type of new Set(["message", "connected", "gap", "cursor", "close", ...types]))
  source.addEventListener(type, (event) =>
    say({ what: "event", type, data: event.data, id: event.lastEventId }));

createInterface({ input: process.stdin }).on("line", (line) => {
  if (line !== "close") return;
  source.close();
  say({ what: "closed" });
  process.exit(0);
});
