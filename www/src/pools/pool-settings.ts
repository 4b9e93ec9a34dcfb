/** `<pool-settings>`: strategy and policy of a pool. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import type { CoreError, Policy, PoolEdit, Strategy } from "../document/core-reader";
import { shared } from "../ui/style";
import { PRESETS, STRATEGIES } from "../ui/descriptions";

/** Fires `edit` with a {@link PoolEdit}. */
class PoolSettings extends LitElement {
  static override properties = { strategy: {}, policy: { attribute: false }, validate: { attribute: false }, typed: { state: true }, fault: { state: true } };
  declare strategy: Strategy;
  declare policy: Policy;
  declare validate: (edit: PoolEdit) => CoreError | null;
  /** Differences from the preset as typed; null while nothing is typed. */
  declare private typed: string | null;
  declare private fault: string | null;

  constructor() {
    super();
    [this.typed, this.fault] = [null, null];
  }

  override render(): TemplateResult {
    const { preset = "adaptive", ...differences } = this.policy;
    const text = this.typed ?? (Object.keys(differences).length === 0 ? "" : JSON.stringify(differences, null, 2));
    return html`
      <div class="field">
        <label for="strategy">Strategy</label>
        <select id="strategy" .value=${live(this.strategy)} aria-describedby="strategy-help" @change=${this.onStrategy}>
          ${Object.keys(STRATEGIES).map((name) => html`<option value=${name} ?selected=${name === this.strategy}>${name}</option>`)}
        </select>
        <p id="strategy-help" class="help">${STRATEGIES[this.strategy]}</p>
      </div>
      <div class="field">
        <label for="preset">Policy</label>
        <select id="preset" .value=${live(preset)} aria-describedby="preset-help" @change=${this.onPreset}>
          ${Object.keys(PRESETS).map((name) => html`<option value=${name} ?selected=${name === preset}>${name}</option>`)}
        </select>
        <p id="preset-help" class="help">${PRESETS[preset]}</p>
      </div>
      <details class="field" ?open=${text !== "" || nothing}>
        <summary>Differences from the preset</summary>
        <label for="differences">Differences, as JSON</label>
        <textarea id="differences" class="mono" rows="5" spellcheck="false" .value=${live(text)} aria-describedby="differences-help"
          aria-invalid=${this.fault !== null} placeholder='{ "failures": { "quota": { "cooldown_ms": 600000 } } }'
          @input=${this.onTyped} @change=${this.onDifferences} @keydown=${this.onKey}></textarea>
        <p id="differences-help" aria-live="polite" class=${this.fault === null ? "help" : "fault"}>
          ${this.fault ?? "Times are in milliseconds. The tab “Try it” shows the effect before you save."}
        </p>
      </details>
    `;
  }

  private onStrategy(event: Event): void {
    this.fire({ type: "strategy", name: (event.target as HTMLSelectElement).value as Strategy });
  }

  private onPreset(event: Event): void {
    const preset = (event.target as HTMLSelectElement).value as keyof typeof PRESETS;
    this.fire({ type: "policy", policy: { ...this.policy, preset } });
  }

  private onTyped(event: Event): void {
    this.typed = (event.target as HTMLTextAreaElement).value;
    const edit = this.policyOf(this.typed);
    const refused = typeof edit === "string" ? null : this.validate(edit);
    this.fault = typeof edit === "string" ? edit : refused === null ? null : messageOf(refused);
  }

  private onDifferences(): void {
    if (this.typed === null || this.fault !== null) return;
    const edit = this.policyOf(this.typed);
    if (typeof edit === "string") return;
    this.typed = null;
    this.fire(edit);
  }

  /** Takes in the typed text before the page handles Ctrl+S, so that it is saved too. */
  private onKey(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") this.onDifferences();
  }

  /** Returns the edit, or why the text is not a policy. */
  private policyOf(text: string): PoolEdit | string {
    const { preset = "adaptive" } = this.policy;
    try {
      const differences: unknown = text.trim() === "" ? {} : JSON.parse(text);
      const isObject = typeof differences === "object" && differences !== null && !Array.isArray(differences);
      return isObject ? { type: "policy", policy: { ...(differences as Policy), preset } } : "this must be an object: {…}";
    } catch {
      return "this is not JSON yet";
    }
  }

  private fire(edit: PoolEdit): void {
    this.dispatchEvent(new CustomEvent("edit", { detail: edit }));
  }

  static override styles = [
    shared,
    css`
      :host { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: 0.75rem 1.5rem; align-items: start; }
      summary { cursor: pointer; font-weight: 600; padding: 0.2rem 0; }
    `,
  ];
}
customElements.define("pool-settings", PoolSettings);

function messageOf({ message, pointer }: CoreError): string {
  return pointer === undefined || pointer === "" ? message : `${pointer}: ${message}`;
}
