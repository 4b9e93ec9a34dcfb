/** A lane for each credential: what it served, and when it rested and why. */

import { css, html, LitElement, nothing, svg } from "lit";
import type { Millis } from "../core";
import type { Recording, Rest } from "../simulation/record";
import { shared } from "../style";
import { tryStyle } from "./style";
import { clock, count, length, onClock } from "./words";

const LANE = 50;
const TRACK = 20;
const TRACK_TOP = 20;
const AXIS = 22;
const MOST_LANES = 12;

export class TryTimeline extends LitElement {
  static override properties = {
    name: {},
    labels: { attribute: false },
    recording: { attribute: false },
    startsAt: { type: Number },
    now: { type: Number },
    span: { type: Number },
    version: { type: Number },
    width: { state: true },
  };
  declare name: string;
  declare labels: string[];
  declare recording: Recording;
  declare startsAt: Millis;
  declare now: Millis;
  /** How much time is shown. */
  declare span: Millis;
  /** Another one, and the recording has changed. */
  declare version: number;
  declare width: number;
  readonly #sizes = new ResizeObserver(([entry]) => {
    if (entry) this.width = Math.max(200, Math.floor(entry.contentRect.width));
  });

  static override styles = [
    shared,
    tryStyle,
    css`
      .frame { max-height: ${MOST_LANES * LANE + AXIS + 8}px; overflow: hidden auto; }
      svg { display: block; width: 100%; height: auto; }
      text { fill: var(--text); font-size: 13px; }
      .state, .tick { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
      .track { fill: var(--sunken); }
      .grid { stroke: var(--line); stroke-width: 1; }
      .served { fill: var(--accent); }
      .refused { fill: none; stroke: var(--bad); stroke-width: 1.5; }
      .ground-rest { fill: var(--wait-ground); }
      .ground-dead { fill: var(--bad-ground); }
      .line-rest { stroke: var(--wait); stroke-width: 2; }
      .line-dead { stroke: var(--bad); stroke-width: 1.5; fill: none; }
      .dot-model { fill: var(--wait); }
      .edge-rest { stroke: var(--wait); fill: none; }
      .edge-dead { stroke: var(--bad); fill: none; }
      .legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; font-size: 0.85rem; margin: 0.4rem 0; }
      .legend span { display: inline-flex; gap: 0.4rem; align-items: center; }
      .legend svg { width: 22px; height: 14px; flex: none; }
    `,
  ];

  constructor() {
    super();
    this.width = 600;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#sizes.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sizes.disconnect();
  }

  override render() {
    const height = this.labels.length * LANE + AXIS;
    const resting = this.labels.filter((_, lane) => this.#open(lane) !== undefined).length;
    const summary =
      `Timeline of side ${this.name} up to ${clock(this.now, this.startsAt)}: ${this.labels.length} credentials, ` +
      `${resting} of them rest now. The table below says more.`;
    const scrolls = this.labels.length > MOST_LANES;
    return html`
      ${this.#legend()}
      <div
        class="frame" tabindex=${scrolls ? 0 : nothing} role=${scrolls ? "region" : nothing}
        aria-label=${scrolls ? `Lanes of side ${this.name}` : nothing}
      >
        <svg viewBox="0 0 ${this.width} ${height}" role="img" aria-label=${summary}>
          ${patterns()} ${this.#grid(height)} ${this.#lanes()}
        </svg>
      </div>
      <details>
        <summary>CoolingDown as a table</summary>
        ${this.#table()}
      </details>
    `;
  }

  #lanes() {
    const marks = this.#marks();
    return this.labels.map((label, lane) => {
      const top = lane * LANE + TRACK_TOP;
      const rests = (this.recording.lanes[lane]?.rests ?? []).filter(({ until }) => until > this.#from);
      return svg`
        <text x="0" y=${top - 5}>${cut(label, this.width / 2 / 7.5)}</text>
        <text class="state" x=${this.width} y=${top - 5} text-anchor="end">${this.#state(lane)}</text>
        <rect class="track" x="0" y=${top} width=${this.width} height=${TRACK} rx="3"></rect>
        ${rests.map((rest) => this.#rest(rest, top))}
        <path class="served" d=${marks[lane]?.served ?? ""}></path>
        <path class="refused" d=${marks[lane]?.refused ?? ""}></path>
      `;
    });
  }

  #rest(rest: Rest, top: number) {
    const from = this.#x(rest.from);
    const width = Math.max(2, this.#x(Math.min(rest.until, this.now)) - from);
    const kind = kindOf(rest);
    const height = kind === "model" ? TRACK / 2 : TRACK;
    return svg`
      <g>
        <title>${onClock(rest.text, this.startsAt)}</title>
        <rect class=${kind === "dead" ? "ground-dead" : "ground-rest"} x=${from} y=${top} width=${width} height=${height}></rect>
        <rect
          class=${kind === "dead" ? "edge-dead" : "edge-rest"} fill=${`url(#${kind})`}
          x=${from} y=${top} width=${width} height=${height}></rect>
        <rect fill=${`url(#${kind})`} x=${from} y=${top} width=${width} height=${height}></rect>
      </g>
    `;
  }

  /** In columns, so that hours of requests are as quick to draw as minutes. */
  #marks(): { served: string; refused: string }[] {
    const columns = Math.floor(this.width / 3);
    const perColumn = this.span / columns;
    const lanes = this.labels.map(() => ({ served: new Uint16Array(columns + 1), refused: new Uint8Array(columns + 1) }));
    let most = 1;
    for (const { at, lane, isServed } of this.recording.marksSince(this.#from)) {
      const marks = lanes[lane];
      const column = Math.floor((at - this.#from) / perColumn);
      if (!marks || column > columns) continue;
      if (!isServed) marks.refused[column] = 1;
      else most = Math.max(most, (marks.served[column] = (marks.served[column] ?? 0) + 1));
    }
    return lanes.map(({ served, refused }, lane) => {
      const bottom = lane * LANE + TRACK_TOP + TRACK;
      const bar = (number: number, column: number): string => {
        if (number === 0) return "";
        const height = Math.round(6 + ((TRACK - 8) * number) / most);
        return `M${column * 3} ${bottom}v${-height}h2v${height}z`;
      };
      const cross = (is: number, column: number): string =>
        is === 0 ? "" : `M${column * 3 - 1} ${bottom - TRACK + 1}l5 5m0 -5l-5 5`;
      return { served: Array.from(served, bar).join(""), refused: Array.from(refused, cross).join("") };
    });
  }

  #grid(height: number) {
    const step = STEPS.find((candidate) => this.span / candidate <= this.width / 80) ?? 86_400_000;
    const ticks: Millis[] = [];
    const first = Math.ceil((this.#from - this.startsAt) / step) * step + this.startsAt;
    for (let at = first; at <= this.#from + this.span; at += step) ticks.push(at);
    return ticks.map((at) => {
      const x = this.#x(at);
      const anchor = x < 25 ? "start" : x > this.width - 25 ? "end" : "middle";
      return svg`
        <line class="grid" x1=${x} x2=${x} y1=${TRACK_TOP} y2=${height - AXIS + 4}></line>
        <text class="tick" x=${x} y=${height - 4} text-anchor=${anchor}>${clock(at, this.startsAt)}</text>
      `;
    });
  }

  #table() {
    const rests = this.labels.flatMap((label, lane) =>
      (this.recording.lanes[lane]?.rests ?? []).slice(-5).map((rest) => ({ label, rest })));
    if (rests.length === 0) return html`<p class="quiet">None rested so far.</p>`;
    return html`
      <div class="scroll" tabindex="0" role="region" aria-label=${`CoolingDown of side ${this.name}`}>
        <table>
          <thead><tr><th>Credential</th><th>From</th><th>To</th><th>Why</th></tr></thead>
          <tbody>
            ${rests.map(({ label, rest }) => html`
              <tr>
                <td>${label}</td>
                <td>${clock(rest.from, this.startsAt)}</td>
                <td>${rest.until === Infinity ? "for good" : clock(rest.until, this.startsAt)}</td>
                <td>${onClock(rest.text, this.startsAt)}</td>
              </tr>`)}
          </tbody>
        </table>
      </div>
      <p class="help">The last five of each credential.</p>
    `;
  }

  #legend() {
    const sign = (label: string, drawing: unknown) => html`
      <span><svg viewBox="0 0 22 14" aria-hidden="true">${patterns()}${drawing}</svg>${label}</span>`;
    const box = (kind: string, tone: string, height = 13) => svg`
      <rect class="ground-${tone}" x=".5" y=".5" width="21" height=${height}></rect>
      <rect fill="url(#${kind})" x=".5" y=".5" width="21" height=${height}></rect>
      <rect class="edge-${tone}" x=".5" y=".5" width="21" height=${height}></rect>`;
    return html`
      <div class="legend">
        ${sign("served", svg`<path class="served" d="M2 14v-10h3v10zM8 14v-6h3v6zM14 14v-12h3v12z"></path>`)}
        ${sign("refused", svg`<path class="refused" d="M7 3l8 8m0 -8l-8 8"></path>`)}
        ${sign("cooling_down", box("cool_down", "cool_down"))} ${sign("rests for one model", box("model", "cool_down", 8))}
        ${sign("lost", box("dead", "dead"))}
      </div>
    `;
  }

  get #from(): Millis {
    return Math.max(this.startsAt, this.now - this.span);
  }

  #x(at: Millis): number {
    return Math.round(Math.max(0, ((at - this.#from) / this.span) * this.width) * 10) / 10;
  }

  #open(lane: number): Rest | undefined {
    return this.recording.lanes[lane]?.rests.findLast(({ until }) => until > this.now);
  }

  #state(lane: number): string {
    const open = this.#open(lane);
    if (!open) return `${count(this.recording.lanes[lane]?.underWay ?? 0)} under way`;
    const why = open.cause.kind?.replaceAll("_", " ") ?? "failed";
    if (open.until === Infinity) return `lost: ${why}`;
    return `rests ${length(open.until - this.now)} more: ${open.model ?? why}`;
  }
}
customElements.define("try-timeline", TryTimeline);

const STEPS: readonly Millis[] = [60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000];

function kindOf({ until, model }: Rest): "dead" | "model" | "cool_down" {
  if (until === Infinity) return "dead";
  return model === null ? "cool_down" : "model";
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, Math.floor(most) - 1))}…`;
}

function patterns() {
  return svg`
    <defs>
      <pattern id="cool_down" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line class="line-rest" x1="0" y1="0" x2="0" y2="6"></line>
      </pattern>
      <pattern id="model" width="5" height="5" patternUnits="userSpaceOnUse">
        <circle class="dot-model" cx="2.5" cy="2.5" r="1.2"></circle>
      </pattern>
      <pattern id="dead" width="7" height="7" patternUnits="userSpaceOnUse">
        <path class="line-dead" d="M0 0l7 7M7 0l-7 7"></path>
      </pattern>
    </defs>
  `;
}
