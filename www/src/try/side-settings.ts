/** `<try-side-settings>`: strategy and policy of one side. */

import type { ResolvedPolicy } from "credential-pool/types";
import { css, html, LitElement, nothing } from "lit";
import { live } from "lit/directives/live.js";
import type { Policy, Strategy } from "../document/core-reader";
import { PRESETS, STRATEGIES } from "../ui/descriptions";
import { shared } from "../ui/style";
import { countDifferences, POLICY_FIELDS, type PolicyField, valueOf, withValue } from "./policy-fields";
import { tryStyle } from "./style";

/** Settings of one side. */
export interface SideSettings {
  strategy: Strategy;
  policy: Policy;
}

/** Fires `change-side` with changed settings, and `adopt` with settings to use in the document. */
export class TrySideSettings extends LitElement {
  static override properties = {
    name: {},
    settings: { attribute: false },
    read: { attribute: false },
  };
  declare name: string;
  declare settings: SideSettings;
  /** Returns a policy with all fields: missing fields have the values of the preset. */
  declare read: (policy: Policy) => ResolvedPolicy;

  static override styles = [
    shared,
    tryStyle,
    css`
      .stack { display: grid; gap: var(--gap); }
      .head { display: flex; flex-wrap: wrap; gap: 0.5rem; justify-content: space-between; align-items: center; }
    `,
  ];

  override render() {
    const { strategy, policy } = this.settings;
    const preset = policy.preset ?? "adaptive";
    const differing = countDifferences(policy);
    return html`
      <section class="card stack" aria-label=${`Settings of side ${this.name}`}>
        <div class="head">
          <h3>Side ${this.name}</h3>
          <button @click=${this.#adopt}>Use this in the document<span class="visually-hidden">, side ${this.name}</span></button>
        </div>
        <div>
          <label for="strategy">Strategy</label>
          <select id="strategy" aria-describedby="strategy-help" @change=${this.#strategy}>
            ${Object.keys(STRATEGIES).map((name) => html`
              <option value=${name} .selected=${live(name === strategy)}>${name}</option>`)}
          </select>
          <p class="help" id="strategy-help">${STRATEGIES[strategy]}</p>
        </div>
        <div>
          <label for="preset">Policy</label>
          <select id="preset" aria-describedby="preset-help" @change=${this.#preset}>
            ${Object.keys(PRESETS).map((name) => html`
              <option value=${name} .selected=${live(name === preset)}>${name}</option>`)}
          </select>
          <p class="help" id="preset-help">${PRESETS[preset]}</p>
        </div>
        <details>
          <summary>
            Details of the policy
            ${differing === 0 ? nothing : html`<span class="tag">${differing} differ from ${preset}</span>`}
          </summary>
          ${this.#details(policy, preset, differing)}
        </details>
      </section>
    `;
  }

  #details(policy: Policy, preset: keyof typeof PRESETS, differing: number) {
    const resolved = this.read(policy);
    const checks = POLICY_FIELDS.filter(({ unit }) => unit === null);
    const numbers = POLICY_FIELDS.filter(({ unit }) => unit !== null);
    return html`
      <div class="stack">
        <div class="fields">${numbers.map((field) => this.#number(field, resolved))}</div>
        ${checks.map((field) => this.#check(field, resolved))}
        <div>
          <button aria-disabled=${differing === 0} @click=${() => this.#change({ policy: { preset } })}>
            Reset to ${preset}
          </button>
        </div>
      </div>
    `;
  }

  #number(field: PolicyField, resolved: ResolvedPolicy) {
    const id = field.path.join(".");
    const value = valueOf(resolved, field);
    const changed = ({ target }: Event): void => {
      const input = target as HTMLInputElement;
      const isEmpty = input.value === "";
      if (!input.validity.valid || (isEmpty && field.empty === undefined)) this.requestUpdate();
      else this.#set(field, isEmpty ? null : input.valueAsNumber);
    };
    return html`
      <div>
        <label for=${id}>${field.label}</label>
        <input
          id=${id} type="number" min=${field.unit === 1 ? 1 : 0} max="1000000" step=${field.unit === 1 ? 1 : "any"}
          placeholder=${field.empty ?? nothing} .value=${live(String(value ?? ""))} @change=${changed}
        />
      </div>
    `;
  }

  #check(field: PolicyField, resolved: ResolvedPolicy) {
    const id = field.path.join(".");
    const changed = ({ target }: Event): void => this.#set(field, (target as HTMLInputElement).checked);
    return html`
      <div class="check">
        <input id=${id} type="checkbox" .checked=${live(valueOf(resolved, field) === true)} @change=${changed} />
        <label for=${id}>${field.label}</label>
      </div>
    `;
  }

  #set(field: PolicyField, value: number | boolean | null): void {
    const { policy } = this.settings;
    const preset = this.read({ preset: policy.preset ?? "adaptive" });
    this.#change({ policy: withValue(policy, preset, field, value) });
  }

  #strategy({ target }: Event): void {
    this.#change({ strategy: (target as HTMLSelectElement).value as Strategy });
  }

  #preset({ target }: Event): void {
    const preset = (target as HTMLSelectElement).value as keyof typeof PRESETS;
    this.#change({ policy: { ...this.settings.policy, preset } });
  }

  #change(change: Partial<SideSettings>): void {
    this.dispatchEvent(new CustomEvent<SideSettings>("change-side", { detail: { ...this.settings, ...change } }));
  }

  #adopt(): void {
    this.dispatchEvent(
      new CustomEvent<SideSettings>("adopt", { detail: this.settings, bubbles: true, composed: true }),
    );
  }
}
customElements.define("try-side-settings", TrySideSettings);
