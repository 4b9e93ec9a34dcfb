/** `<try-side-result>`: results of one side: counts, timeline, share of the load, explanation, log. */

import { css, html, LitElement, nothing, svg } from "lit";
import type { Millis } from "../document/core-reader";
import type { Simulation } from "../simulation/simulation";
import { shared } from "../ui/style";
import { clock, count, onClock, shortDuration } from "./run-clock";
import { tryStyle } from "./style";
import "./timeline";

/** Results of one side. */
export class TrySideResult extends LitElement {
  static override properties = {
    name: {},
    heading: {},
    labels: { attribute: false },
    run: { attribute: false },
    startsAt: { type: Number },
    span: { type: Number },
    version: { type: Number },
  };
  declare name: string;
  declare heading: string;
  declare labels: string[];
  declare run: Simulation;
  declare startsAt: Millis;
  declare span: Millis;
  /** Changes whenever the run has advanced. */
  declare version: number;

  static override styles = [
    shared,
    tryStyle,
    css`
      .stack { display: grid; gap: 1rem; }
      .stack > * { min-width: 0; }
      h4 { margin: 0 0 0.25rem; font-size: 0.95rem; }
      dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: 0.5rem; }
      dl > div { background: var(--raised); border-radius: var(--radius); padding: 0.4rem 0.7rem; }
      dt { color: var(--muted); font-size: 0.85rem; }
      dd { font-size: 1.2rem; font-weight: 600; font-variant-numeric: tabular-nums; }
      dd small { display: block; font-size: 0.8rem; font-weight: 400; color: var(--muted); }
      .share { display: grid; grid-template-columns: minmax(4rem, 30%) 1fr max-content; gap: 0.25rem 0.75rem; align-items: center; }
      .share > span { overflow-wrap: anywhere; font-size: 0.9rem; }
      .share svg { width: 100%; height: 12px; display: block; }
      .share .track { fill: var(--sunken); }
      .share .bar { fill: var(--accent); }
      .tall { max-height: 20rem; overflow: auto; padding: 2px; }
      .why li { padding: 0.3rem 0; overflow-wrap: anywhere; font-size: 0.9rem; }
      .why li + li { border-top: 1px solid var(--line); }
      .log { font-size: 0.85rem; height: 12rem; overflow: auto; }
      .log li { display: grid; grid-template-columns: 4.2rem 1fr; gap: 0.5rem; padding: 0.15rem 0; overflow-wrap: anywhere; }
      .log time { color: var(--muted); font-variant-numeric: tabular-nums; }
      .sign { font-weight: 700; }
    `,
  ];

  override render() {
    return html`
      <section class="card stack" aria-label=${`Results of side ${this.name}`}>
        <h3>${this.heading}</h3>
        ${this.#counts()}
        <div>
          <h4>Timeline</h4>
          <try-timeline
            .name=${this.name} .labels=${this.labels} .recording=${this.run.recording} .startsAt=${this.startsAt}
            .now=${this.run.now} .span=${this.span} .version=${this.version}
          ></try-timeline>
        </div>
        ${this.#share()} ${this.#why()} ${this.#log()}
      </section>
    `;
  }

  #counts() {
    const { counts } = this.run.recording;
    const failed = counts.exhausted + counts.givenUp;
    const mean = counts.waited === 0 ? "" : `${shortDuration(counts.waitedMs / counts.waited)} on average, ${shortDuration(counts.longestWaitMs)} at most`;
    return html`
      <dl>
        <div><dt>Served</dt><dd>${count(counts.served)}<small>of ${count(counts.arrived)}</small></dd></div>
        <div><dt>Failed</dt><dd>${count(failed)}<small>${percent(failed, counts.arrived)}</small></dd></div>
        <div><dt>Served after a wait</dt><dd>${count(counts.waited)}<small>${mean}</small></dd></div>
      </dl>
    `;
  }

  #share() {
    const { lanes, counts } = this.run.recording;
    const answered = lanes.reduce((sum, { served }) => sum + served, 0);
    const shares = this.labels.map((label, number) => {
      const served = lanes[number]?.served ?? 0;
      return { label, served, errors: lanes[number]?.errors ?? 0, part: answered === 0 ? 0 : served / answered };
    });
    const summary = shares.map(({ label, served, part }) => `${label} ${Math.round(part * 100)} %, ${served}`).join("; ");
    return html`
      <div>
        <h4>Share of the load</h4>
        <div class="tall share" tabindex="0" role="img" aria-label=${`Share of the load on side ${this.name}: ${summary}`}>
          ${shares.map(({ label, served, part }) => html`
            <span>${label}</span>
            <svg viewBox="0 0 100 12" preserveAspectRatio="none">
              ${svg`<rect class="track" width="100" height="12"></rect><rect class="bar" width=${part * 100} height="12"></rect>`}
            </svg>
            <span class="number">${Math.round(part * 100)} % · ${count(served)}</span>`)}
        </div>
        <details>
          <summary>As a table</summary>
          <div class="scroll" tabindex="0" role="region" aria-label=${`Share of the load on side ${this.name}, as a table`}>
            <table>
              <thead><tr><th>Credential</th><th class="number">Served</th><th class="number">Share</th><th class="number">Errors</th></tr></thead>
              <tbody>
                ${shares.map(({ label, served, errors }) => html`
                  <tr>
                    <td>${label}</td><td class="number">${count(served)}</td>
                    <td class="number">${percent(served, counts.served)}</td><td class="number">${count(errors)}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>
        </details>
      </div>
    `;
  }

  #why() {
    const { request } = this.run.nextArrival;
    const next = request.affinity ? `${request.model}, ${request.affinity}` : request.model;
    const { choice } = this.run.recording;
    return html`
      <div>
        <h4>If the next request (${next}) came now</h4>
        <ul class="tall why" tabindex="0" aria-label=${`Explanation, side ${this.name}`}>
          ${this.run.explain().map(({ text }, number) => html`
            <li><strong>${this.labels[number]}</strong> ${this.#onClock(text)}</li>`)}
        </ul>
        ${choice === null ? nothing : html`
          <p class="help">
            Last choice, ${clock(choice.at, this.startsAt)}: ${this.#label(choice.lane)} ${this.#onClock(choice.text)}
          </p>`}
      </div>
    `;
  }

  #log() {
    const lines = this.run.recording.lines.slice(-40).reverse();
    return html`
      <div>
        <h4>Log, latest first</h4>
        ${lines.length === 0 ? html`<p class="log muted">All requests were served so far.</p>` : html`
          <ol class="log" tabindex="0" aria-label=${`Log of side ${this.name}`}>
            ${lines.map(({ at, lane, text, isBad }) => html`
              <li>
                <time>${clock(at, this.startsAt)}</time>
                <span>
                  <span class="sign" aria-hidden="true">${isBad ? "▲" : "·"}</span>
                  ${lane === null ? nothing : html`<strong>${this.#label(lane)}</strong>`} ${this.#onClock(text)}
                </span>
              </li>`)}
          </ol>`}
      </div>
    `;
  }

  #label(lane: number | null): string {
    return lane === null ? "" : (this.labels[lane] ?? "");
  }

  #onClock(text: string): string {
    return onClock(text, this.startsAt);
  }
}
customElements.define("try-side-result", TrySideResult);

function percent(part: number, whole: number): string {
  return whole === 0 ? "" : `${Math.round((part / whole) * 1000) / 10} %`;
}
