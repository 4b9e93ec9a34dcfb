/** A real Redis on loopback, for as long as a test needs it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

import { createClient } from "redis";

const servers = new Set();

/**
 * Starts a server with nothing in it. What it acknowledges has been handed to the system, and so outlives its process.
 *
 * @param settings More of what stands in redis.conf, as words.
 */
export async function startRedis(...settings) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "credential-pool-redis-")));
  const server = new RedisServer(folder, await freePort(), settings);
  servers.add(server);
  await server.start();
  return server;
}

/** Ends all servers, and removes their data. */
export async function stopAllRedis() {
  await Promise.all([...servers].map((server) => server.end()));
  servers.clear();
}

class RedisServer {
  #folder;
  #settings;
  #child;
  #admin;

  constructor(folder, port, settings) {
    this.#folder = folder;
    this.#settings = settings;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  /** Starts the server on its port, with its data on disk. */
  async start() {
    const words = [
      "--port", this.port, "--bind", "127.0.0.1", "--dir", this.#folder,
      "--save", "", "--appendonly", "yes", "--appendfsync", "no", ...this.#settings,
    ];
    for (const program of ["redis-server", "valkey-server"]) {
      const child = spawn(program, words.map(String), { stdio: ["ignore", "pipe", "inherit"] });
      const isThere = await Promise.race([once(child, "spawn").then(() => true), once(child, "error").then(() => false)]);
      if (!isThere) continue;
      this.#child = child;
      await this.#isReady();
      return;
    }
    throw new Error("neither redis-server nor valkey-server is there: install one of them");
  }

  /** Runs a command as an administrator. */
  async ask(...words) {
    if (!this.#admin) {
      const admin = createClient({ url: this.url, RESP: 2, socket: { reconnectStrategy: false } });
      admin.on("error", () => {});
      this.#admin = await admin.connect();
    }
    return this.#admin.sendCommand(words.map(String));
  }

  /** Kills the server, as a loss of power does. */
  async kill() {
    this.#forget();
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const closed = once(this.#child, "close");
    process.kill(this.#child.pid, "SIGKILL");
    await closed;
  }

  /** Stops the server's process while its connections stay. By pid, since Deno sends a child a single signal. */
  freeze() {
    process.kill(this.#child.pid, "SIGSTOP");
  }

  thaw() {
    process.kill(this.#child.pid, "SIGCONT");
  }

  /** Removes the server's data on disk. */
  async wipe() {
    await rm(join(this.#folder, "appendonlydir"), { recursive: true, force: true });
  }

  async end() {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }

  #forget() {
    this.#admin?.destroy();
    this.#admin = undefined;
  }

  async #isReady() {
    let said = "";
    this.#child.stdout.on("data", (chunk) => (said += chunk));
    while (!said.includes("Ready to accept connections")) {
      if (this.#child.exitCode !== null) throw new Error(`Redis does not start: ${said}`);
      await sleep(5);
    }
  }
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

// Whoever runs the tests may stop them.
process.on("exit", () => {
  for (const server of servers) void server.kill().catch(() => {});
});
