/** Where documents come from and go to: files on this machine, in place where the browser can do that, else as a download. */

import type { Place } from "./editing";

/** A document, and where it came from. */
export interface FoundDocument {
  text: string;
  place: Place;
}

/** The document was changed elsewhere since it was read. Nothing was written. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  /** What it holds now. */
  readonly text: string;

  constructor(text: string) {
    super("the document was changed elsewhere since it was opened here");
    this.text = text;
  }
}

/** A place that can be told to write whatever was changed there meanwhile. */
export interface OverwritablePlace extends Place {
  /** @throws {ConflictError} Nothing was written, unless `force` says to write all the same. */
  write(text: string, options?: { force?: boolean }): Promise<void>;
  /** Goes on from what a {@link ConflictError} told: the next `write` replaces that. */
  adopt(text: string): void;
}

/** Lets a person choose a file; null if they choose none. */
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

/** The file that was dragged in, if it is one. */
export async function dropped(transfer: DataTransfer): Promise<FoundDocument | null> {
  const item = [...transfer.items].find(({ kind }) => kind === "file");
  const file = item?.getAsFile() ?? null;
  // Both have to be asked for before the first wait: the transfer is gone then.
  const handle = await item?.getAsFileSystemHandle?.();
  if (handle?.kind === "file") return fromHandle(handle as FileSystemFileHandle);
  return file === null ? null : { text: await textOf(file), place: new Download(file.name) };
}

/** Hands a document out as a download. */
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

/** Lets a person choose where a new document goes; null if they choose nowhere. */
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

/** A file that is written in place. */
class OpenFile implements OverwritablePlace {
  readonly #handle: FileSystemFileHandle;
  /** As it was read or written last. */
  #known: string;

  constructor(handle: FileSystemFileHandle, known: string) {
    this.#handle = handle;
    this.#known = known;
  }

  get name(): string {
    return this.#handle.name;
  }

  async write(text: string, { force = false }: { force?: boolean } = {}): Promise<void> {
    if ((await this.#handle.requestPermission?.({ mode: "readwrite" })) === "denied") {
      throw new Error("the browser may not write this file; allow it, or save a copy");
    }
    const there = await textOf(await this.#handle.getFile());
    if (!force && there !== this.#known) throw new ConflictError(there);
    // Written beside the file, and put in its place when all of it is there.
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

/** To the byte: what is no UTF-8 is refused, and a byte order mark stays. */
async function textOf(file: File): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is no text in UTF-8, so it is no document; nothing was opened`);
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
