// Ask over HTTP/2, by several streams of one connection at a time, until standard input ends.
// Usage: http2.mjs ADDRESS PORT AUTHORITIES STREAMS.  Prints a document for each answer, and for what happens to connections.
// A connection to which the other side says goodbye ends what it has begun, and another takes its place.
import http2 from "node:http2";
import { readFileSync } from "node:fs";

const [address, port, authorities, streams] = process.argv.slice(2);
const ca = readFileSync(authorities);
const say = (document) => console.log(JSON.stringify(document));
let asking = true;
let asked = 0;
let open = 0;
let session;

function connect() {
  const made = http2.connect(`https://${address}:${port}`, { ca, servername: "web.test" });
  made.on("connect", () => say({ event: "connect", protocol: made.alpnProtocol }));
  made.on("goaway", (code) => {
    say({ event: "goaway", code });
    if (session === made) connect();
  });
  made.on("error", (error) => say({ event: "error", what: String(error) }));
  made.on("close", () => say({ event: "close" }));
  session = made;
}

function ask(path) {
  open += 1;
  const stream = session.request({ ":authority": "web.test", ":path": path, cookie: ["a=1", "b=2"], "x-number": path });
  let status = 0;
  let body = "";
  let refused = false;
  stream.setEncoding("utf8");
  stream.on("response", (headers) => (status = headers[":status"]));
  stream.on("data", (data) => (body += data));
  stream.on("error", (error) => {
    // Nothing was done of what came after the goodbye (RFC 9113, 6.8): it may be asked again.
    refused = error.code === "ERR_HTTP2_GOAWAY_SESSION" || stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
    if (!refused) say({ event: "stream", path, what: String(error) });
  });
  stream.on("close", () => {
    open -= 1;
    if (refused) return ask(path);
    say({ path, status, body });
    if (asking) ask(`/${(asked += 1)}`);
    else if (open === 0) session.close();
  });
}

process.stdin.on("end", () => {
  asking = false;
  if (open === 0) session.close();
});
process.stdin.resume();
connect();
while (asked < Number(streams)) ask(`/${(asked += 1)}`);
