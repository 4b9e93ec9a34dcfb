/** Stores as hosts use them, and a store of a host's own. */

import {
  applyToDocument,
  type Change,
  CredentialPool,
  emptyDocument,
  type LockOptions,
  MemoryStore,
  poolName,
  type Reading,
  readDocument,
  type Store,
  StoreError,
  type StoreErrorCode,
} from "credential-pool";
import {
  DocumentFile, type DocumentText, FileStore, type FileStoreOptions, type ReplaceResult,
} from "credential-pool/file-store";

/** Minimum of a server with compare-and-set. */
interface Server {
  get(): Promise<string | undefined>;
  replace(before: string | undefined, after: string): Promise<boolean>;
  subscribe(onMessage: () => void): () => void;
}

export class ServerStore implements Store {
  constructor(private readonly server: Server) {}

  async read(key: string): Promise<Reading> {
    return readDocument((await this.server.get()) ?? emptyDocument(), key);
  }

  async commit(key: string, changes: readonly Change[]): Promise<void> {
    for (;;) {
      const before = await this.server.get();
      const { text: after } = applyToDocument(before ?? emptyDocument(), key, [...changes]);
      if (after === before || (await this.server.replace(before, after))) return;
    }
  }

  watch(key: string, onChange: (reading: Reading) => void): () => void {
    return this.server.subscribe(() => void this.read(key).then(onChange));
  }

  async lock<T>(_name: string, action: () => Promise<T>, _options?: LockOptions): Promise<T> {
    return action();
  }
}

const options: FileStoreOptions = { waitMs: 1000, staleMs: 2000, pollMs: 500 };
const stores: Store[] = [new MemoryStore(), new MemoryStore(new MemoryStore("{}")), new FileStore("auth.json", options)];

export async function use(store: Store): Promise<number> {
  const { stored, documentLogins } = await store.read("openrouter");
  const { pool, intents } = CredentialPool.open({ key: "openrouter", stored, sources: { documentLogins } });
  for (const intent of intents) if (intent.type === "persist") await store.commit(pool.key(), intent.changes);
  const end: () => void = store.watch(pool.key(), ({ stored: { rows } }) => void rows.length, ({ code }) => void code);
  end();
  const locked: number = await store.lock("refresh", async () => 7, { waitMs: 30_000 });
  // @ts-expect-error a change is an object
  await store.commit(pool.key(), ["used"]);
  return locked + stores.length;
}

export async function edit(file: DocumentFile): Promise<string> {
  const { text, etag }: DocumentText = await file.read();
  const replaced: ReplaceResult = await file.replace(`${text}\n`, etag);
  const end: () => void = file.watch((changed) => void changed.length);
  end();
  const kept: string | undefined = await new FileStore(file.path).document();
  return kept ?? poolName(replaced.etag);
}

export function told(error: unknown): StoreErrorCode | undefined {
  if (!(error instanceof StoreError)) return undefined;
  const pointer: string | undefined = error.pointer;
  return pointer === undefined ? error.code : "invalid_document";
}
