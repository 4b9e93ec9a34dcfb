/** `<pool-page>`: the whole page: the open document, its views, and opening, saving, undo and redo. */

import { html, LitElement, nothing, type TemplateResult } from "lit";
import { CoreError, type PoolEdit, type PoolSummary, type PoolTable } from "../document/core-reader";
import { isServedByEdit, takeToken } from "../document/edit-token";
import { Editing } from "../document/editing";
import { chooseFile, chooseTarget, Download, droppedFile } from "../document/files";
import type { FoundDocument, Place, SharedPlace } from "../document/place";
import type { CredentialForm } from "../pools/credential-form";
import "../pools/pool-list";
import "../pools/pool-settings";
import "../pools/pool-table";
import type { TableAction } from "../pools/pool-table";
import type { RawView } from "../raw/raw-view";
import { announce } from "../ui/announcer";
import { FocusKeeper, focusIfLost } from "../ui/focus-keeper";
import { counted, sentence } from "../ui/format";
import { shared } from "../ui/style";
import type { ConflictDialog } from "./conflict-dialog";
import { pageStyle } from "./page-style";
import type { SaveDialog } from "./save-dialog";
import { unreadable, welcome } from "./welcome";
import { WindowEvents } from "./window-events";

type Tab = "table" | "json" | "try";
/** Length in characters from which a document is read only once, by the whole core: reading it twice takes longer than loading the core. */
const READ_ONCE = 300_000;
const TABS: Record<Tab, string> = { table: "Table", json: "JSON", try: "Try it" };

/** The page. */
export class PoolPage extends LitElement {
  static override properties = {
    isOpen: { state: true },
    tab: { state: true },
    chosen: { state: true },
    error: { state: true },
  };

  private readonly editing = new Editing();
  declare private isOpen: boolean;
  declare private tab: Tab;
  /** Key of the shown pool; null for the first pool. */
  declare private chosen: string | null;
  /** Message of the latest error, until it is closed. */
  declare private error: string | null;
  /** Settles with the last edit. Saving and undo wait for it, because edits may still wait for the core. */
  private edits: Promise<unknown> = Promise.resolve();
  /** Tabs whose modules are loaded. A module is loaded when its tab is first opened. */
  private readonly loaded = new Set<Tab>(["table"]);

  private readonly windowEvents = new WindowEvents(this, {
    isOpen: () => this.isOpen,
    isChanged: () => this.flushed.isChanged,
    undo: () => this.undo(),
    redo: () => this.redo(),
    save: () => this.save(),
    openText: (text) => this.open({ text, place: null }),
    openDrop: (transfer) =>
      this.try(async () => {
        const found = await droppedFile(transfer);
        if (found !== null) await this.open(found);
      }),
  });

  constructor() {
    super();
    [this.isOpen, this.tab, this.chosen, this.error] = [false, "table", null, null];
    new FocusKeeper(this, () => this.focusFallback);
    for (const event of ["change", "settled"]) this.editing.addEventListener(event, () => this.requestUpdate());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.try(async () => {
      if (!isServedByEdit) return;
      const token = takeToken();
      const { openFromServer } = await import("../document/edit-server");
      const served = await openFromServer(token);
      if (served === null) return;
      await this.open({ text: served.text, place: served });
    });
  }

  override render(): TemplateResult {
    return html`
      ${this.header()}
      ${this.error === null
        ? nothing
        : html`<div class="error" role="alert">
            <p>${this.error}</p>
            <button @click=${() => (this.error = null)}>Close</button>
          </div>`}
      <main>${this.isOpen ? this.views() : welcome({ choose: this.choose, paste: this.pasteFromClipboard, open: (text) => this.open({ text, place: null }) })}</main>
      ${this.windowEvents.isDropTarget ? html`<div class="drop">Drop the document to open it</div>` : nothing}
      <credential-form @closed=${() => this.requestUpdate()}></credential-form>
      <save-dialog></save-dialog>
      <conflict-dialog></conflict-dialog>
    `;
  }

  private header(): TemplateResult {
    const { editing } = this;
    const name = this.isOpen ? (editing.place?.name ?? "new document") : "";
    document.title = name === "" ? "credential-pool" : `${editing.isChanged ? "• " : ""}${name} – credential-pool`;
    return html`
      <header>
        <h1><img src="icon.svg" alt="" width="28" height="28" /> credential-pool</h1>
        ${this.isOpen
          ? html`
              <p class="document"><span class="file">${name}</span>
                <span class="tag ${editing.isChanged ? "wait" : ""}">${editing.isChanged ? "unsaved changes" : editing.place === null ? "not saved yet" : "saved"}</span></p>
              <div class="row tools">
                <button aria-disabled=${editing.undoable === null} title=${editing.undoable === null ? nothing : `Undo: ${editing.undoable}`} @click=${this.undo}>Undo</button>
                <button aria-disabled=${editing.redoable === null} title=${editing.redoable === null ? nothing : `Redo: ${editing.redoable}`} @click=${this.redo}>Redo</button>
                <button @click=${this.choose}>Open…</button>
                <button class="main" @click=${this.save}>Save…</button>
              </div>
            `
          : nothing}
      </header>
    `;
  }

  private views(): TemplateResult {
    return html`
      <div role="tablist" aria-label="Views" class="tabs" @keydown=${this.onTabKey}>
        ${(Object.keys(TABS) as Tab[]).map(
          (tab) => html`<button role="tab" id="tab-${tab}" aria-selected=${this.tab === tab} aria-controls="view"
            tabindex=${this.tab === tab ? 0 : -1} @click=${() => this.show(tab)}>${TABS[tab]}${this.badge(tab)}</button>`,
        )}
      </div>
      <div id="view" role="tabpanel" aria-labelledby="tab-${this.tab}" tabindex="-1">${this.view()}</div>
    `;
  }

  private badge(tab: Tab): TemplateResult | typeof nothing {
    const count = tab === "json" ? this.editing.problemCount : 0;
    return count === 0 ? nothing : html` <span class="tag wait">${counted(count, "problem")}</span>`;
  }

  private view(): TemplateResult {
    if (!this.loaded.has(this.tab)) return html`<p class="muted">Loading…</p>`;
    if (this.tab === "json") return html`<raw-view .editing=${this.editing}></raw-view>`;
    const { document, fault } = this.editing;
    if (document === null) return unreadable(fault, () => this.show("json"));
    const pools = document.pools();
    const key = pools.some((pool) => pool.key === this.chosen) ? this.chosen : (pools[0]?.key ?? null);
    const table = key === null ? null : tableOf(() => document.pool(key));
    return html`
      <div class="columns">
        <pool-list .pools=${pools} .chosen=${key} @choose=${(event: CustomEvent<string>) => (this.chosen = event.detail)}
          @add=${() => this.openForm(null)} @over=${() => this.requestUpdate()}></pool-list>
        <section class="pool" aria-labelledby="pool" @focusin=${this.prepare}>
          ${key === null || table === null ? this.noPool(pools, key) : this.tab === "try" ? this.simulator(table) : this.table(key, table)}
        </section>
      </div>
    `;
  }

  private noPool(pools: readonly PoolSummary[], key: string | null): TemplateResult {
    return html`
      <h2 id="pool">${key ?? "No pools yet"}</h2>
      <p>${pools.length === 0 ? "Add a credential to create its pool." : "No host reads rows under this key. The JSON view says why."}</p>
    `;
  }

  private table(key: string, table: PoolTable): TemplateResult {
    const unavailable = table.credentials.filter(({ entry }) => entry.state.type !== "available").length;
    const isReadElsewhere = table.key !== key;
    return html`
      <div class="row">
        <h2 id="pool">${key}</h2>
        <span class="muted">${counted(table.credentials.length, "credential")}</span>
        <span class="spacer"></span>
        <button aria-disabled=${unavailable === 0} @click=${() => this.edit(key, { type: "reset" }, `reset all of ${key}`)}>Reset all</button>
        <button class="main" @click=${() => this.openForm(key)}>Add…</button>
      </div>
      ${table.setAside === 0 && !isReadElsewhere
        ? nothing
        : html`<p class="notice">${isReadElsewhere ? `Hosts read this pool under the key ${table.key}, so no host reads it here.` : `Unreadable rows, left unchanged: ${table.setAside}.`}
            <button @click=${() => this.show("json")}>Repair in the JSON view</button></p>`}
      <pool-table .credentials=${table.credentials} .reveal=${(id: string, field: "access_token") => this.editing.document?.reveal(key, id, field) ?? ""}
        @action=${(event: CustomEvent<TableAction>) => this.act(key, event.detail)} @over=${() => this.requestUpdate()}></pool-table>
      <pool-settings .strategy=${table.strategy} .policy=${table.policy}
        .validate=${(edit: PoolEdit) => this.editing.validate(key, edit)}
        @edit=${({ detail }: CustomEvent<PoolEdit>) => this.edit(key, detail, detail.type === "strategy" ? `strategy of ${key}` : `policy of ${key}`)}></pool-settings>
    `;
  }

  private simulator({ key, credentials, strategy, policy }: PoolTable): TemplateResult {
    const adopt = async ({ detail }: CustomEvent<Pick<PoolTable, "strategy" | "policy">>) => {
      await this.edit(key, { type: "strategy", name: detail.strategy }, `strategy of ${key}`);
      await this.edit(key, { type: "policy", policy: detail.policy }, `policy of ${key}`);
      announce(`Used for ${key}; not saved yet`);
    };
    return html`
      <h2 id="pool">${key}</h2>
      <try-view .poolKey=${key} .credentials=${credentials} .strategy=${strategy} .policy=${policy} @adopt=${adopt}></try-view>
    `;
  }

  private async act(key: string, action: TableAction): Promise<void> {
    const { credential } = action;
    const { id, label } = credential.entry;
    const name = label || id;
    switch (action.type) {
      case "edit":
        return void this.openForm(key, action);
      case "show_in_json":
        return void this.show("json", credential.pointer ?? undefined);
      case "move": {
        const isLate = !this.editing.isPrepared;
        let { place } = action;
        const move = (): PoolEdit => ({ type: "move", id, place: isLate ? (place = this.placeNow(key, action)) : place });
        if (await this.edit(key, move, `move of ${name}`)) announce(`${name} is at place ${place + 1}`);
        return;
      }
      default:
        if (await this.edit(key, { type: action.type, id }, `${action.type} of ${name}`)) {
          announce({ duplicate: `${name} was duplicated`, remove: `${name} was removed; Undo brings it back`, reset: `${name} was reset` }[action.type]);
        }
    }
  }

  /** Returns the target of a move that waited for the core: earlier moves may have changed the place of the row meanwhile. */
  private placeNow(key: string, { credential, from, place }: TableAction & { type: "move" }): number {
    const credentials = this.editing.document?.pool(key).credentials ?? [];
    const now = credentials.findIndex(({ entry }) => entry.id === credential.entry.id);
    return Math.max(0, Math.min(credentials.length - 1, place + now - from));
  }

  /** Carries out an edit once the document is prepared. Returns whether it was accepted. */
  private edit(key: string, edit: PoolEdit | (() => PoolEdit), what: string): Promise<boolean> {
    const edited = this.prepare().then(() => this.editNow(key, typeof edit === "function" ? edit() : edit, what));
    this.edits = edited;
    return edited;
  }

  private editNow(key: string, edit: PoolEdit, what: string): boolean {
    // `prepare` has already shown the error.
    if (!this.editing.isPrepared) return false;
    try {
      this.editing.edit(key, edit, what);
      return true;
    } catch (error) {
      this.showError(error);
      return false;
    }
  }

  private openForm(key: string | null, { credential }: { credential?: TableAction["credential"] } = {}): void {
    void this.try(async () => {
      await Promise.all([import("../pools/credential-form"), this.editing.prepare()]);
      await this.renderRoot.querySelector<CredentialForm>("credential-form")?.open({
        key,
        credential: credential ?? null,
        validate: (of, edit) => this.editing.validate(of, edit),
        carryOut: (of, edit, label) => {
          this.editing.edit(of, edit, edit.type === "add" ? `new credential ${label}` : `change of ${label}`);
          this.chosen = this.editing.document?.pool(of).key ?? of;
          announce(edit.type === "add" ? `${label || "The credential"} was added` : `${label || "The credential"} was changed`);
        },
      });
    });
  }

  /** Loads the whole core as soon as the focus enters the pool, before the first edit. */
  private readonly prepare = (): Promise<void> => this.try(() => this.editing.prepare());

  private show(tab: Tab, pointer?: string): void {
    this.tab = tab;
    const load = { table: async () => {}, json: () => import("../raw/raw-view"), try: () => import("../try/try-view") }[tab];
    void this.try(async () => {
      await Promise.all([load(), tab === "table" ? null : this.editing.prepare()]);
      this.loaded.add(tab);
      this.requestUpdate();
      await this.updateComplete;
      focusIfLost(this.focusFallback);
      if (pointer === undefined) return;
      const raw = this.renderRoot.querySelector<RawView>("raw-view");
      await raw?.updateComplete;
      raw?.goTo(pointer);
    });
  }

  private readonly undo = (): Promise<void> => this.step("Undone", (editing) => editing.undo());
  private readonly redo = (): Promise<void> => this.step("Redone", (editing) => editing.redo());

  private step(what: string, step: (editing: Editing) => string | null): Promise<void> {
    return this.try(async () => {
      await this.editing.prepare();
      await this.edits;
      const done = step(this.flushed);
      announce(done === null ? `There is nothing to be ${what.toLowerCase()}` : `${what}: ${done}`);
    });
  }

  /** Element that gets the focus when the focused element is gone. */
  private get focusFallback(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('[role="tab"][aria-selected="true"], .welcome button');
  }

  /** The document, after the JSON view has moved typed text into it. */
  private get flushed(): Editing {
    this.renderRoot.querySelector<RawView>("raw-view")?.flush();
    return this.editing;
  }

  private readonly choose = (): Promise<void> =>
    this.try(async () => {
      const found = await chooseFile();
      if (found !== null) await this.open(found);
    });

  private readonly pasteFromClipboard = (): Promise<void> =>
    this.try(async () => {
      try {
        await this.open({ text: await navigator.clipboard.readText(), place: null });
      } catch {
        throw new Error("the browser does not let the page read the clipboard; press Ctrl+V (or ⌘V) instead");
      }
    });

  private open({ text, place }: { text: string; place: FoundDocument["place"] | null }): Promise<void> {
    return this.try(async () => {
      if (this.isOpen && this.flushed.isChanged && !confirm("There are unsaved changes. Open another document and discard them?")) return;
      if (text.length > READ_ONCE) await this.editing.prepare();
      this.editing.open(text, place);
      if (place !== null && isShared(place)) {
        place.onChange?.((theirs) => void this.try(() => this.saving(({ changedElsewhere }, page) => changedElsewhere(place, theirs, page))));
      }
      this.isOpen = true;
      this.chosen = null;
      this.error = null;
      this.show(this.editing.document === null ? "json" : "table");
      const count = this.editing.countProblems();
      announce(`${place?.name ?? "The document"} is open${count === 0 ? "" : `, with ${counted(count, "problem")}`}`);
    });
  }

  private readonly save = (): Promise<void> =>
    this.try(async () => {
      const { flushed: editing } = this;
      await editing.prepare();
      await this.edits;
      if (!editing.isChanged && editing.place !== null) return announce("There is nothing to save");
      await import("./save-dialog");
      const dialog = this.renderRoot.querySelector<SaveDialog>("save-dialog")!;
      const { place } = editing;
      dialog.verb = place === null ? "Save as…" : `${place instanceof Download ? "Download" : "Save to"} ${place.name}`;
      if ((await dialog.open(editing)) === "cancel") return;
      editing.place ??= await chooseTarget();
      const target = editing.place;
      if (target !== null) await this.saving(({ write }, page) => write(target, page));
    });

  /** Does work of saving, which is loaded when it is first needed. */
  private async saving(work: (saving: typeof import("./saving"), page: import("./saving").Page) => Promise<void> | void): Promise<void> {
    const [saving] = await Promise.all([import("./saving"), import("./conflict-dialog"), this.editing.prepare()]);
    await this.edits;
    const page = this;
    await work(saving, {
      editing: this.flushed,
      conflict: this.renderRoot.querySelector<ConflictDialog>("conflict-dialog")!,
      get error() { return page.error; },
      set error(message) { page.error = message; },
    });
  }

  private showError(error: unknown): void {
    this.error = error instanceof CoreError || error instanceof Error ? sentence(error.message) : "Something went wrong.";
  }

  private async try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.showError(error);
    }
  }

  private onTabKey(event: KeyboardEvent): void {
    const tabs = Object.keys(TABS) as Tab[];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(this.tab) + step + tabs.length) % tabs.length]!;
    this.show(next);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${next}`)?.focus());
  }

  static override styles = [shared, pageStyle];
}

function isShared(place: Place): place is SharedPlace {
  return "adopt" in place;
}

/** Returns the table that `read` returns; null if the key is not a pool key. */
function tableOf(read: () => PoolTable): PoolTable | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof CoreError) return null;
    throw error;
  }
}
