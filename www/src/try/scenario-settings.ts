/** `<try-scenario-settings>`: traffic, outage, and behaviour of the provider towards each credential. */

import { css, html, LitElement } from "lit";
import { live } from "lit/directives/live.js";
import {
  type Behaviour, BEHAVIOURS, type BehaviourType, numberOf, type Outage, type Parameter,
} from "../simulation/provider";
import type { Traffic } from "../simulation/traffic";
import { shared } from "../ui/style";
import { tryStyle } from "./style";

/** Scenario that all sides share. */
export interface Scenario {
  traffic: Traffic;
  outage: Outage;
  /** Behaviour towards each credential. */
  behaviours: Behaviour[];
}

/** Fires `change-scenario` with the changed scenario. */
export class TryScenarioSettings extends LitElement {
  static override properties = { scenario: { attribute: false }, labels: { attribute: false } };
  declare scenario: Scenario;
  /** Labels of the credentials, in their order. */
  declare labels: string[];

  static override styles = [
    shared,
    tryStyle,
    css`
      :host { display: grid; gap: var(--gap); grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
      h3 { margin-bottom: 0.5rem; }
      .fields { grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.5rem), 1fr)); }
      .help { margin-top: 0.75rem; }
      ul { max-height: 24rem; overflow: auto; padding: 4px; margin: -4px; }
      li {
        display: grid; grid-template-columns: minmax(3.5rem, 1fr) minmax(10.5rem, 1.5fr) minmax(5rem, 1fr);
        gap: 0.5rem; align-items: center; padding: 0.35rem 0;
      }
      li + li { border-top: 1px solid var(--line); }
      .name { overflow-wrap: anywhere; }
      .numbers { display: grid; gap: 0.35rem; }
      .numbers label { display: flex; flex-wrap: wrap; gap: 0 0.4rem; align-items: center; font-weight: 400; font-size: 0.85rem; }
      .numbers input { width: 5rem; flex: none; }
      @media (max-width: 36rem) {
        li { grid-template-columns: 1fr; gap: 0.25rem; padding: 0.6rem 0; }
        .name { font-weight: 600; }
      }
    `,
  ];

  override render() {
    const { traffic, outage } = this.scenario;
    const ofTraffic = (change: Partial<Traffic>): void => this.#change({ traffic: { ...traffic, ...change } });
    const ofOutage = (change: Partial<Outage>): void => this.#change({ outage: { ...outage, ...change } });
    return html`
      <section class="card" aria-labelledby="traffic">
        <h3 id="traffic">Traffic</h3>
        <div class="fields">
          ${input("rpm", "Requests a minute", traffic.requestsPerMinute, 1, 600, (value) => ofTraffic({ requestsPerMinute: value }))}
          ${input("duration", "Duration of a request, s", traffic.durationMs / 1000, 1, 600, (value) => ofTraffic({ durationMs: value * 1000 }))}
          ${input("sessions", "Sessions", traffic.sessions, 0, 1000, (value) => ofTraffic({ sessions: value }))}
          ${input("models", "Models", traffic.models, 1, 9, (value) => ofTraffic({ models: value }))}
          ${input("seed", "Seed", traffic.seed, 0, 999_999, (value) => ofTraffic({ seed: value }))}
          ${input("outage-from", "Outage from minute", outage.fromMinute, 0, 100_000, (value) => ofOutage({ fromMinute: value }))}
          ${input("outage-length", "Outage length, min", outage.minutes, 0, 100_000, (value) => ofOutage({ minutes: value }))}
        </div>
        <p class="help">
          The same seed gives the same requests. Requests of a session stay with one credential under every strategy.
          With 0 sessions the strategy chooses for every request.
        </p>
      </section>
      <section class="card" aria-labelledby="behaviours">
        <h3 id="behaviours">How the provider treats each credential</h3>
        <ul>${this.scenario.behaviours.map((behaviour, number) => this.#behaviour(behaviour, number))}</ul>
      </section>
    `;
  }

  #behaviour(behaviour: Behaviour, number: number) {
    const label = this.labels[number] ?? "";
    const set = (changed: Behaviour): void =>
      this.#change({ behaviours: this.scenario.behaviours.map((other, place) => (place === number ? changed : other)) });
    const pick = ({ target }: Event): void =>
      set({ type: (target as HTMLSelectElement).value as BehaviourType, numbers: {} });
    const parameter = ({ name, label: meaning, min, max }: Parameter) => html`
      <label>
        <input
          type="number" aria-label=${`${label}: ${meaning}`} min=${min} max=${max} step="1"
          .value=${live(String(numberOf(behaviour, name)))}
          @change=${onNumber((value) => set({ ...behaviour, numbers: { ...behaviour.numbers, [name]: value } }))}
        />
        ${meaning}
      </label>
    `;
    return html`
      <li>
        <span class="name">${label}</span>
        <select aria-label=${`How the provider treats ${label}`} @change=${pick}>
          ${Object.entries(BEHAVIOURS).map(([type, kind]) => html`
            <option value=${type} .selected=${live(type === behaviour.type)}>${kind.label}</option>`)}
        </select>
        <span class="numbers">${BEHAVIOURS[behaviour.type].parameters.map(parameter)}</span>
      </li>
    `;
  }

  #change(change: Partial<Scenario>): void {
    this.dispatchEvent(new CustomEvent<Scenario>("change-scenario", { detail: { ...this.scenario, ...change } }));
  }
}
customElements.define("try-scenario-settings", TryScenarioSettings);

function input(id: string, label: string, value: number, min: number, max: number, take: (value: number) => void) {
  return html`
    <div>
      <label for=${id}>${label}</label>
      <input
        id=${id} type="number" min=${min} max=${max} step="1" .value=${live(String(value))} @change=${onNumber(take)}
      />
    </div>
  `;
}

/** Calls `take` with the typed number, rounded and bounded by the range of the input. */
function onNumber(take: (value: number) => void) {
  return ({ target }: Event): void => {
    const field = target as HTMLInputElement;
    const typed = Number.isFinite(field.valueAsNumber) ? field.valueAsNumber : Number(field.min);
    const value = Math.round(Math.min(Math.max(typed, Number(field.min)), Number(field.max)));
    field.value = String(value);
    take(value);
  };
}
