/** The tab "Try it": what a strategy or a policy does, before it is saved. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { live } from "lit/directives/live.js";
import type { Millis, Policy, ShownCredential, Strategy } from "../core";
import type { Match } from "../simulation/match";
import type { Behaviour } from "../simulation/provider";
import type { Goal, Player, readPolicy, Simulation, STARTS_AT } from "../simulation/simulation";
import { shared } from "../style";
import "./side-result";
import "./side-settings";
import type { SideSettings } from "./side-settings";
import { tryStyle } from "./style";
import { clock, count } from "./words";
import "./world-settings";
import type { World } from "./world-settings";

/** What comes with the whole core, which is loaded when it is needed. */
interface Loaded {
  Match: typeof Match;
  readPolicy: typeof readPolicy;
  STARTS_AT: typeof STARTS_AT;
}

const MOST_CREDENTIALS = 50;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** How long a frame may simulate, so that the page stays quick. */
const SLICE_MS = 12;
/** How often pictures are drawn anew while time goes by. */
const DRAW_EVERY_MS = 120;
/** The same, for who does not want things to move. */
const DRAW_CALMLY_EVERY_MS = 1000;
const SPEEDS = [1, 10, 60, 300, 1800];
const SPANS: readonly [label: string, span: Millis][] = [
  ["5 min", 5 * MINUTE], ["20 min", 20 * MINUTE], ["1 h", HOUR], ["8 h", 8 * HOUR], ["24 h", 24 * HOUR],
];

/** Fires `adopt` with the strategy and the policy that the person wants in the document. */
export class TryView extends LitElement {
  static override properties = {
    poolKey: {},
    credentials: { attribute: false },
    strategy: {},
    policy: { attribute: false },
    loaded: { state: true },
    trouble: { state: true },
    sides: { state: true },
    world: { state: true },
    isPlaying: { state: true },
    speed: { state: true },
    span: { state: true },
    version: { state: true },
    said: { state: true },
  };
  declare poolKey: string;
  declare credentials: ShownCredential[];
  declare strategy: Strategy;
  declare policy: Policy;
  declare loaded: Loaded | null;
  declare trouble: string | null;
  declare sides: SideSettings[];
  declare world: World;
  declare isPlaying: boolean;
  declare speed: number;
  declare span: Millis;
  /** Counts what is to be drawn anew. */
  declare version: number;
  /** What the live region says. */
  declare said: string;

  #match: Match | null = null;
  /** The same until one of them changes: who draws anew with others would lose what is being typed. */
  #labels: string[] = [];
  #goal: Goal | null = null;
  #frame = 0;
  #framedAt = 0;
  #drawnAt = 0;
  /** Where there is little room, settings are folded away above the results. */
  readonly #isWide = matchMedia("(min-width: 48rem)").matches;

  static override styles = [
    shared,
    tryStyle,
    css`
      :host { display: grid; gap: 1rem; }
      :host > * { min-width: 0; }
      .sides { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); align-items: start; }
      .sides > * { min-width: 0; }
      .controls {
        position: sticky; top: 0; z-index: 1; display: grid; gap: 0.5rem; padding: 0.75rem 1rem;
        border: 1px solid var(--line); border-radius: var(--radius); background: var(--raised);
      }
      .controls select { width: auto; }
      .controls label { font-weight: 400; }
      .clock { font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; min-width: 6.5rem; }
      .grow { flex: 1; }
      @media (max-width: 48rem), (max-height: 40rem) { .controls { position: static; } }
    `,
  ];

  constructor() {
    super();
    this.poolKey = "";
    this.credentials = [];
    this.strategy = "fill_first";
    this.policy = {};
    this.loaded = null;
    this.trouble = null;
    this.sides = [];
    this.world = {
      traffic: { seed: 1, requestsPerMinute: 30, sessions: 0, models: 1, durationMs: 8_000 },
      outage: { fromMinute: 5, minutes: 0 },
      behaviours: [],
    };
    this.isPlaying = false;
    this.speed = 60;
    this.span = 20 * MINUTE;
    this.version = 0;
    this.said = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.loaded === null) void this.#load();
    else if (this.#match === null) this.#open(10 * MINUTE);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
    this.isPlaying = false;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("credentials")) {
      const labels = this.#shown.map(({ entry }) => entry.label || entry.id);
      if (JSON.stringify(labels) !== JSON.stringify(this.#labels)) this.#labels = labels;
    }
    const names = (credentials: ShownCredential[] | undefined): string =>
      JSON.stringify(credentials?.map((shown) => [shown.entry.id, player(shown)]));
    const isOther = changed.has("poolKey") || (changed.has("credentials") && names(changed.get("credentials")) !== names(this.credentials));
    const decides = JSON.stringify([this.strategy, this.policy]);
    const isDecidedOtherwise =
      (changed.has("strategy") || changed.has("policy")) &&
      decides !== JSON.stringify([changed.get("strategy") ?? this.strategy, changed.get("policy") ?? this.policy]);
    if (this.sides.length === 0 || isOther || isDecidedOtherwise) {
      this.sides = [{ strategy: this.strategy, policy: this.policy }, ...this.sides.slice(1)];
    }
    if (isOther || this.world.behaviours.length !== this.#shown.length) {
      this.world = { ...this.world, behaviours: this.#shown.map((_, number) => firstBehaviour(number)) };
    }
    if (this.loaded !== null && (isOther || isDecidedOtherwise)) this.#open(this.#elapsed);
  }

  override render() {
    if (this.credentials.length === 0) {
      return html`<p>This pool has no credentials yet. Add one in the table, and come back to see which of them would serve.</p>`;
    }
    if (this.trouble !== null) return html`<p class="fault" role="alert">${this.trouble}</p>`;
    if (this.loaded === null || this.#match === null) return html`<p role="status">Loading the simulator…</p>`;
    return html`
      <p class="quiet">
        The pool's own rules on made-up traffic and a made-up provider. Nothing is sent, keys are not used, and the
        document stays as it is. All begin rested. A change is played again from the start up to the same moment.
        ${this.credentials.length > MOST_CREDENTIALS
          ? html`<strong>Only the first ${MOST_CREDENTIALS} of ${this.credentials.length} credentials take part.</strong>`
          : nothing}
      </p>
      ${this.#settings(this.loaded)} ${this.#controls(this.#match)} ${this.#results(this.#match)}
      <p class="unseen" role="status">${this.said}</p>
    `;
  }

  #settings({ readPolicy }: Loaded) {
    return html`
      <div class="sides">
        ${this.sides.map((settings, number) => html`
          <try-side-settings
            .name=${sideName(number)} .settings=${settings} .read=${readPolicy}
            @change-side=${({ detail }: CustomEvent<SideSettings>) => this.#decide(this.sides.with(number, detail))}
          ></try-side-settings>`)}
      </div>
      <div class="row">
        <button @click=${this.#compare}>${this.sides.length === 1 ? "Compare with a side B" : "Without side B"}</button>
      </div>
      <details ?open=${this.#isWide}>
        <summary>Traffic, and what happens to each credential</summary>
        <try-world-settings
          .world=${this.world} .labels=${this.#labels}
          @change-world=${({ detail }: CustomEvent<World>) => this.#change(detail)}
        ></try-world-settings>
      </details>
    `;
  }

  #controls({ now }: Match) {
    const jumps: [string, Millis][] = [["+1 min", MINUTE], ["+10 min", 10 * MINUTE], ["+1 h", HOUR]];
    return html`
      <section class="controls" aria-label="Time">
        <div class="row">
          <span class="clock" aria-label=${`The clock: ${clock(now, this.#startsAt)}`} role="img">${clock(now, this.#startsAt)}</span>
          <button class="main" @click=${this.#play}>${this.isPlaying ? "Pause" : "Play"}</button>
          <label for="speed">Speed</label>
          <select id="speed" @change=${({ target }: Event) => (this.speed = Number((target as HTMLSelectElement).value))}>
            ${SPEEDS.map((speed) => html`<option value=${speed} .selected=${live(speed === this.speed)}>${speed}×</option>`)}
          </select>
          <span class="grow"></span>
          <label for="span">Shown</label>
          <select id="span" @change=${({ target }: Event) => (this.span = Number((target as HTMLSelectElement).value))}>
            ${SPANS.map(([label, span]) => html`<option value=${span} .selected=${live(span === this.span)}>${label}</option>`)}
          </select>
        </div>
        <div class="row">
          <button @click=${this.#stepToRequest}>Next request</button>
          <button @click=${() => this.#go({ until: this.#now + 24 * HOUR, stopsAtEvent: true })}>Next event</button>
          ${jumps.map(([label, length]) => html`<button @click=${() => this.#go({ until: this.#now + length })}>${label}</button>`)}
          <button @click=${() => this.#open(0)}>Restart</button>
        </div>
      </section>
    `;
  }

  #results(match: Match) {
    return html`
      <div class="sides">
        ${match.sides.map((run, number) => {
          const { strategy, policy } = this.sides[number] ?? { strategy: "", policy: {} };
          const heading = `${match.sides.length > 1 ? `${sideName(number)}: ` : ""}${strategy}, ${policy.preset ?? "adaptive"}`;
          return html`
            <try-side-result
              .name=${sideName(number)} .heading=${heading} .labels=${this.#labels} .run=${run}
              .startsAt=${this.#startsAt} .span=${this.span} .version=${this.version}
            ></try-side-result>`;
        })}
      </div>
    `;
  }

  async #load(): Promise<void> {
    try {
      const [{ Match }, { readPolicy, STARTS_AT }] = await Promise.all([
        import("../simulation/match"), import("../simulation/simulation"),
      ]);
      this.loaded = { Match, readPolicy, STARTS_AT };
    } catch {
      this.trouble = "The simulator could not be loaded. Look whether the page can still reach its server, and reload it.";
      return;
    }
    if (this.isConnected) this.#open(10 * MINUTE);
  }

  /** Begins anew, and plays up to a moment after the beginning. */
  #open(elapsed: Millis): void {
    this.#close();
    if (this.loaded === null || this.#shown.length === 0) return;
    const players = this.#shown.map(player);
    const setting = { poolKey: this.poolKey, players, ...this.world };
    try {
      this.#match = new this.loaded.Match(this.sides.map((side) => ({ ...setting, ...side })));
      this.trouble = null;
    } catch (error) {
      this.trouble = `The simulator cannot play this pool: ${error instanceof Error ? error.message : String(error)}`;
      return;
    }
    this.#go({ until: this.#startsAt + elapsed });
  }

  #close(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#match?.[Symbol.dispose]();
    this.#match = null;
    this.#goal = null;
  }

  #decide(sides: SideSettings[]): void {
    this.sides = sides;
    this.#open(this.#elapsed);
  }

  #change(world: World): void {
    this.world = world;
    this.#open(this.#elapsed);
  }

  /** Or no longer. */
  #compare(): void {
    if (this.sides.length > 1) return this.#decide(this.sides.slice(0, 1));
    const { strategy, policy } = this.sides[0] ?? { strategy: this.strategy, policy: this.policy };
    this.#decide([...this.sides, { strategy: strategy === "round_robin" ? "fill_first" : "round_robin", policy }]);
  }

  #play(): void {
    this.isPlaying = !this.isPlaying;
    this.#framedAt = performance.now();
    if (this.isPlaying) this.said = "Playing.";
    else this.#tell("Paused");
    this.#run();
  }

  #stepToRequest(): void {
    this.#go({ until: Math.min(...(this.#match?.sides ?? []).map(({ nextArrival }) => nextArrival.at)) });
  }

  #go(goal: Goal): void {
    this.#goal = goal;
    this.#run();
    this.version += 1;
  }

  #run(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((at) => this.#onFrame(at));
  }

  #onFrame(at: number): void {
    this.#frame = 0;
    const match = this.#match;
    if (match === null) return;
    if (this.#goal === null && this.isPlaying) {
      this.#goal = { until: match.now + Math.ceil(Math.min(Math.max(at - this.#framedAt, 0), 250) * this.speed) };
    }
    this.#framedAt = at;
    const end = performance.now() + SLICE_MS;
    if (this.#goal !== null && match.advance(this.#goal, () => performance.now() < end)) {
      this.#goal = null;
      if (!this.isPlaying) this.#tell("At");
    }
    const isOver = this.#goal === null && !this.isPlaying;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (isOver || at - this.#drawnAt >= (isCalm ? DRAW_CALMLY_EVERY_MS : DRAW_EVERY_MS)) {
      this.#drawnAt = at;
      this.version += 1;
    }
    if (!isOver) this.#run();
  }

  #tell(what: string): void {
    const results = (this.#match?.sides ?? []).map(({ recording: { counts } }: Simulation, number) =>
      `Side ${sideName(number)}: ${count(counts.served)} served, ${count(counts.exhausted + counts.givenUp)} failed.`);
    this.said = `${what} ${clock(this.#now, this.#startsAt)}. ${results.join(" ")}`;
  }

  get #shown(): ShownCredential[] {
    return this.credentials.slice(0, MOST_CREDENTIALS);
  }

  get #startsAt(): Millis {
    return this.loaded?.STARTS_AT ?? 0;
  }

  get #now(): Millis {
    return this.#match?.now ?? this.#startsAt;
  }

  /** How far it is played, or is on its way to. */
  get #elapsed(): Millis {
    const goal = this.#goal !== null && !this.#goal.stopsAtEvent ? this.#goal.until : 0;
    return Math.max(this.#now, goal) - this.#startsAt;
  }
}
customElements.define("try-view", TryView);

function player({ entry, secrets, weight, maxInFlight }: ShownCredential): Player {
  const { id, label, requestCount } = entry;
  return { id, label: label || id, isLogin: secrets.includes("refresh_token"), requestCount, weight, maxInFlight };
}

/** The first credential is limited, so that there is something to see. */
function firstBehaviour(number: number): Behaviour {
  return { type: number === 0 ? "limited" : "healthy", numbers: {} };
}

function sideName(number: number): string {
  return number === 0 ? "A" : "B";
}
