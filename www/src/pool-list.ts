/** `<pool-list>`: all pools, and how they are doing. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { PoolSummary } from "./core";
import { shared } from "./style";
import "./time-left";

/** Fires `choose` with the key of a pool, and `add` if a new one is wanted. */
class PoolListElement extends LitElement {
  static override properties = { pools: { attribute: false }, chosen: {} };
  declare pools: readonly PoolSummary[];
  declare chosen: string | null;

  override render(): TemplateResult {
    return html`
      <h2 id="title">Pools</h2>
      <ul aria-labelledby="title">
        ${this.pools.map((pool) => html`<li>${this.button(pool)}</li>`)}
      </ul>
      <button @click=${() => this.dispatchEvent(new Event("add"))}>Add a credential…</button>
    `;
  }

  private button({ key, health, nextAt }: PoolSummary): TemplateResult {
    const choose = () => this.dispatchEvent(new CustomEvent("choose", { detail: key }));
    return html`
      <button class="pool" aria-current=${this.chosen === key ? "true" : nothing} @click=${choose}>
        <strong>${key}</strong>
        ${health === null
          ? html`<span class="tag bad">not read</span>`
          : html`<span class="counts">
              ${tag("good", health.available, "available")}${tag("wait", health.resting, "cooling_down")}${tag("bad", health.lost, "lost")}
              ${tag("bad", health.setAside, "unreadable")}
              ${health.available + health.resting + health.lost + health.setAside === 0 ? html`<span class="tag">empty</span>` : nothing}
            </span>`}
        ${health?.available === 0 && nextAt !== null
          ? html`<small class="quiet">back in <time-left .until=${nextAt}></time-left></small>`
          : nothing}
      </button>
    `;
  }

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: 0.5rem; align-content: start; }
      ul { display: grid; gap: 0.35rem; max-height: min(70vh, 60rem); overflow: auto; padding: 4px; margin: -4px; }
      .pool { width: 100%; text-align: left; display: grid; gap: 0.2rem; background: var(--ground); border-color: var(--line); }
      .pool strong { overflow-wrap: anywhere; }
      .pool[aria-current] { border-color: var(--accent); box-shadow: inset 4px 0 0 var(--accent); }
      .counts { display: flex; flex-wrap: wrap; gap: 0.25rem; }
      time-left { display: inline; }
      @media (max-width: 50rem) {
        ul { display: flex; max-height: none; }
        li { flex: 0 0 auto; max-width: 16rem; }
      }
    `,
  ];
}
customElements.define("pool-list", PoolListElement);

function tag(tone: string, count: number, word: string): TemplateResult | typeof nothing {
  return count === 0 ? nothing : html`<span class="tag ${tone}">${count} ${word}</span>`;
}
