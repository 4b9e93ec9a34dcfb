/** What a person should look at in a text, as a list. */

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { type Fix, fixes, type MarkedProblem } from "../core";
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
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("problems")) return;
    const found = this.text.length > REPAIRED_UNASKED ? [] : this.problems.slice(0, UNASKED);
    this.opened = new Map(found.map((problem) => [problem, fixes(this.text, problem.problem)]));
  }

  override render() {
    if (this.problems.length === 0) return nothing;
    return html`
      <ol>
        ${this.problems.slice(0, MOST).map((problem, i) => this.#item(problem, i))}
      </ol>
      ${this.problems.length > MOST
        ? html`<p class="quiet">And ${this.problems.length - MOST} more: they show when some of these are repaired.</p>`
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
          ${found?.length === 0 ? html`<span class="quiet">This is to be repaired by hand.</span>` : nothing}
        </div>
      </li>
    `;
  }

  #open(marked: MarkedProblem): void {
    this.opened = new Map(this.opened).set(marked, fixes(this.text, marked.problem));
  }

  #tell(type: "go" | "fix", detail: MarkedProblem | Fix): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
customElements.define("problem-list", ProblemList);

/** Problems that are listed. */
const MOST = 100;
/** Problems whose repairs are looked for before anyone asks. */
const UNASKED = 20;
/** Characters of text up to which that is quick. */
const REPAIRED_UNASKED = 200_000;
