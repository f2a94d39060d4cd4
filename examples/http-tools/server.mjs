// A restaurant's tools for its agent, with Node's own library alone: TOOLS_SECRET=... node server.mjs [port]
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
const secret = process.env.TOOLS_SECRET;
if (!secret) throw new Error("TOOLS_SECRET is not set");
const done = new Map(); // answers by Idempotency-Key; yours belong into your database

const routes = {
  "/book_table": (ask) => { // the LLM hears of `result` and puts it into words
    console.log(JSON.stringify({ booked: ask.arguments, call: ask.call.id }));
    return { result: { table: 7 } };
  },
  "/opening_hours": () => ( // said as it stands
    { result: "told", actions: [{ say: "We are open from five in the evening. Anything else?" }] }),
  "/on_call": () => ( // any key of agent.yaml, for this call; {refuse: "why"} does not take it
    { greeting: { say: "Good evening, Trattoria Roma. Nice of you to call. How can I help you?" } }),
  "/on_end": (record) => console.log(JSON.stringify({ ended: record.call.id, outcome: record.outcome })) ?? {},
};
function signed(header, body) { // t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">, of the last five minutes
  const [, time, hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  if (!time || Math.abs(Date.now() / 1000 - Number(time)) > 300) return false;
  return timingSafeEqual(createHmac("sha256", secret).update(`${time}.`).update(body).digest(), Buffer.from(hex, "hex"));
}
function answer(path, key, header, body) {
  if (!signed(header, body)) return [401, { error: "the signature does not fit" }];
  if (!Object.hasOwn(routes, path)) return [404, { error: `there is no ${path}` }];
  if (!done.has(key)) done.set(key, routes[path](JSON.parse(body))); // what comes twice is done once
  return [200, done.get(key)];
}
const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part)).on("end", () => {
    const { "idempotency-key": key, "parley-signature": signature = "" } = request.headers;
    const [status, told] = answer(request.url, key, signature, Buffer.concat(parts));
    response.writeHead(status).end(JSON.stringify(told));
  });
});
server.listen(Number(process.argv[2] ?? 8090), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
