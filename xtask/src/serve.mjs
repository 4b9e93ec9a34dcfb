// Serves a folder on this machine until it is interrupted: `serve.rs` runs it with the folder and the port. Without one
// it takes 8080, or any that is free.

import { createServer } from "node:http";

import sirv from "sirv";

const [folder, port] = process.argv.slice(1);
const server = createServer(sirv(folder, { dev: true, etag: true }));
const listen = (port) => server.listen(port, "127.0.0.1");

server.on("listening", () => console.log(`http://127.0.0.1:${server.address().port}/\nCtrl-C ends it.`));
server.on("error", ({ code, message }) => {
  if (code === "EADDRINUSE" && port === undefined) return listen(0);
  console.error(`error: ${message}: choose another with --port`);
  process.exitCode = 1;
});
listen(port ?? 8080);
