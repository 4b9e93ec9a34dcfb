/**
 * Who holds a lock, said so that others on the same machine can tell whether that process has died.
 *
 * Linux alone tells enough to be sure: which boot of which kernel, which namespaces a process number is of, and when
 * the process began, for numbers are given again. Elsewhere nobody is ever known to have died.
 */

import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import process from "node:process";

/** Names this process, if it can be named, and what it holds: no two names are the same. */
export function ownerName(): string {
  self ??= thisProcess();
  return `${randomBytes(8).toString("hex")} ${self}`;
}

/** Whether the owner of that name can do nothing any more. False in doubt. */
export function hasDied(name: string): boolean {
  self ??= thisProcess();
  const [place] = self.split(" ");
  const [, itsPlace, pid = "", began = ""] = name.split(" ");
  if (place === "" || itsPlace !== place || !/^[1-9]\d*$/.test(pid) || began === "") return false;
  try {
    // /proc may hide the processes of others; this does not.
    process.kill(Number(pid), 0);
    return beginning(pid) !== began;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

/** Where process numbers and times of beginning mean the same, number and time; nothing until it is asked for. */
let self: string | undefined;

/** Empty where it cannot be told. */
function thisProcess(): string {
  try {
    // Not so where /proc is another namespace's.
    if (readlinkSync("/proc/self") !== String(process.pid)) return "";
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const place = [boot, readlinkSync("/proc/self/ns/pid"), readlinkSync("/proc/self/ns/time")].join("/");
    return `${place} ${process.pid} ${beginning("self")}`;
  } catch {
    return "";
  }
}

/** When a process began, in ticks since the boot; empty for one that has ended and was not yet buried. */
function beginning(pid: string): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is a name in brackets that may hold anything.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? "" : (fields[18] ?? "");
}
