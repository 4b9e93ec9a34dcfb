/** `<pool-table>`: the credentials of a pool. A virtual list: rows have equal height, and only those near the viewport are rendered. */

import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { announce } from "../ui/announcer";
import type { SecretField, ShownCredential } from "../document/core-reader";
import { FocusKeeper } from "../ui/focus-keeper";
import { shared } from "../ui/style";
import "../ui/time-left";
import { describeState, secretKind } from "../ui/descriptions";

/** An action on a credential that a person asked for. The page carries it out. */
export type TableAction =
  | { type: "edit" | "duplicate" | "remove" | "reset" | "show_in_json"; credential: ShownCredential }
  | { type: "move"; credential: ShownCredential; from: number; place: number };

/**
 * Fires `action` with a {@link TableAction}. At most one secret is shown, read by `reveal`, and hidden after {@link SHOWN_MS}.
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
  /** Returns a secret of a credential. */
  declare reveal: (id: string, field: SecretField) => string;
  /** Index of the first rendered row. */
  declare private first: number;
  /** The secret that is shown; null if none is. */
  declare private shown: { id: string; field: SecretField; secret: string } | null;
  /** Gap between rows that the dragged row would be dropped into; null while no row is dragged. */
  declare private dropAt: number | null;
  private rowHeight = 0;
  private height = 0;
  private dragged: string | null = null;
  /** Control that gets the focus once its row is rendered; null if none is pending. */
  private pendingFocus: { id: string; does: string } | null = null;
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
    // The Content-Security-Policy of the page forbids style attributes in markup; styles set by script are allowed.
    this.element(".space").style.height = `${this.credentials.length * this.rowHeight}px`;
    this.element(".slice").style.transform = `translateY(${this.firstRendered * this.rowHeight}px)`;
    if (this.pendingFocus === null) return;
    const { id, does } = this.pendingFocus;
    this.scrollToPlace(this.credentials.findIndex(({ entry }) => entry.id === id));
    const control = this.control(id, does) ?? this.control(id, "move");
    if (control === null) return;
    control.focus();
    this.pendingFocus = null;
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
      <p id="keys" class="help" ?hidden=${count < 2}>The arrow keys, Page Up, Page Down, Home and End go from row to row. On the number of a place, the arrow keys, Home and End move the row.</p>
    `;
  }

  private row(credential: ShownCredential, place: number): TemplateResult {
    const { entry } = credential;
    const { tone, label, reason, until } = describeState(credential);
    const act = (type: "edit" | "duplicate" | "remove" | "reset" | "show_in_json") => () => this.act({ type, credential });
    const name = entry.label || entry.id;
    const drop = this.dropAt === place ? " drop-before" : this.dropAt === place + 1 && place + 1 === this.credentials.length ? " drop-after" : "";
    return html`
      <div role="row" class="line${drop}" aria-rowindex=${place + 2} data-id=${entry.id}>
        <span role="cell" class="place">
          <span class="grip" draggable="true" aria-hidden="true" title="Drag to another place"
            @dragstart=${(event: DragEvent) => this.onDragStart(event, entry.id)}
            @dragend=${() => ((this.dragged = null), (this.dropAt = null))}>⠿</span>
          <button class="plain handle" data-does="move" title="Arrow keys move the row"
            aria-label=${`Move ${name}: place ${place + 1} of ${this.credentials.length}. Arrow keys move it.`}
            @keydown=${(event: KeyboardEvent) => this.onMoveKey(event, credential, place)}>${place + 1}</button>
        </span>
        <span role="cell" class="name">
          <strong>${name}</strong>
          <small class="muted">${entry.source}${entry.baseUrl === null ? nothing : html` · ${maskedUrl(entry.baseUrl)}`}</small>
        </span>
        <span role="cell" class="kind">${secretKind(entry.authType)}</span>
        <span role="cell" class="secret">${this.secretCell(credential, name)}</span>
        <span role="cell" class="state">
          <span class="tag ${tone}">${label}${until === null ? nothing : html`, <time-left .until=${until}></time-left>`}</span>
          ${reason === "" ? nothing : html`<small class="muted">${reason}</small>`}
        </span>
        <span role="cell" class="uses">${entry.requestCount.toLocaleString()}<span class="unit"> uses</span></span>
        <span role="cell" class="actions">
          <button class="plain" data-does="edit" aria-label=${`Edit ${name}`} @click=${act("edit")}>Edit</button>
          ${entry.state.type === "available"
            ? nothing
            : html`<button class="plain" data-does="reset" aria-label=${`Reset ${name}`} title="Makes it available again" @click=${act("reset")}>Reset</button>`}
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
    if (field === undefined) return html`<span class="muted">${isBorrowed ? "held elsewhere" : "none"}</span>`;
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
    this.hideAt = setTimeout(this.hide, SHOWN_MS);
    announce(`The secret of ${name} is shown for 30 seconds`);
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
      announce("The browser does not allow copying here; show the secret and copy it by hand");
    }
  }

  private act(action: TableAction): void {
    this.dispatchEvent(new CustomEvent("action", { detail: action }));
  }

  private move(credential: ShownCredential, to: number): void {
    const { id } = credential.entry;
    if (this.credentials[to]?.entry.id === id) return;
    this.pendingFocus = { id, does: "move" };
    this.act({ type: "move", credential, from: this.credentials.indexOf(credential), place: to });
  }

  private onMoveKey(event: KeyboardEvent, credential: ShownCredential, place: number): void {
    const to = event.key.startsWith("Page") ? undefined : this.placeFor(event, place);
    if (to === undefined) return;
    event.preventDefault();
    this.move(credential, to);
  }

  /** Moves the focus to the same control of another row. */
  private onKey(event: KeyboardEvent): void {
    const control = event.target as HTMLElement;
    const from = this.credentials.findIndex(({ entry }) => entry.id === control.closest<HTMLElement>("[data-id]")?.dataset["id"]);
    const to = event.defaultPrevented || from === -1 ? undefined : this.placeFor(event, from);
    const credential = to === undefined ? undefined : this.credentials[to];
    if (credential === undefined) return;
    event.preventDefault();
    this.pendingFocus = { id: credential.entry.id, does: control.dataset["does"] ?? "move" };
    this.requestUpdate();
  }

  /** Returns the place that a key leads to; undefined if the key is not for navigation. */
  private placeFor({ key, ctrlKey, metaKey, altKey }: KeyboardEvent, place: number): number | undefined {
    const [last, page] = [this.credentials.length - 1, Math.max(1, Math.floor(this.height / this.rowHeight))];
    const to = { ArrowUp: place - 1, ArrowDown: place + 1, PageUp: place - page, PageDown: place + page, Home: 0, End: last }[key];
    return to === undefined || ctrlKey || metaKey || altKey ? undefined : Math.max(0, Math.min(last, to));
  }

  private onDragStart(event: DragEvent, id: string): void {
    this.dragged = id;
    // Browsers start no drag without data. The custom type keeps other drop targets from accepting it.
    event.dataTransfer?.setData("application/x-credential-pool-row", "row");
    const row = (event.target as HTMLElement).closest(".line");
    if (row !== null) event.dataTransfer?.setDragImage(row, 12, 12);
  }

  private onDragOver(event: DragEvent): void {
    if (this.dragged === null) return;
    event.preventDefault();
    this.dropAt = this.placeAt(event);
  }

  /** Returns the gap between rows that is nearest to the pointer. */
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
    this.first = Math.max(0, Math.floor(this.viewport.scrollTop / this.rowHeight) - OVERSCAN);
  }

  /** Scrolls until a place is visible. */
  private scrollToPlace(place: number): void {
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
    return this.element(".viewport");
  }

  private element(selector: string): HTMLElement {
    return this.renderRoot.querySelector<HTMLElement>(selector)!;
  }

  private get firstRendered(): number {
    return Math.max(0, Math.min(this.first, this.credentials.length - this.rendered));
  }

  /** Number of rendered rows: the visible rows and {@link OVERSCAN} on both sides. */
  private get rendered(): number {
    return this.rowHeight === 0 ? 20 : Math.ceil(this.height / this.rowHeight) + 2 * OVERSCAN;
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
      .line.head { height: 2.5rem; color: var(--muted); font-size: 0.9rem; }
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
      .grip { cursor: grab; padding: 0.5rem 0.3rem; color: var(--muted); }
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

/** Time for which a secret stays shown, in ms. */
const SHOWN_MS = 30_000;
/** Number of rows that are rendered above and below the visible rows. */
const OVERSCAN = 6;

/** Returns a URL with password and query masked: both may hold a secret. */
function maskedUrl(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, "//•••@").replace(/\?.*/s, "?•••");
}
