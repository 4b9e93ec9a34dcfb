/** `<try-view>`: the tab “Try it”, which simulates strategies and policies of a pool. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { live } from "lit/directives/live.js";
import type { Millis, Policy, ShownCredential, Strategy } from "../document/core-reader";
import type { Comparison } from "../simulation/comparison";
import type { Behaviour } from "../simulation/provider";
import type { Goal, readPolicy, SimulatedCredential, Simulation, STARTS_AT } from "../simulation/simulation";
import { shared } from "../ui/style";
import { clock, count } from "./run-clock";
import "./scenario-settings";
import type { Scenario } from "./scenario-settings";
import "./side-result";
import "./side-settings";
import type { SideSettings } from "./side-settings";
import { tryStyle } from "./style";

/** Simulator, which is loaded on demand together with the whole core of the package. */
interface Simulator {
  Comparison: typeof Comparison;
  readPolicy: typeof readPolicy;
  STARTS_AT: typeof STARTS_AT;
}

/** Number of credentials that take part. */
const MAX_CREDENTIALS = 50;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Time that a frame may simulate, so that the page stays responsive, in ms. */
const SLICE_MS = 12;
/** Interval of drawing while the simulation plays, in ms. */
const DRAW_EVERY_MS = 120;
/** The same under `prefers-reduced-motion`. */
const DRAW_REDUCED_MOTION_EVERY_MS = 1000;
/** Offered speeds, as a multiple of real time. */
const SPEEDS = [1, 10, 60, 300, 1800];
/** Offered lengths of the shown time. */
const SPANS: readonly [label: string, span: Millis][] = [
  ["5 min", 5 * MINUTE], ["20 min", 20 * MINUTE], ["1 h", HOUR], ["8 h", 8 * HOUR], ["24 h", 24 * HOUR],
];

/** What a person asks of the time: to go on for a while, or to the next request or event. */
type Step = { for: Millis } | { toNext: "request" | "event" };

/** Fires `adopt` with the strategy and the policy to use in the document. */
export class TryView extends LitElement {
  static override properties = {
    poolKey: {},
    credentials: { attribute: false },
    strategy: {},
    policy: { attribute: false },
    simulator: { state: true },
    fault: { state: true },
    sides: { state: true },
    scenario: { state: true },
    isPlaying: { state: true },
    speed: { state: true },
    span: { state: true },
    version: { state: true },
    announcement: { state: true },
  };
  declare poolKey: string;
  declare credentials: ShownCredential[];
  declare strategy: Strategy;
  declare policy: Policy;
  declare simulator: Simulator | null;
  /** Reason why the simulator cannot run. */
  declare fault: string | null;
  declare sides: SideSettings[];
  declare scenario: Scenario;
  declare isPlaying: boolean;
  declare speed: number;
  declare span: Millis;
  /** Counts up whenever the results are to be drawn again. */
  declare version: number;
  /** Text of the live region. */
  declare announcement: string;

  #comparison: Comparison | null = null;
  /** Labels of the credentials. The array is replaced only when a label changes: a new array would render inputs again and drop typed text. */
  #labels: string[] = [];
  /** Steps that follow the goal: a step that is asked for while another is under way starts where that ends. */
  #steps: Step[] = [];
  #goal: Goal | null = null;
  #frame = 0;
  #framedAt = 0;
  #drawnAt = 0;
  /** Whether the screen is wide; on a narrow screen the settings are collapsed. */
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
      .spacer { flex: 1; }
      @media (max-width: 48rem), (max-height: 40rem) { .controls { position: static; } }
    `,
  ];

  constructor() {
    super();
    this.poolKey = "";
    this.credentials = [];
    this.strategy = "fill_first";
    this.policy = {};
    this.simulator = null;
    this.fault = null;
    this.sides = [];
    this.scenario = {
      traffic: { seed: 1, requestsPerMinute: 30, sessions: 0, models: 1, durationMs: 8_000 },
      outage: { fromMinute: 5, minutes: 0 },
      behaviours: [],
    };
    this.isPlaying = false;
    this.speed = 60;
    this.span = 20 * MINUTE;
    this.version = 0;
    this.announcement = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.simulator === null) void this.#load();
    else if (this.#comparison === null) this.#restart(10 * MINUTE);
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
    const identity = (credentials: ShownCredential[] | undefined): string =>
      JSON.stringify(credentials?.map((shown) => [shown.entry.id, simulated(shown)]));
    const isOtherPool = changed.has("poolKey") || (changed.has("credentials") && identity(changed.get("credentials")) !== identity(this.credentials));
    const settings = JSON.stringify([this.strategy, this.policy]);
    const hasOtherSettings =
      (changed.has("strategy") || changed.has("policy")) &&
      settings !== JSON.stringify([changed.get("strategy") ?? this.strategy, changed.get("policy") ?? this.policy]);
    if (this.sides.length === 0 || isOtherPool || hasOtherSettings) {
      this.sides = [{ strategy: this.strategy, policy: this.policy }, ...this.sides.slice(1)];
    }
    if (isOtherPool || this.scenario.behaviours.length !== this.#shown.length) {
      this.scenario = { ...this.scenario, behaviours: this.#shown.map((_, number) => initialBehaviour(number)) };
    }
    if (this.simulator !== null && (isOtherPool || hasOtherSettings)) this.#restart(this.#elapsed);
  }

  override render() {
    if (this.credentials.length === 0) {
      return html`<p>This pool has no credentials yet. Add one in the table, then come back to simulate it.</p>`;
    }
    if (this.fault !== null) return html`<p class="fault" role="alert">${this.fault}</p>`;
    if (this.simulator === null || this.#comparison === null) return html`<p role="status">Loading the simulator…</p>`;
    return html`
      <p class="muted">
        Simulates the rules of the pool with made-up traffic and a made-up provider. Nothing is sent, keys are not used,
        and the document stays as it is. At the start all credentials are available. After a change the simulation runs
        again from the start to the same time.
        ${this.credentials.length > MAX_CREDENTIALS
          ? html`<strong>Only the first ${MAX_CREDENTIALS} of ${this.credentials.length} credentials take part.</strong>`
          : nothing}
      </p>
      ${this.#settings(this.simulator)} ${this.#controls(this.#comparison)} ${this.#results(this.#comparison)}
      <p class="visually-hidden" role="status">${this.announcement}</p>
    `;
  }

  #settings({ readPolicy }: Simulator) {
    return html`
      <div class="sides">
        ${this.sides.map((settings, number) => html`
          <try-side-settings
            .name=${sideName(number)} .settings=${settings} .read=${readPolicy}
            @change-side=${({ detail }: CustomEvent<SideSettings>) => this.#setSides(this.sides.with(number, detail))}
          ></try-side-settings>`)}
      </div>
      <div class="row">
        <button @click=${this.#toggleSideB}>${this.sides.length === 1 ? "Compare with a side B" : "Remove side B"}</button>
      </div>
      <details ?open=${this.#isWide}>
        <summary>Traffic and provider</summary>
        <try-scenario-settings
          .scenario=${this.scenario} .labels=${this.#labels}
          @change-scenario=${({ detail }: CustomEvent<Scenario>) => this.#setScenario(detail)}
        ></try-scenario-settings>
      </details>
    `;
  }

  #controls({ now }: Comparison) {
    const jumps: [string, Millis][] = [["+1 min", MINUTE], ["+10 min", 10 * MINUTE], ["+1 h", HOUR]];
    return html`
      <section class="controls" aria-label="Time">
        <div class="row">
          <span class="clock" aria-label=${`Clock: ${clock(now, this.#startsAt)}`} role="img">${clock(now, this.#startsAt)}</span>
          <button class="main" @click=${this.#play}>${this.isPlaying ? "Pause" : "Play"}</button>
          <label for="speed">Speed</label>
          <select id="speed" @change=${({ target }: Event) => (this.speed = Number((target as HTMLSelectElement).value))}>
            ${SPEEDS.map((speed) => html`<option value=${speed} .selected=${live(speed === this.speed)}>${speed}×</option>`)}
          </select>
          <span class="spacer"></span>
          <label for="span">Shown</label>
          <select id="span" @change=${({ target }: Event) => (this.span = Number((target as HTMLSelectElement).value))}>
            ${SPANS.map(([label, span]) => html`<option value=${span} .selected=${live(span === this.span)}>${label}</option>`)}
          </select>
        </div>
        <div class="row">
          <button @click=${() => this.#go({ toNext: "request" })}>Next request</button>
          <button @click=${() => this.#go({ toNext: "event" })}>Next event</button>
          ${jumps.map(([label, length]) => html`<button @click=${() => this.#go({ for: length })}>${label}</button>`)}
          <button @click=${() => this.#restart(0)}>Restart</button>
        </div>
      </section>
    `;
  }

  #results(comparison: Comparison) {
    return html`
      <div class="sides results" aria-busy=${this.#isUnderWay && !this.isPlaying}>
        ${comparison.sides.map((run, number) => {
          const { strategy, policy } = this.sides[number] ?? { strategy: "", policy: {} };
          const heading = `${comparison.sides.length > 1 ? `${sideName(number)}: ` : ""}${strategy}, ${policy.preset ?? "adaptive"}`;
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
      const [{ Comparison }, { readPolicy, STARTS_AT }] = await Promise.all([
        import("../simulation/comparison"), import("../simulation/simulation"),
      ]);
      this.simulator = { Comparison, readPolicy, STARTS_AT };
    } catch {
      this.fault = "The simulator could not be loaded. Check that the page can reach its server, and reload it.";
      return;
    }
    if (this.isConnected) this.#restart(10 * MINUTE);
  }

  /** Starts a new run and advances it by `elapsed`. */
  #restart(elapsed: Millis): void {
    this.#close();
    if (this.simulator === null || this.#shown.length === 0) return;
    const common = { poolKey: this.poolKey, credentials: this.#shown.map(simulated), ...this.scenario };
    try {
      this.#comparison = new this.simulator.Comparison(this.sides.map((side) => ({ ...common, ...side })));
      this.fault = null;
    } catch (error) {
      this.fault = `The simulator cannot run this pool: ${error instanceof Error ? error.message : String(error)}`;
      return;
    }
    this.#go({ for: elapsed });
  }

  #close(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#comparison?.[Symbol.dispose]();
    this.#comparison = null;
    this.#goal = null;
    this.#steps = [];
  }

  #setSides(sides: SideSettings[]): void {
    this.sides = sides;
    this.#restart(this.#elapsed);
  }

  #setScenario(scenario: Scenario): void {
    this.scenario = scenario;
    this.#restart(this.#elapsed);
  }

  /** Adds side B, or removes it. */
  #toggleSideB(): void {
    if (this.sides.length > 1) return this.#setSides(this.sides.slice(0, 1));
    const { strategy, policy } = this.sides[0] ?? { strategy: this.strategy, policy: this.policy };
    this.#setSides([...this.sides, { strategy: strategy === "round_robin" ? "fill_first" : "round_robin", policy }]);
  }

  #play(): void {
    this.isPlaying = !this.isPlaying;
    this.#framedAt = performance.now();
    if (this.isPlaying) this.announcement = "Playing.";
    else this.#announce("Paused");
    this.#run();
  }

  #go(step: Step): void {
    this.#steps.push(step);
    this.#run();
    this.version += 1;
  }

  #run(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((at) => this.#onFrame(at));
  }

  #onFrame(at: number): void {
    this.#frame = 0;
    const comparison = this.#comparison;
    if (comparison === null) return;
    this.#goal ??= this.#nextGoal(comparison, at - this.#framedAt);
    this.#framedAt = at;
    const end = performance.now() + SLICE_MS;
    if (this.#goal !== null && comparison.advance(this.#goal, () => performance.now() < end)) {
      this.#goal = null;
      if (!this.#isUnderWay && !this.isPlaying) this.#announce("At");
    }
    const isDone = !this.#isUnderWay && !this.isPlaying;
    const reducesMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (isDone || at - this.#drawnAt >= (reducesMotion ? DRAW_REDUCED_MOTION_EVERY_MS : DRAW_EVERY_MS)) {
      this.#drawnAt = at;
      this.version += 1;
    }
    if (!isDone) this.#run();
  }

  /** Returns the goal of the next step; without a step, that of playing for `passed`, the real time since the last frame. */
  #nextGoal({ now, sides }: Comparison, passed: Millis): Goal | null {
    const step = this.#steps.shift();
    if (step === undefined) return this.isPlaying ? { until: now + Math.ceil(Math.min(Math.max(passed, 0), 250) * this.speed) } : null;
    if ("for" in step) return { until: now + step.for };
    if (step.toNext === "event") return { until: now + 24 * HOUR, stopsAtEvent: true };
    return { until: Math.min(...sides.map(({ nextArrival }) => nextArrival.at)) };
  }

  #announce(what: string): void {
    const results = (this.#comparison?.sides ?? []).map(({ recording: { counts } }: Simulation, number) =>
      `Side ${sideName(number)}: ${count(counts.served)} served, ${count(counts.exhausted + counts.givenUp)} failed.`);
    this.announcement = `${what} ${clock(this.#now, this.#startsAt)}. ${results.join(" ")}`;
  }

  get #shown(): ShownCredential[] {
    return this.credentials.slice(0, MAX_CREDENTIALS);
  }

  get #startsAt(): Millis {
    return this.simulator?.STARTS_AT ?? 0;
  }

  get #now(): Millis {
    return this.#comparison?.now ?? this.#startsAt;
  }

  get #isUnderWay(): boolean {
    return this.#goal !== null || this.#steps.length > 0;
  }

  /** Time since the start of the run, once it has gone on for as long as was asked. */
  get #elapsed(): Millis {
    const goal = this.#goal !== null && !this.#goal.stopsAtEvent ? this.#goal.until : 0;
    const steps = this.#steps.reduce((sum, step) => sum + ("for" in step ? step.for : 0), 0);
    return Math.max(this.#now, goal) - this.#startsAt + steps;
  }
}
customElements.define("try-view", TryView);

function simulated({ entry, secrets, weight, maxInFlight }: ShownCredential): SimulatedCredential {
  const { id, label, requestCount } = entry;
  return { id, label: label || id, isLogin: secrets.includes("refresh_token"), requestCount, weight, maxInFlight };
}

/** Returns the initial behaviour towards a credential. The first has a rate limit, so that the results show cooldowns. */
function initialBehaviour(number: number): Behaviour {
  return { type: number === 0 ? "limited" : "healthy", numbers: {} };
}

function sideName(number: number): string {
  return number === 0 ? "A" : "B";
}
