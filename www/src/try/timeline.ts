/** `<try-timeline>`: a lane for each credential with its responses and cooldowns over time. */

import { css, html, LitElement, nothing, svg } from "lit";
import type { Millis } from "../document/core-reader";
import type { Cooldown, Recording } from "../simulation/recording";
import { shared } from "../ui/style";
import { clock, count, onClock, shortDuration } from "./run-clock";
import { tryStyle } from "./style";

/** Height of a lane, in px. */
const LANE = 50;
/** Height of the track in a lane, in px. */
const TRACK = 20;
/** Offset of the track from the top of its lane, in px. */
const TRACK_TOP = 20;
/** Height of the time axis, in px. */
const AXIS = 22;
/** Number of lanes that are visible without scrolling. */
const VISIBLE_LANES = 12;

/** Timeline of one side. */
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
  /** Length of the shown time. */
  declare span: Millis;
  /** Changes whenever the recording has changed. */
  declare version: number;
  declare width: number;
  readonly #sizes = new ResizeObserver(([entry]) => {
    if (entry) this.width = Math.max(200, Math.floor(entry.contentRect.width));
  });

  static override styles = [
    shared,
    tryStyle,
    css`
      .frame { max-height: ${VISIBLE_LANES * LANE + AXIS + 8}px; overflow: hidden auto; }
      svg { display: block; width: 100%; height: auto; }
      text { fill: var(--text); font-size: 13px; }
      .state, .tick { fill: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; }
      .track { fill: var(--sunken); }
      .grid { stroke: var(--line); stroke-width: 1; }
      .served { fill: var(--accent); }
      .errors { fill: none; stroke: var(--bad); stroke-width: 1.5; }
      .fill-cooldown { fill: var(--wait-background); }
      .fill-dead { fill: var(--bad-background); }
      .stroke-cooldown { stroke: var(--wait); stroke-width: 2; }
      .stroke-dead { stroke: var(--bad); stroke-width: 1.5; fill: none; }
      .dot-model { fill: var(--wait); }
      .edge-cooldown { stroke: var(--wait); fill: none; }
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
    const affected = this.labels.filter((_, lane) => this.#current(lane) !== undefined).length;
    const summary =
      `Timeline of side ${this.name} up to ${clock(this.now, this.startsAt)}: ${this.labels.length} credentials, ` +
      `${affected} of them cooling down or dead now. The table below has details.`;
    const scrolls = this.labels.length > VISIBLE_LANES;
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
        <summary>Cooldowns as a table</summary>
        ${this.#table()}
      </details>
    `;
  }

  #lanes() {
    const marks = this.#marks();
    return this.labels.map((label, lane) => {
      const top = lane * LANE + TRACK_TOP;
      const cooldowns = (this.recording.lanes[lane]?.cooldowns ?? []).filter(({ until }) => until > this.#from);
      return svg`
        <text x="0" y=${top - 5}>${shortened(label, this.width / 2 / 7.5)}</text>
        <text class="state" x=${this.width} y=${top - 5} text-anchor="end">${this.#state(lane)}</text>
        <rect class="track" x="0" y=${top} width=${this.width} height=${TRACK} rx="3"></rect>
        ${cooldowns.map((cooldown) => this.#cooldown(cooldown, top))}
        <path class="served" d=${marks[lane]?.served ?? ""}></path>
        <path class="errors" d=${marks[lane]?.errors ?? ""}></path>
      `;
    });
  }

  #cooldown(cooldown: Cooldown, top: number) {
    const from = this.#x(cooldown.from);
    const width = Math.max(2, this.#x(Math.min(cooldown.until, this.now)) - from);
    const kind = patternOf(cooldown);
    const height = kind === "model" ? TRACK / 2 : TRACK;
    return svg`
      <g>
        <title>${onClock(cooldown.text, this.startsAt)}</title>
        <rect class=${kind === "dead" ? "fill-dead" : "fill-cooldown"} x=${from} y=${top} width=${width} height=${height}></rect>
        <rect
          class=${kind === "dead" ? "edge-dead" : "edge-cooldown"} fill=${`url(#${kind})`}
          x=${from} y=${top} width=${width} height=${height}></rect>
        <rect fill=${`url(#${kind})`} x=${from} y=${top} width=${width} height=${height}></rect>
      </g>
    `;
  }

  /** Returns the paths of served requests and errors. Responses are counted per column, so that the cost does not grow with their number. */
  #marks(): { served: string; errors: string }[] {
    const columns = Math.floor(this.width / 3);
    const perColumn = this.span / columns;
    const lanes = this.labels.map(() => ({ served: new Uint16Array(columns + 1), errors: new Uint8Array(columns + 1) }));
    let maxCount = 1;
    for (const { at, lane, isServed } of this.recording.marksSince(this.#from)) {
      const marks = lanes[lane];
      const column = Math.floor((at - this.#from) / perColumn);
      if (!marks || column > columns) continue;
      if (!isServed) marks.errors[column] = 1;
      else maxCount = Math.max(maxCount, (marks.served[column] = (marks.served[column] ?? 0) + 1));
    }
    return lanes.map(({ served, errors }, lane) => {
      const bottom = lane * LANE + TRACK_TOP + TRACK;
      const bar = (number: number, column: number): string => {
        if (number === 0) return "";
        const height = Math.round(6 + ((TRACK - 8) * number) / maxCount);
        return `M${column * 3} ${bottom}v${-height}h2v${height}z`;
      };
      const cross = (hasError: number, column: number): string =>
        hasError === 0 ? "" : `M${column * 3 - 1} ${bottom - TRACK + 1}l5 5m0 -5l-5 5`;
      return { served: Array.from(served, bar).join(""), errors: Array.from(errors, cross).join("") };
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
    const cooldowns = this.labels.flatMap((label, lane) =>
      (this.recording.lanes[lane]?.cooldowns ?? []).slice(-5).map((cooldown) => ({ label, cooldown })));
    if (cooldowns.length === 0) return html`<p class="muted">No cooldowns so far.</p>`;
    return html`
      <div class="scroll" tabindex="0" role="region" aria-label=${`Cooldowns of side ${this.name}`}>
        <table>
          <thead><tr><th>Credential</th><th>From</th><th>To</th><th>Reason</th></tr></thead>
          <tbody>
            ${cooldowns.map(({ label, cooldown }) => html`
              <tr>
                <td>${label}</td>
                <td>${clock(cooldown.from, this.startsAt)}</td>
                <td>${cooldown.until === Infinity ? "dead" : clock(cooldown.until, this.startsAt)}</td>
                <td>${onClock(cooldown.text, this.startsAt)}</td>
              </tr>`)}
          </tbody>
        </table>
      </div>
      <p class="help">The last five cooldowns of each credential.</p>
    `;
  }

  #legend() {
    const sign = (label: string, drawing: unknown) => html`
      <span><svg viewBox="0 0 22 14" aria-hidden="true">${patterns()}${drawing}</svg>${label}</span>`;
    const box = (kind: "cooldown" | "dead", pattern: string = kind, height = 13) => svg`
      <rect class="fill-${kind}" x=".5" y=".5" width="21" height=${height}></rect>
      <rect fill="url(#${pattern})" x=".5" y=".5" width="21" height=${height}></rect>
      <rect class="edge-${kind}" x=".5" y=".5" width="21" height=${height}></rect>`;
    return html`
      <div class="legend">
        ${sign("served", svg`<path class="served" d="M2 14v-10h3v10zM8 14v-6h3v6zM14 14v-12h3v12z"></path>`)}
        ${sign("error", svg`<path class="errors" d="M7 3l8 8m0 -8l-8 8"></path>`)}
        ${sign("cooling down", box("cooldown"))} ${sign("cooling down for one model", box("cooldown", "model", 8))}
        ${sign("dead", box("dead"))}
      </div>
    `;
  }

  get #from(): Millis {
    return Math.max(this.startsAt, this.now - this.span);
  }

  #x(at: Millis): number {
    return Math.round(Math.max(0, ((at - this.#from) / this.span) * this.width) * 10) / 10;
  }

  #current(lane: number): Cooldown | undefined {
    return this.recording.lanes[lane]?.cooldowns.findLast(({ until }) => until > this.now);
  }

  #state(lane: number): string {
    const current = this.#current(lane);
    if (!current) return `${count(this.recording.lanes[lane]?.inFlight ?? 0)} in flight`;
    const reason = current.cause.kind?.replaceAll("_", " ") ?? "failed";
    if (current.until === Infinity) return `dead: ${reason}`;
    return `cooling down, ${shortDuration(current.until - this.now)} left: ${current.model ?? reason}`;
  }
}
customElements.define("try-timeline", TryTimeline);

/** Steps of the time axis. */
const STEPS: readonly Millis[] = [60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000];

/** Returns the id of the pattern that fills a cooldown. */
function patternOf({ until, model }: Cooldown): "dead" | "model" | "cooldown" {
  if (until === Infinity) return "dead";
  return model === null ? "cooldown" : "model";
}

function shortened(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, Math.max(1, Math.floor(maxLength) - 1))}…`;
}

function patterns() {
  return svg`
    <defs>
      <pattern id="cooldown" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line class="stroke-cooldown" x1="0" y1="0" x2="0" y2="6"></line>
      </pattern>
      <pattern id="model" width="5" height="5" patternUnits="userSpaceOnUse">
        <circle class="dot-model" cx="2.5" cy="2.5" r="1.2"></circle>
      </pattern>
      <pattern id="dead" width="7" height="7" patternUnits="userSpaceOnUse">
        <path class="stroke-dead" d="M0 0l7 7M7 0l-7 7"></path>
      </pattern>
    </defs>
  `;
}
