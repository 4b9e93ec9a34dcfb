/** `<pool-table>`: the credentials of a pool, each on a row of one height, so that a thousand show as fast as ten. */

import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { announce } from "./announcer";
import type { SecretField, ShownCredential } from "./core";
import { FocusKeeper } from "./focus-keeper";
import { shared } from "./style";
import "./time-left";
import { kind, state } from "./words";

/** What a person wants done with a credential; the page does it. */
export type TableAction =
  | { type: "edit" | "duplicate" | "remove" | "reset" | "show_in_json"; credential: ShownCredential }
  | { type: "move"; credential: ShownCredential; from: number; place: number };

/**
 * Fires `action` with a {@link TableAction}. Secrets are shown one at a time, by `reveal`, and go by themselves.
 */
export class PoolTableElement extends LitElement {
  static override properties = {
    credentials: { attribute: false },
    reveal: { attribute: false },
    first: { state: true },
    shown: { state: true },
    dropAt: { state: true },
  };

  declare credentials: readonly ShownCredential[];
  /** Answers a secret of a credential. */
  declare reveal: (id: string, field: SecretField) => string;
  /** The first row that is rendered. */
  declare private first: number;
  /** The one secret that is shown. */
  declare private shown: { id: string; field: SecretField; secret: string } | null;
  /** Where the dragged row would go. */
  declare private dropAt: number | null;
  private rowHeight = 0;
  private height = 0;
  private dragged: string | null = null;
  /** The control that gets the focus once its row is rendered. */
  private wanted: { id: string; does: string } | null = null;
  private hideAt: ReturnType<typeof setTimeout> | undefined;
  private readonly sizes = new ResizeObserver(() => this.measure());

  constructor() {
    super();
    this.credentials = [];
    this.first = 0;
    this.shown = null;
    this.dropAt = null;
    new FocusKeeper(this, ({ id, index }) => {
      const handles = [...this.renderRoot.querySelectorAll<HTMLElement>(".handle")];
      return (id === undefined ? null : this.control(id, "move")) ?? handles[index] ?? handles.at(-1) ?? this.viewport;
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.hide);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sizes.disconnect();
    document.removeEventListener("visibilitychange", this.hide);
    this.hide();
  }

  override firstUpdated(): void {
    this.sizes.observe(this.viewport);
    this.sizes.observe(this.renderRoot.querySelector(".ruler")!);
    this.measure();
  }

  override willUpdate(changed: PropertyValues): void {
    if (changed.has("credentials") && this.shown !== null && !this.credentials.some(({ entry }) => entry.id === this.shown?.id)) {
      this.hide();
    }
  }

  override updated(): void {
    // The policy of the page allows no style in markup.
    this.piece(".space").style.height = `${this.credentials.length * this.rowHeight}px`;
    this.piece(".slice").style.transform = `translateY(${this.firstRendered * this.rowHeight}px)`;
    if (this.wanted === null) return;
    const { id, does } = this.wanted;
    this.reach(this.credentials.findIndex(({ entry }) => entry.id === id));
    const control = this.control(id, does) ?? this.control(id, "move");
    if (control === null) return;
    control.focus();
    this.wanted = null;
  }

  override render(): TemplateResult {
    const count = this.credentials.length;
    const first = this.firstRendered;
    const last = Math.min(count, first + this.rendered);
    return html`
      <div class="ruler line" aria-hidden="true"></div>
      <div role="table" aria-label="Credentials" aria-describedby="keys" aria-rowcount=${count + 1} aria-colcount="7">
        <div role="row" class="line head" aria-rowindex="1">
          <span role="columnheader">Place</span>
          <span role="columnheader">Label and source</span>
          <span role="columnheader">Kind</span>
          <span role="columnheader">Secret</span>
          <span role="columnheader">State</span>
          <span role="columnheader">Uses</span>
          <span role="columnheader">Actions</span>
        </div>
        <div role="rowgroup" class="viewport" tabindex="-1" aria-label=${count === 0 ? "No credentials" : nothing} @scroll=${this.onScroll} @keydown=${this.onKey} @dragover=${this.onDragOver} @drop=${this.onDrop}
          @dragleave=${() => (this.dropAt = null)}>
          <div role="none" class="space">
            <div role="none" class="slice">
              ${repeat(
                this.credentials.slice(first, last),
                ({ entry }) => entry.id,
                (credential, index) => this.row(credential, first + index),
              )}
            </div>
          </div>
        </div>
      </div>
      <p id="keys" class="help" ?hidden=${count < 2}>The arrow keys, Page Up, Page Down, Home and End go from row to row; on a place's number, arrows, Home and End move the row.</p>
    `;
  }

  private row(credential: ShownCredential, place: number): TemplateResult {
    const { entry } = credential;
    const { tone, word, why } = state(credential);
    const until = entry.state.type === "exhausted" ? entry.state.until : null;
    const act = (type: "edit" | "duplicate" | "remove" | "reset" | "show_in_json") => () => this.act({ type, credential });
    const name = entry.label || entry.id;
    const drop = this.dropAt === place ? " drop-before" : this.dropAt === place + 1 && place + 1 === this.credentials.length ? " drop-after" : "";
    return html`
      <div role="row" class="line${drop}" aria-rowindex=${place + 2} data-id=${entry.id}>
        <span role="cell" class="place">
          <span class="grip" draggable="true" aria-hidden="true" title="Drag to another place"
            @dragstart=${(event: DragEvent) => this.onDragStart(event, entry.id)}
            @dragend=${() => ((this.dragged = null), (this.dropAt = null))}>⠿</span>
          <button class="plain handle" data-does="move" title="The arrow keys move it"
            aria-label=${`Move ${name}: place ${place + 1} of ${this.credentials.length}. Arrow keys move it.`}
            @keydown=${(event: KeyboardEvent) => this.onMoveKey(event, credential, place)}>${place + 1}</button>
        </span>
        <span role="cell" class="name">
          <strong>${name}</strong>
          <small class="quiet">${entry.source}${entry.baseUrl === null ? nothing : html` · ${shownUrl(entry.baseUrl)}`}</small>
        </span>
        <span role="cell" class="kind">${kind(entry.authType)}</span>
        <span role="cell" class="secret">${this.secretCell(credential, name)}</span>
        <span role="cell" class="state">
          <span class="tag ${tone}">${word}${until === null ? nothing : html` <time-left .until=${until}></time-left>`}</span>
          ${why === "" ? nothing : html`<small class="quiet">${why}</small>`}
        </span>
        <span role="cell" class="uses">${entry.requestCount.toLocaleString()}<span class="unit"> uses</span></span>
        <span role="cell" class="actions">
          <button class="plain" data-does="edit" aria-label=${`Edit ${name}`} @click=${act("edit")}>Edit</button>
          ${tone === "good" && entry.state.type === "available"
            ? nothing
            : html`<button class="plain" data-does="reset" aria-label=${`Reset ${name}`} title="Ends its rest" @click=${act("reset")}>Reset</button>`}
          <button class="plain" data-does="duplicate" aria-label=${`Duplicate ${name}`} @click=${act("duplicate")}>Duplicate</button>
          <button class="plain" data-does="show_in_json" aria-label=${`Show ${name} in the JSON`} @click=${act("show_in_json")}>JSON</button>
          <button class="plain danger" data-does="remove" aria-label=${`Remove ${name}`} @click=${act("remove")}>Remove</button>
        </span>
      </div>
    `;
  }

  private secretCell(credential: ShownCredential, name: string): TemplateResult {
    const { entry, secrets, isBorrowed } = credential;
    const [field] = secrets;
    if (field === undefined) return html`<span class="quiet">${isBorrowed ? "held elsewhere" : "none"}</span>`;
    const isShown = this.shown?.id === entry.id;
    return html`
      <code class="value" title=${isShown ? nothing : `The secret's fingerprint is ${entry.fingerprint}`}
        >${isShown ? this.shown?.secret : `•••• ${entry.fingerprint.replace("sha256:", "").slice(0, 6)}`}</code>
      <button class="plain" data-does="show" aria-pressed=${isShown} aria-label=${isShown ? `Hide the secret of ${name}` : `Show the secret of ${name}`}
        @click=${() => (isShown ? this.hide() : this.show(entry.id, field, name))}>${isShown ? "Hide" : "Show"}</button>
      <button class="plain" data-does="copy" aria-label=${`Copy the secret of ${name}`} @click=${() => this.copy(entry.id, field, name)}>Copy</button>
    `;
  }

  private show(id: string, field: SecretField, name: string): void {
    clearTimeout(this.hideAt);
    this.shown = { id, field, secret: this.reveal(id, field) };
    this.hideAt = setTimeout(this.hide, SHOWN_FOR);
    announce(`The secret of ${name} is shown for half a minute`);
  }

  private readonly hide = (): void => {
    clearTimeout(this.hideAt);
    this.shown = null;
  };

  private async copy(id: string, field: SecretField, name: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.reveal(id, field));
      announce(`The secret of ${name} was copied`);
    } catch {
      announce("The browser does not allow copying here; show the secret and select it");
    }
  }

  private act(action: TableAction): void {
    this.dispatchEvent(new CustomEvent("action", { detail: action }));
  }

  private move(credential: ShownCredential, to: number): void {
    const { id } = credential.entry;
    if (this.credentials[to]?.entry.id === id) return;
    this.wanted = { id, does: "move" };
    this.act({ type: "move", credential, from: this.credentials.indexOf(credential), place: to });
  }

  private onMoveKey(event: KeyboardEvent, credential: ShownCredential, place: number): void {
    const to = event.key.startsWith("Page") ? undefined : this.placeFor(event, place);
    if (to === undefined) return;
    event.preventDefault();
    this.move(credential, to);
  }

  /** To the same control of another row. */
  private onKey(event: KeyboardEvent): void {
    const control = event.target as HTMLElement;
    const from = this.credentials.findIndex(({ entry }) => entry.id === control.closest<HTMLElement>("[data-id]")?.dataset["id"]);
    const to = event.defaultPrevented || from === -1 ? undefined : this.placeFor(event, from);
    const credential = to === undefined ? undefined : this.credentials[to];
    if (credential === undefined) return;
    event.preventDefault();
    this.wanted = { id: credential.entry.id, does: control.dataset["does"] ?? "move" };
    this.requestUpdate();
  }

  /** Where a key leads from a place. */
  private placeFor({ key, ctrlKey, metaKey, altKey }: KeyboardEvent, place: number): number | undefined {
    const [last, page] = [this.credentials.length - 1, Math.max(1, Math.floor(this.height / this.rowHeight))];
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, PageUp: place - page, PageDown: place + page, Home: 0, End: last }[key];
    return to === undefined || ctrlKey || metaKey || altKey ? undefined : Math.max(0, Math.min(last, to));
  }

  private onDragStart(event: DragEvent, id: string): void {
    this.dragged = id;
    // Without data nothing is dragged; what is, stays here.
    event.dataTransfer?.setData("application/x-credential-pool-row", "row");
    const row = (event.target as HTMLElement).closest(".line");
    if (row !== null) event.dataTransfer?.setDragImage(row, 12, 12);
  }

  private onDragOver(event: DragEvent): void {
    if (this.dragged === null) return;
    event.preventDefault();
    this.dropAt = this.placeAt(event);
  }

  /** Between which rows the pointer is. */
  private placeAt({ clientY }: DragEvent): number {
    const top = this.viewport.getBoundingClientRect().top;
    const at = Math.round((clientY - top + this.viewport.scrollTop) / this.rowHeight);
    return Math.max(0, Math.min(this.credentials.length, at));
  }

  private onDrop(event: DragEvent): void {
    const [from, at] = [this.credentials.findIndex(({ entry }) => entry.id === this.dragged), this.placeAt(event)];
    [this.dragged, this.dropAt] = [null, null];
    const credential = this.credentials[from];
    if (credential === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.move(credential, at > from ? at - 1 : at);
  }

  private onScroll(): void {
    if (this.rowHeight === 0) return;
    this.first = Math.max(0, Math.floor(this.viewport.scrollTop / this.rowHeight) - BEYOND);
  }

  private reach(place: number): void {
    const [top, bottom] = [place * this.rowHeight, (place + 1) * this.rowHeight];
    const { viewport } = this;
    if (top < viewport.scrollTop) viewport.scrollTop = top;
    else if (bottom > viewport.scrollTop + this.height) viewport.scrollTop = bottom - this.height;
    this.onScroll();
  }

  private measure(): void {
    this.rowHeight = this.renderRoot.querySelector<HTMLElement>(".ruler")?.offsetHeight ?? 0;
    this.height = this.viewport.clientHeight;
    this.onScroll();
    this.requestUpdate();
  }

  private control(id: string, does: string): HTMLElement | null {
    return this.renderRoot.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"] [data-does="${does}"]`);
  }

  private get viewport(): HTMLElement {
    return this.piece(".viewport");
  }

  private piece(selector: string): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>(selector)!;
  }

  private get firstRendered(): number {
    return Math.max(0, Math.min(this.first, this.credentials.length - this.rendered));
  }

  /** How many rows are in the page, beyond what is seen too. */
  private get rendered(): number {
    return this.rowHeight === 0 ? 20 : Math.ceil(this.height / this.rowHeight) + 2 * BEYOND;
  }

  static override styles = [
    shared,
    css`
      :host { min-width: 0; position: relative; container-type: inline-size; }
      .viewport {
        max-height: min(70vh, 60rem);
        overflow: auto;
        overflow-anchor: none;
      }
      .space { position: relative; }
      .line {
        height: 3.75rem;
        display: grid;
        grid-template-columns: 4.25rem minmax(8rem, 2fr) 3.5rem minmax(13.5rem, 1.2fr) minmax(9rem, 1fr) 4.5rem 22rem;
        align-items: center;
        gap: 0 0.5rem;
        padding: 0 0.5rem 0 0;
        border-bottom: 1px solid var(--line);
      }
      .line.head { height: 2.5rem; color: var(--quiet); font-size: 0.9rem; }
      .head > :first-child, .head > :last-child { padding-left: 0.4rem; }
      .head > :nth-child(6) { text-align: right; }
      .ruler { position: absolute; visibility: hidden; }
      .drop-before { box-shadow: 0 -3px 0 var(--accent); }
      .drop-after { box-shadow: 0 3px 0 var(--accent); }
      [role="cell"] { min-width: 0; overflow: hidden; text-overflow: ellipsis; }
      [role="cell"]:has(:focus-visible) { overflow: visible; }
      .name strong, .name small, .state small { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
      .secret { display: flex; align-items: center; white-space: nowrap; }
      .secret .value { overflow: hidden; text-overflow: ellipsis; user-select: all; }
      .grip { cursor: grab; padding: 0.5rem 0.3rem; color: var(--quiet); }
      .place { white-space: nowrap; }
      .uses { text-align: right; font-variant-numeric: tabular-nums; }
      .unit { display: none; }
      .actions { display: flex; white-space: nowrap; }
      time-left { display: inline; font-variant-numeric: tabular-nums; }
      .line button { min-height: 2rem; padding-block: 0.1rem; }
      @container (max-width: 72rem) {
        .line.head { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); padding: 0; border: 0; }
        .line {
          height: 8.5rem;
          grid-template: "place name state" 2.75rem "secret secret kind" 2.25rem "actions actions uses" 2.25rem / 4.5rem 1fr minmax(7rem, auto);
          align-content: center;
          gap: 0.1rem 0.5rem;
          padding: 0;
        }
        .place { grid-area: place; }
        .name { grid-area: name; }
        .state { grid-area: state; text-align: right; }
        .secret { grid-area: secret; padding-left: 0.4rem; }
        .kind { grid-area: kind; text-align: right; }
        .uses { grid-area: uses; }
        .unit { display: inline; }
        .actions { grid-area: actions; }
      }
      @container (max-width: 34rem) {
        .line {
          height: 13rem;
          grid-template: "place name" 2.75rem "state state" 1.75rem "secret secret" 2.25rem "actions actions" auto "kind uses" 1.75rem / 4.5rem 1fr;
        }
        .state { text-align: left; padding-left: 0.4rem; white-space: nowrap; }
        .state small { display: inline; margin-left: 0.4rem; }
        .kind { text-align: left; padding-left: 0.4rem; }
        .uses { text-align: left; }
        .actions { flex-wrap: wrap; }
      }
    `,
  ];
}
customElements.define("pool-table", PoolTableElement);

/** How long a secret stays shown, in ms. */
const SHOWN_FOR = 30_000;
/** Rows that are rendered above and below those that are seen. */
const BEYOND = 6;

/** A URL may hold a password, or a key behind its question mark. */
export function shownUrl(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, "//•••@").replace(/\?.*/s, "?•••");
}
