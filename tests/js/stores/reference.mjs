// A file as the reference keeps it: Python's `json.dumps(document, indent=2) + "\n"`, which keeps the order of fields
// and numbers of any size, and writes all but ASCII as escapes.

import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";

/** Content of a file: objects as maps, and scalars as their JSON text. */
export function load(path) {
  return parse(readFileSync(path, "utf8"));
}

export function parse(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g);
  const value = () => {
    const token = tokens.shift();
    if (token === "{") return new Map(list("}", () => [JSON.parse(tokens.shift()), tokens.shift() && value()]));
    if (token === "[") return list("]", value);
    return token;
  };
  const list = (end, item) => {
    const items = [];
    while (tokens[0] !== end) {
      items.push(item());
      if (tokens[0] === ",") tokens.shift();
    }
    tokens.shift();
    return items;
  };
  return value();
}

/** The file is replaced by a rename. The lock is `flock` on `auth.lock`, which stays; other programs are not notified. */
export function save(path, document) {
  closeSync(openSync(join(dirname(path), "auth.lock"), "a"));
  const temporary = `${path}.tmp.${process.pid}.${randomBytes(16).toString("hex")}`;
  const file = openSync(temporary, "wx", 0o600);
  writeFileSync(file, `${dump(document)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, path);
  chmodSync(path, 0o600);
}

export function dump(value, indent = "\n") {
  const inner = `${indent}  `;
  const within = (open, items, close) => (items.length ? `${open}${inner}${items.join(`,${inner}`)}${indent}${close}` : open + close);
  if (value instanceof Map) {
    return within("{", [...value].map(([name, item]) => `${ascii(name)}: ${dump(item, inner)}`), "}");
  }
  if (Array.isArray(value)) return within("[", value.map((item) => dump(item, inner)), "]");
  return value.startsWith(`"`) ? ascii(JSON.parse(value)) : value;
}

function ascii(text) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text).replace(/[\u0080-\uffff]/g, escape);
}
