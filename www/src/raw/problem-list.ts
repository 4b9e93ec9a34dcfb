/** What a person should look at in a text, as a list. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { type Fix, fixes, type MarkedProblem } from "../whole-core";
import { announce } from "../announcer";
import { FocusKeeper } from "../focus-keeper";
import { shared } from "../style";

/** Problems and their repairs. Fires `go` with the problem to go to, and `fix` with the repair to make. */
class ProblemList extends LitElement {
  static override properties = {
    problems: { attribute: false },
    text: { attribute: false },
    lineOf: { attribute: false },
    opened: { state: true },
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
  /** What the problems are of. */
  declare text: string;
  declare lineOf: (problem: MarkedProblem) => number;
  /** Those whose repairs were asked for, or looked for unasked. */
  declare opened: ReadonlyMap<MarkedProblem, readonly Fix[]>;

  constructor() {
    super();
    this.problems = [];
    this.opened = new Map();
    this.text = "";
    this.lineOf = () => 1;
    new FocusKeeper(this, ({ index }) => {
      const items = this.renderRoot.querySelectorAll("li");
      const [goes, repairs] = (items[index] ?? items[items.length - 1])?.querySelectorAll("button") ?? [];
      return repairs ?? goes ?? this.renderRoot.querySelector("section");
    });
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("problems")) return;
    const found = this.text.length > REPAIRED_UNASKED ? [] : this.problems.slice(0, UNASKED);
    this.opened = new Map(found.map((problem) => [problem, fixes(this.text, problem.problem)]));
  }

  override render() {
    const count = this.problems.length;
    return html`
      <section tabindex="-1" aria-label=${count === 0 ? "No problems" : "Problems"}>
        <ol>
          ${this.problems.slice(0, MOST).map((problem, i) => this.#item(problem, i))}
        </ol>
      </section>
      ${count > MOST
        ? html`<p class="quiet">And ${count - MOST} more: they show when some of these are repaired.</p>`
        : nothing}
    `;
  }

  #item(marked: MarkedProblem, i: number) {
    const { problem } = marked;
    const found = this.opened.get(marked);
    return html`
      <li>
        <p class="message" id="problem-${i}">
          <span class="tag ${problem.severity === "error" ? "bad" : "wait"}">${problem.severity}</span>
          <span class="quiet">Line ${this.lineOf(marked)}:</span>
          ${problem.message}
        </p>
        <div class="row">
          <button type="button" aria-describedby="problem-${i}" @click=${() => this.#tell("go", marked)}>
            Go there
          </button>
          ${found === undefined
            ? html`<button type="button" aria-describedby="problem-${i}" @click=${() => this.#open(marked)}>
              Look for repairs
            </button>`
            : found.map((fix) => html`
              <button type="button" aria-describedby="problem-${i}" @click=${() => this.#tell("fix", fix)}>
                ${fix.label}
              </button>
            `)}
          ${found?.length === 0 ? html`<span class="quiet">${BY_HAND}</span>` : nothing}
        </div>
      </li>
    `;
  }

  #open(marked: MarkedProblem): void {
    const found = fixes(this.text, marked.problem);
    this.opened = new Map(this.opened).set(marked, found);
    announce(found.length === 0 ? BY_HAND : found.map(({ label }) => label).join(", or "));
  }

  #tell(type: "go" | "fix", detail: MarkedProblem | Fix): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
customElements.define("problem-list", ProblemList);

const BY_HAND = "This is to be repaired by hand.";
/** Problems that are listed. */
const MOST = 100;
/** Problems whose repairs are looked for before anyone asks. */
const UNASKED = 20;
/** Characters of text up to which that is quick. */
const REPAIRED_UNASKED = 200_000;
