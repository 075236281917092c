// Ask over one HTTP/2 connection, by several streams at a time, until standard input ends.
// Usage: http2.mjs ADDRESS PORT AUTHORITIES STREAMS.  Prints a document for each answer, and for what happens to the connection.
import http2 from "node:http2";
import { readFileSync } from "node:fs";

const [address, port, authorities, streams] = process.argv.slice(2);
const say = (document) => console.log(JSON.stringify(document));
let asking = true;
let asked = 0;
let open = 0;

const session = http2.connect(`https://${address}:${port}`, {
  ca: readFileSync(authorities),
  servername: "web.test",
});
session.on("connect", () => {
  say({ event: "connect", protocol: session.alpnProtocol });
  for (let number = 0; number < Number(streams); number += 1) ask();
});
for (const event of ["goaway", "close", "error"]) session.on(event, (what) => say({ event, what: String(what) }));

process.stdin.on("end", () => {
  asking = false;
  if (open === 0) session.close();
});
process.stdin.resume();

function ask() {
  const path = `/${(asked += 1)}`;
  open += 1;
  const stream = session.request({
    ":authority": "web.test",
    ":path": path,
    cookie: ["a=1", "b=2"],
    "x-number": path,
  });
  let status = 0;
  let body = "";
  stream.setEncoding("utf8");
  stream.on("response", (headers) => (status = headers[":status"]));
  stream.on("data", (data) => (body += data));
  stream.on("error", (error) => say({ event: "stream", path, what: String(error) }));
  stream.on("close", () => {
    say({ path, status, body });
    open -= 1;
    if (asking && !session.closed) ask();
    else if (open === 0) session.close();
  });
}
