/** Arguments on their way into the wasm. */

/**
 * Returns the value as JSON text. Iterable objects, such as `Headers`, become arrays.
 *
 * @throws {TypeError} JSON would silently lose something: a number that is not finite would become `null`, an object
 *   such as a `Response` would become `{}`.
 */
export function toJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "number" && !Number.isFinite(part)) throw new TypeError("not a JSON number");
    if (!isOpaque(part)) return part;
    if (Symbol.iterator in part) return [...(part as Iterable<unknown>)];
    throw new TypeError("nothing of it would be left");
  });
}

/** Returns whether JSON would see none of an object's content: it is no plain object and has no own properties. */
function isOpaque(part: unknown): part is object {
  if (typeof part !== "object" || part === null || Array.isArray(part) || Object.keys(part).length > 0) return false;
  const prototype: unknown = Object.getPrototypeOf(part);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}
