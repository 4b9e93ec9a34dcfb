/**
 * Owner names of locks, by which other processes on the same machine can tell whether the owner has died.
 *
 * A name identifies a process by boot id, pid and time namespace, pid, and start time, since pids are reused. Linux
 * alone provides all of these; on other systems no owner counts as dead.
 */

import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import process from "node:process";

/** Returns a new name for a lock of this process: a random part and the process, if the process can be identified. */
export function ownerName(): string {
  self ??= thisProcess();
  return `${randomBytes(8).toString("hex")} ${self}`;
}

/** Returns whether the process of that owner name has ended; false in doubt. */
export function hasDied(name: string): boolean {
  self ??= thisProcess();
  const [namespace] = self.split(" ");
  const [, ownerNamespace, pid = "", startTime = ""] = name.split(" ");
  if (namespace === "" || ownerNamespace !== namespace || !/^[1-9]\d*$/.test(pid) || startTime === "") return false;
  try {
    // /proc may hide the processes of other users; signal 0 does not.
    process.kill(Number(pid), 0);
    return startTimeOf(pid) !== startTime;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/** Namespace, pid and start time of this process; undefined until first used. */
let self: string | undefined;

/** Returns namespace, pid and start time of this process; empty where they are unknown. */
function thisProcess(): string {
  try {
    // /proc may belong to another namespace.
    if (readlinkSync("/proc/self") !== String(process.pid)) return "";
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const namespace = [boot, readlinkSync("/proc/self/ns/pid"), readlinkSync("/proc/self/ns/time")].join("/");
    return `${namespace} ${process.pid} ${startTimeOf("self")}`;
  } catch {
    return "";
  }
}

/** Returns the start time of a process, in ticks since the boot; empty for a zombie. See proc_pid_stat(5), field 22. */
function startTimeOf(pid: string): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in brackets, which may contain any character.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? "" : (fields[18] ?? "");
}
