/** `<pool-list>`: all pools, each with the number of its credentials by state. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { PoolSummary } from "../document/core-reader";
import { shared } from "../ui/style";
import "../ui/time-left";

/** Fires `choose` with the key of a pool, and `add` when a credential of any pool is to be added. */
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
              ${tag("good", health.available, "available")}${tag("wait", health.coolingDown, "cooling down")}${tag("bad", health.unavailable, "unavailable")}
              ${tag("bad", health.setAside, "unreadable")}
              ${health.available + health.coolingDown + health.unavailable + health.setAside === 0 ? html`<span class="tag">empty</span>` : nothing}
            </span>`}
        ${health?.available === 0 && nextAt !== null
          ? html`<small class="muted">available in <time-left .until=${nextAt}></time-left></small>`
          : nothing}
      </button>
    `;
  }

  static override styles = [
    shared,
    css`
      :host { display: grid; gap: 0.5rem; align-content: start; }
      ul { display: grid; gap: 0.35rem; max-height: min(70vh, 60rem); overflow: auto; padding: 4px; margin: -4px; }
      .pool { width: 100%; text-align: left; display: grid; gap: 0.2rem; background: var(--background); border-color: var(--line); }
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

function tag(tone: string, count: number, label: string): TemplateResult | typeof nothing {
  return count === 0 ? nothing : html`<span class="tag ${tone}">${count} ${label}</span>`;
}
