/** Contents of the page without a document: how to open one, or why a text is not a document. */

import { html, type TemplateResult } from "lit";
import { type CoreError, emptyDocument } from "../document/core-reader";
import { sample } from "../document/sample";
import { sentence } from "../ui/format";

/** Ways to open a document. */
export interface WelcomeActions {
  choose(): void;
  paste(): void;
  open(text: string): void;
}

/** Renders the start page. */
export function welcome({ choose, paste, open }: WelcomeActions): TemplateResult {
  return html`
    <section class="welcome" aria-labelledby="welcome">
      <h2 id="welcome">Edit the credentials of your agent hosts</h2>
      <p>
        Open an <code>auth.json</code>: drag it in, choose it, or paste its text. It stays in this browser: nothing is sent
        anywhere, and nothing is stored when you close the page.
      </p>
      <div class="row">
        <button class="main" @click=${choose}>Open a file…</button>
        <button @click=${paste}>Paste</button>
        <button @click=${() => open(emptyDocument())}>New document</button>
        <button @click=${() => open(sample())}>Try a sample</button>
      </div>
      <ul class="points">
        <li><strong>Table.</strong> Add, change, order and reset credentials. Secrets stay masked until you reveal them.</li>
        <li><strong>JSON.</strong> Edit the text of the document. Problems are marked in place, many with a one-click repair.</li>
        <li><strong>Try it.</strong> Simulate a strategy or a policy before you save it.</li>
      </ul>
    </section>
  `;
}

/** Renders the notice for a text that is not a document. */
export function unreadable(fault: CoreError | null, repair: () => void): TemplateResult {
  return html`
    <div class="pool">
      <h2>This text is not a document yet</h2>
      <p>${sentence(fault?.message ?? "")}</p>
      <div class="row"><button class="main" @click=${repair}>Repair it in the JSON view</button></div>
      <p class="muted">Nothing is lost: the text is kept as typed, and Undo reverses changes.</p>
    </div>
  `;
}
