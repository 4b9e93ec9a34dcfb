/** Documents in files of this machine: written in place with the File System Access API, else downloaded. */

import { ConflictError, type FoundDocument, type Place, type SharedPlace } from "./place";

/** Lets a person choose a file. Returns null if no file is chosen. */
export async function chooseFile(): Promise<FoundDocument | null> {
  if (window.showOpenFilePicker === undefined) return upload();
  try {
    const [handle] = await window.showOpenFilePicker({ types: JSON_FILES });
    return handle === undefined ? null : await fromHandle(handle);
  } catch (error) {
    if (isAborted(error)) return null;
    throw error;
  }
}

/** Returns the file that was dropped on the page; null if the drop holds no file. */
export async function droppedFile(transfer: DataTransfer): Promise<FoundDocument | null> {
  const item = [...transfer.items].find(({ kind }) => kind === "file");
  const file = item?.getAsFile() ?? null;
  // File and handle are both requested before the first `await`: the browser clears the transfer after it.
  const handle = await item?.getAsFileSystemHandle?.();
  if (handle?.kind === "file") return fromHandle(handle as FileSystemFileHandle);
  return file === null ? null : { text: await textOf(file), place: new Download(file.name) };
}

/** Lets a person choose where a new document is saved. Returns null if no file is chosen. */
export async function chooseTarget(): Promise<Place | null> {
  if (window.showSaveFilePicker === undefined) return new Download("auth.json");
  try {
    const handle = await window.showSaveFilePicker({ suggestedName: "auth.json", types: JSON_FILES });
    return new OpenFile(handle, await textOf(await handle.getFile()));
  } catch (error) {
    if (isAborted(error)) return null;
    throw error;
  }
}

/** Downloads the document on every write. */
export class Download implements Place {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  write(text: string): Promise<void> {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: this.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    return Promise.resolve();
  }
}

/** A file that is written in place. */
class OpenFile implements SharedPlace {
  readonly #handle: FileSystemFileHandle;
  /** Text of the file when it was last read or written here. */
  #known: string;

  constructor(handle: FileSystemFileHandle, known: string) {
    this.#handle = handle;
    this.#known = known;
  }

  get name(): string {
    return this.#handle.name;
  }

  async write(text: string): Promise<void> {
    if ((await this.#handle.requestPermission?.({ mode: "readwrite" })) === "denied") {
      throw new Error("the browser may not write this file; allow it, or save a copy");
    }
    const current = await textOf(await this.#handle.getFile());
    if (current !== this.#known) throw new ConflictError(current);
    // The browser writes to a temporary file and replaces the target on `close`.
    const file = await this.#handle.createWritable();
    await file.write(text);
    await file.close();
    this.#known = text;
  }

  adopt(text: string): void {
    this.#known = text;
  }
}

async function fromHandle(handle: FileSystemFileHandle): Promise<FoundDocument> {
  const text = await textOf(await handle.getFile());
  return { text, place: new OpenFile(handle, text) };
}

function upload(): Promise<FoundDocument | null> {
  const input = Object.assign(document.createElement("input"), { type: "file", accept: ".json,application/json" });
  return new Promise((resolve, reject) => {
    input.addEventListener("cancel", () => resolve(null));
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      if (file === undefined) resolve(null);
      else textOf(file).then((text) => resolve({ text, place: new Download(file.name) }), reject);
    });
    input.click();
  });
}

/** Decodes a file without loss: bytes that are not UTF-8 are an error, and a byte order mark is kept. */
async function textOf(file: File): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is not UTF-8 text, so it is not a document; nothing was opened`);
  }
}

function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

const JSON_FILES = [{ description: "JSON", accept: { "application/json": [".json" as const] } }];

interface PickerOptions {
  types?: typeof JSON_FILES;
  suggestedName?: string;
}

declare global {
  interface Window {
    showOpenFilePicker?(options: PickerOptions): Promise<FileSystemFileHandle[]>;
    showSaveFilePicker?(options: PickerOptions): Promise<FileSystemFileHandle>;
  }
  interface FileSystemHandle {
    requestPermission?(options: { mode: "readwrite" }): Promise<PermissionState>;
  }
  interface DataTransferItem {
    getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
  }
}
