/** `<pool-page>`: the page: a document, its views, and what can be done with all of it. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { announce } from "./announcer";
import type { ConflictDialog } from "./conflict-dialog";
import { CoreError, type PoolEdit, type PoolSummary, type PoolTable } from "./core";
import type { CredentialForm } from "./credential-form";
import { takeToken } from "./edit-token";
import { Editing } from "./editing";
import { FocusKeeper, focusIfLost } from "./focus-keeper";
import { chooseFile, chooseTarget, ConflictError, Download, dropped, type FoundDocument, type OverwritablePlace } from "./places";
import "./pool-list";
import "./pool-settings";
import "./pool-table";
import type { TableAction } from "./pool-table";
import type { SaveDialog } from "./save-dialog";
import type { RawView } from "./raw/raw-view";
import { shared } from "./style";
import { unreadable, welcome } from "./welcome";
import { sentence } from "./words";

type Tab = "table" | "json" | "try";
/** Characters of text from which a document is read once only. */
const READ_ONCE = 300_000;
const TABS: Record<Tab, string> = { table: "Table", json: "JSON", try: "Try it" };

export class PoolPage extends LitElement {
  static override properties = {
    isOpen: { state: true },
    tab: { state: true },
    chosen: { state: true },
    trouble: { state: true },
    isDropTarget: { state: true },
  };

  private readonly editing = new Editing();
  declare private isOpen: boolean;
  declare private tab: Tab;
  /** The key of the pool that is shown. */
  declare private chosen: string | null;
  /** What went wrong last, until it is put away. */
  declare private trouble: string | null;
  declare private isDropTarget: boolean;
  /** Ends with the last edit: saving and undo come behind those that still wait for the core. */
  private edits: Promise<unknown> = Promise.resolve();
  /** The modules of the tabs that were opened; their first opening loads them. */
  private readonly loaded = new Set<Tab>(["table"]);

  constructor() {
    super();
    [this.isOpen, this.tab, this.chosen, this.trouble, this.isDropTarget] = [false, "table", null, null, false];
    new FocusKeeper(this, () => this.whereToGoOn);
    for (const event of ["change", "settled"]) this.editing.addEventListener(event, () => this.requestUpdate());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("beforeunload", this.onLeave);
    window.addEventListener("keydown", this.onKey);
    window.addEventListener("paste", this.onPaste);
    window.addEventListener("dragover", this.onDragOver);
    window.addEventListener("dragleave", this.onDragLeave);
    window.addEventListener("drop", this.onDrop);
    void this.try(async () => {
      const token = takeToken();
      if (token === null) return;
      const { openFromServer } = await import("./edit-server");
      const served = await openFromServer(token);
      if (served === null) return;
      await this.open({ text: served.text, place: served });
      served.onChange((text) => this.onChangedElsewhere(text));
    });
  }

  override render(): TemplateResult {
    return html`
      ${this.header()}
      ${this.trouble === null
        ? nothing
        : html`<div class="trouble" role="alert">
            <p>${this.trouble}</p>
            <button @click=${() => (this.trouble = null)}>Close</button>
          </div>`}
      <main>${this.isOpen ? this.views() : welcome({ choose: this.choose, paste: this.pasteFromClipboard, begin: (text) => this.open({ text, place: null }) })}</main>
      ${this.isDropTarget ? html`<div class="drop">Drop the document to open it</div>` : nothing}
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
    return count === 0 ? nothing : html` <span class="tag wait">${count} problem${count === 1 ? "" : "s"}</span>`;
  }

  private view(): TemplateResult {
    if (!this.loaded.has(this.tab)) return html`<p class="quiet">Loading…</p>`;
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
          ${key === null || table === null ? this.noPool(pools, key) : this.tab === "try" ? this.trial(table) : this.table(key, table)}
        </section>
      </div>
    `;
  }

  private noPool(pools: readonly PoolSummary[], key: string | null): TemplateResult {
    return html`
      <h2 id="pool">${key ?? "No pools yet"}</h2>
      <p>${pools.length === 0 ? "Add the first credential, and its pool comes with it." : "No host reads rows under this key; the JSON view says why."}</p>
    `;
  }

  private table(key: string, table: PoolTable): TemplateResult {
    const resting = table.credentials.filter(({ entry }) => entry.state.type !== "available").length;
    const isReadElsewhere = table.key !== key;
    return html`
      <div class="row">
        <h2 id="pool">${key}</h2>
        <span class="quiet">${table.credentials.length} credential${table.credentials.length === 1 ? "" : "s"}</span>
        <span class="push"></span>
        <button aria-disabled=${resting === 0} @click=${() => this.edit(key, { type: "reset" }, `reset all of ${key}`)}>Reset all</button>
        <button class="main" @click=${() => this.openForm(key)}>Add…</button>
      </div>
      ${table.setAside === 0 && !isReadElsewhere
        ? nothing
        : html`<p class="notice">${isReadElsewhere ? `Hosts look for this pool as ${table.key}, so no host reads it.` : `${table.setAside} of its rows cannot be read and are left as they are.`}
            <button @click=${() => this.show("json")}>Repair in the JSON</button></p>`}
      <pool-table .credentials=${table.credentials} .reveal=${(id: string, field: "access_token") => this.editing.document?.reveal(key, id, field) ?? ""}
        @action=${(event: CustomEvent<TableAction>) => this.act(key, event.detail)} @over=${() => this.requestUpdate()}></pool-table>
      <pool-settings .strategy=${table.strategy} .policy=${table.policy}
        .validate=${(edit: PoolEdit) => this.editing.validate(key, edit)}
        @edit=${({ detail }: CustomEvent<PoolEdit>) => this.edit(key, detail, detail.type === "strategy" ? `strategy of ${key}` : `policy of ${key}`)}></pool-settings>
    `;
  }

  private trial({ key, credentials, strategy, policy }: PoolTable): TemplateResult {
    const adopt = async ({ detail }: CustomEvent<Pick<PoolTable, "strategy" | "policy">>) => {
      await this.edit(key, { type: "strategy", name: detail.strategy }, `strategy of ${key}`);
      await this.edit(key, { type: "policy", policy: detail.policy }, `policy of ${key}`);
      announce(`Used for ${key}; it is not saved yet`);
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
          announce({ duplicate: `${name} was copied`, remove: `${name} was removed; Undo brings it back`, reset: `${name} was reset` }[action.type]);
        }
    }
  }

  /** Where a move leads that waited for the core: it goes on from where those before it led. */
  private placeNow(key: string, { credential, from, place }: TableAction & { type: "move" }): number {
    const credentials = this.editing.document?.pool(key).credentials ?? [];
    const now = credentials.findIndex(({ entry }) => entry.id === credential.entry.id);
    return Math.max(0, Math.min(credentials.length - 1, place + now - from));
  }

  /** The edit is made once the document is prepared. */
  private edit(key: string, edit: PoolEdit | (() => PoolEdit), what: string): Promise<boolean> {
    const edited = this.prepare().then(() => this.editNow(key, typeof edit === "function" ? edit() : edit, what));
    this.edits = edited;
    return edited;
  }

  private editNow(key: string, edit: PoolEdit, what: string): boolean {
    // Why it could not be prepared is shown already.
    if (!this.editing.isPrepared) return false;
    try {
      this.editing.edit(key, edit, what);
      return true;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }

  private openForm(key: string | null, { credential }: { credential?: TableAction["credential"] } = {}): void {
    void this.try(async () => {
      await Promise.all([import("./credential-form"), this.editing.prepare()]);
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

  /** What edits take is fetched when a person turns to the pool, and not with the first edit. */
  private readonly prepare = (): Promise<void> => this.try(() => this.editing.prepare());

  private show(tab: Tab, pointer?: string): void {
    this.tab = tab;
    const load = { table: async () => {}, json: () => import("./raw/raw-view"), try: () => import("./try/try-view") }[tab];
    void this.try(async () => {
      await Promise.all([load(), tab === "table" ? null : this.editing.prepare()]);
      this.loaded.add(tab);
      this.requestUpdate();
      await this.updateComplete;
      focusIfLost(this.whereToGoOn);
      if (pointer === undefined) return;
      const raw = this.renderRoot.querySelector<RawView>("raw-view");
      await raw?.updateComplete;
      raw?.goTo(pointer);
    });
  }

  private readonly undo = (): Promise<void> => this.step("Undone", (editing) => editing.undo());
  private readonly redo = (): Promise<void> => this.step("Done again", (editing) => editing.redo());

  private step(what: string, step: (editing: Editing) => string | null): Promise<void> {
    return this.try(async () => {
      await this.editing.prepare();
      await this.edits;
      this.tell(what, step(this.flushed));
    });
  }

  private tell(what: string, step: string | null): void {
    announce(step === null ? `There is nothing to be ${what.toLowerCase()}` : `${what}: ${step}`);
  }

  /** What has the focus when what had it is gone. */
  private get whereToGoOn(): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>('[role="tab"][aria-selected="true"], .welcome button');
  }

  /** The document with all that was typed. */
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
        throw new Error("the browser does not let the page read the clipboard: press Ctrl+V (or ⌘V) here instead");
      }
    });

  private open({ text, place }: { text: string; place: FoundDocument["place"] | null }): Promise<void> {
    return this.try(async () => {
      if (this.isOpen && this.flushed.isChanged && !confirm("There are unsaved changes. Open another document and lose them?")) return;
      // To read it twice would take longer than to load what can edit it.
      if (text.length > READ_ONCE) await this.editing.prepare();
      this.editing.open(text, place);
      this.isOpen = true;
      this.chosen = null;
      this.trouble = null;
      this.show(this.editing.document === null ? "json" : "table");
      const count = this.editing.countProblems();
      announce(`${place?.name ?? "The document"} is open${count === 0 ? "" : `, with ${count} problem${count === 1 ? "" : "s"}`}`);
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
      if (editing.place !== null) await this.write();
    });

  private async write(options?: { force: boolean }): Promise<void> {
    const { editing } = this;
    const { text } = editing;
    try {
      await (editing.place as OverwritablePlace | null)?.write(text, options);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      await import("./conflict-dialog");
      const kept = await this.renderRoot.querySelector<ConflictDialog>("conflict-dialog")!.open();
      if (kept === "theirs") this.takeIn(error.text);
      return kept === "ours" ? this.write({ force: true }) : undefined;
    }
    editing.saved(text);
    announce(`${editing.place?.name} is saved`);
  }

  /** Somebody else's text counts as saved; what was here is one undo away. */
  private takeIn(text: string): void {
    (this.editing.place as OverwritablePlace | null)?.adopt(text);
    this.flushed.replace(text, "taking in what was written elsewhere");
    this.editing.saved(text);
  }

  private onChangedElsewhere(text: string): void {
    if (this.flushed.isChanged) {
      this.trouble = "The document was changed elsewhere, perhaps by a running host. You are asked what to do when you save.";
    } else if (text !== this.editing.text) {
      this.takeIn(text);
      announce("The document was changed elsewhere, and is shown as it is now");
    }
  }

  private complain(error: unknown): void {
    this.trouble = error instanceof CoreError || error instanceof Error ? sentence(error.message) : "Something went wrong.";
  }

  private async try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.complain(error);
    }
  }

  private readonly onLeave = (event: BeforeUnloadEvent): void => {
    if (this.isOpen && this.flushed.isChanged) event.preventDefault();
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented || !this.isOpen) return;
    const isTyping = event.composedPath().some((it) => it instanceof HTMLElement && it.matches("input, textarea, dialog[open]"));
    const action = { s: this.save, z: event.shiftKey ? this.redo : this.undo, y: this.redo }[event.key.toLowerCase()];
    if (action === undefined || (isTyping && action !== this.save)) return;
    event.preventDefault();
    void action();
  };

  private readonly onPaste = (event: ClipboardEvent): void => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!this.isOpen && text.trim() !== "") void this.open({ text, place: null });
  };

  private readonly onDragOver = (event: DragEvent): void => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.isDropTarget = true;
  };

  private readonly onDragLeave = (event: DragEvent): void => {
    if (event.relatedTarget === null) this.isDropTarget = false;
  };

  private readonly onDrop = (event: DragEvent): void => {
    this.isDropTarget = false;
    const { dataTransfer } = event;
    if (dataTransfer === null || !dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    void this.try(async () => {
      const found = await dropped(dataTransfer);
      if (found !== null) await this.open(found);
    });
  };

  private onTabKey(event: KeyboardEvent): void {
    const tabs = Object.keys(TABS) as Tab[];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(this.tab) + step + tabs.length) % tabs.length]!;
    this.show(next);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${next}`)?.focus());
  }

  static override styles = [
    shared,
    css`
      :host { min-height: 100dvh; display: flex; flex-direction: column; }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.5rem 1.25rem;
        padding: 0.6rem clamp(0.75rem, 2vw, 2rem);
        border-bottom: 1px solid var(--line);
        background: var(--raised);
      }
      h1 { display: flex; align-items: center; gap: 0.5rem; }
      .document { display: flex; flex-wrap: wrap; gap: 0.5rem; min-width: 0; }
      .file { overflow-wrap: anywhere; font-weight: 600; }
      .tools { margin-left: auto; }
      main { flex: 1; padding: 1rem clamp(0.75rem, 2vw, 2rem) 2rem; width: 100%; max-width: 160rem; margin: 0 auto; }
      .trouble { display: flex; gap: 1rem; align-items: center; padding: 0.6rem clamp(0.75rem, 2vw, 2rem); background: var(--bad-ground); color: var(--bad); font-weight: 600; }
      .trouble button { margin-left: auto; color: var(--text); }
      .welcome { max-width: 44rem; margin: 8vh auto 0; display: grid; gap: 1.25rem; }
      .points { display: grid; gap: 0.5rem; border-top: 1px solid var(--line); padding-top: 1.25rem; }
      .tabs { display: flex; flex-wrap: wrap; gap: 0.25rem; border-bottom: 1px solid var(--line); margin-bottom: 1rem; }
      [role="tab"] { border: 0; border-bottom: 3px solid transparent; border-radius: var(--radius) var(--radius) 0 0; background: transparent; }
      [role="tab"][aria-selected="true"] { border-bottom-color: var(--accent); font-weight: 600; }
      .columns { display: grid; grid-template-columns: minmax(12rem, 17rem) minmax(0, 1fr); gap: 1.5rem; }
      .pool { display: grid; gap: 1rem; align-content: start; min-width: 0; }
      .pool h2 { overflow-wrap: anywhere; }
      .push { flex: 1; }
      .notice { padding: 0.5rem 0.75rem; border-radius: var(--radius); background: var(--wait-ground); color: var(--wait); font-weight: 600; }
      .notice button { color: var(--text); font-weight: 400; }
      .drop { position: fixed; inset: 0.5rem; display: grid; place-items: center; border: 3px dashed var(--accent); border-radius: 1rem; background: color-mix(in srgb, var(--ground) 85%, transparent); font-size: 1.25rem; pointer-events: none; }
      @media (max-width: 50rem) {
        .columns { grid-template-columns: minmax(0, 1fr); }
        .tools { margin-left: 0; }
      }
    `,
  ];
}

/** A key that names no pool has no table. */
function tableOf(read: () => PoolTable): PoolTable | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof CoreError) return null;
    throw error;
  }
}
