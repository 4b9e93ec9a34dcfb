/** Bodies of responses and requests, read within bounds. */

import { limits } from "../credential_pool.js";

/** A response that came. */
export type WholeAnswer = { status: number; headers: [name: string, value: string][]; body: string };

/** Returns a fetch response with as much of its body as the pool reads, and as comes in time. */
export async function responseWithBody(response: Response, timeoutMs: number): Promise<WholeAnswer> {
  const { status, headers, body } = response;
  // Other clients' bodies are streams of their own.
  const isStream = body === null || body instanceof ReadableStream;
  const text = isStream ? startOfBody(body, limits().responseBodyBytes, timeoutMs) : response.text().catch(() => "");
  return { status, headers: fittingHeaders([...headers]), body: fittingText(await text, limits().responseBodyBytes) };
}

/** Returns the headers that the pool reads: those that fit into its limit, in their order. */
export function fittingHeaders(headers: [name: string, value: string][]): [name: string, value: string][] {
  let left = limits().responseHeaderBytes;
  return headers.filter(([name, value]) => {
    // A UTF-16 unit has three bytes at most.
    const bytes = 3 * (name.length + value.length);
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
}

/** Returns the beginning of a text that has at most `bytes` bytes. */
export function fittingText(text: string, bytes: number): string {
  if (3 * text.length <= bytes) return text;
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(bytes)).read);
}

/**
 * Returns the start of a body: what has come after `bytes` bytes or `timeoutMs` milliseconds, or until the connection
 * broke. The rest is cancelled.
 */
export async function startOfBody(body: ReadableStream<Uint8Array> | null, bytes: number, timeoutMs: number): Promise<string> {
  if (body === null) return "";
  const [reader, decoder] = [body.getReader(), new TextDecoder()];
  let [text, left] = ["", bytes];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isLate = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, timeoutMs, undefined)));
  try {
    while (left > 0) {
      const read = await Promise.race([reader.read(), isLate]);
      if (read === undefined || read.done) break;
      const chunk = read.value.subarray(0, left);
      text += decoder.decode(chunk, { stream: true });
      left -= chunk.length;
    }
  } catch {
    // The connection broke: what has come is judged.
  } finally {
    clearTimeout(timer);
    // Of a copy this ends with the original's body, so it is not waited for.
    reader.cancel().catch(() => {});
  }
  return text;
}

/** A body that can be read only once. */
export type OneTimeBody = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Returns whether a body can be read only once. */
export function isOneTimeBody(body: unknown): body is OneTimeBody {
  return body instanceof ReadableStream || (typeof body === "object" && body !== null && Symbol.asyncIterator in body);
}

/**
 * Reads a whole body.
 *
 * @throws The signal's reason when the signal is aborted; the body is cancelled then.
 */
export async function wholeBody(body: OneTimeBody, signal: AbortSignal): Promise<Blob> {
  const reader = new Response(body as ReadableStream<Uint8Array>).body?.getReader();
  const end = (): void => void reader?.cancel(signal.reason).catch(() => {});
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => (end(), reject(signal.reason)), { once: true });
  });
  aborted.catch(() => {});
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  while (reader !== undefined) {
    const read = await Promise.race([reader.read(), aborted]);
    signal.throwIfAborted();
    if (read.done) break;
    chunks.push(read.value as Uint8Array<ArrayBuffer>);
  }
  return new Blob(chunks);
}
