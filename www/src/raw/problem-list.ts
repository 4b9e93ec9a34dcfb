/** `<problem-list>`: the problems of a text and their repairs. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { type Fix, fixes, type MarkedProblem } from "../document/core-editor";
import { announce } from "../ui/announcer";
import { FocusKeeper } from "../ui/focus-keeper";
import { shared } from "../ui/style";

/** Fires `go` with the problem to go to, and `fix` with the repair to make. */
class ProblemList extends LitElement {
  static override properties = {
    problems: { attribute: false },
    text: { attribute: false },
    lineOf: { attribute: false },
    repairs: { state: true },
  };
  static override styles = [shared, css`
    li {
      display: grid;
      gap: 0.4rem;
      padding: 0.6rem 0;
      border-top: 1px solid var(--line);
    }
    .message { overflow-wrap: anywhere; }
  `];

  declare problems: readonly MarkedProblem[];
  /** Text that has the problems. */
  declare text: string;
  /** Returns the line of a problem. */
  declare lineOf: (problem: MarkedProblem) => number;
  /** Repairs, by problem, as far as they were computed. */
  declare repairs: ReadonlyMap<MarkedProblem, readonly Fix[]>;

  constructor() {
    super();
    this.problems = [];
    this.repairs = new Map();
    this.text = "";
    this.lineOf = () => 1;
    new FocusKeeper(this, ({ index }) => {
      const items = this.renderRoot.querySelectorAll("li");
      const [goTo, repair] = (items[index] ?? items[items.length - 1])?.querySelectorAll("button") ?? [];
      return repair ?? goTo ?? this.renderRoot.querySelector("section");
    });
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("problems")) return;
    const found = this.text.length > PRECOMPUTED_LENGTH ? [] : this.problems.slice(0, PRECOMPUTED);
    this.repairs = new Map(found.map((problem) => [problem, fixes(this.text, problem.problem)]));
  }

  override render() {
    const count = this.problems.length;
    return html`
      <section tabindex="-1" aria-label=${count === 0 ? "No problems" : "Problems"}>
        <ol>
          ${this.problems.slice(0, MAX_LISTED).map((problem, i) => this.#item(problem, i))}
        </ol>
      </section>
      ${count > MAX_LISTED
        ? html`<p class="muted">And ${count - MAX_LISTED} more. They appear when some of these are repaired.</p>`
        : nothing}
    `;
  }

  #item(marked: MarkedProblem, i: number) {
    const { problem } = marked;
    const found = this.repairs.get(marked);
    return html`
      <li>
        <p class="message" id="problem-${i}">
          <span class="tag ${problem.severity === "error" ? "bad" : "wait"}">${problem.severity}</span>
          <span class="muted">Line ${this.lineOf(marked)}:</span>
          ${problem.message}
        </p>
        <div class="row">
          <button type="button" aria-describedby="problem-${i}" @click=${() => this.#fire("go", marked)}>
            Go there
          </button>
          ${found === undefined
            ? html`<button type="button" aria-describedby="problem-${i}" @click=${() => this.#findRepairs(marked)}>
              Find repairs
            </button>`
            : found.map((fix) => html`
              <button type="button" aria-describedby="problem-${i}" @click=${() => this.#fire("fix", fix)}>
                ${fix.label}
              </button>
            `)}
          ${found?.length === 0 ? html`<span class="muted">${BY_HAND}</span>` : nothing}
        </div>
      </li>
    `;
  }

  #findRepairs(marked: MarkedProblem): void {
    const found = fixes(this.text, marked.problem);
    this.repairs = new Map(this.repairs).set(marked, found);
    announce(found.length === 0 ? BY_HAND : found.map(({ label }) => label).join(", or "));
  }

  #fire(type: "go" | "fix", detail: MarkedProblem | Fix): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
customElements.define("problem-list", ProblemList);

const BY_HAND = "Repair this by hand.";
/** Number of problems that are listed. */
const MAX_LISTED = 100;
/** Number of problems whose repairs are computed without a request. */
const PRECOMPUTED = 20;
/** Length of a text, in characters, up to which repairs are computed without a request. */
const PRECOMPUTED_LENGTH = 200_000;
