/** What the page shows where there is no document: how to open one, or why a text is none. */

import { html, type TemplateResult } from "lit";
import { type CoreError, emptyDocument } from "./core";
import { sample } from "./sample";
import { sentence } from "./words";

/** How a person begins. */
export interface Beginnings {
  choose(): void;
  paste(): void;
  begin(text: string): void;
}

/** Where nothing is open yet. */
export function welcome({ choose, paste, begin }: Beginnings): TemplateResult {
  return html`
    <section class="welcome" aria-labelledby="welcome">
      <h2 id="welcome">Edit the credentials of your agent hosts</h2>
      <p>
        Open an <code>auth.json</code>: drag it in, choose it, or paste its text. It stays in this browser: nothing is sent
        anywhere, and nothing is kept when you close the page.
      </p>
      <div class="row">
        <button class="main" @click=${choose}>Open a file…</button>
        <button @click=${paste}>Paste</button>
        <button @click=${() => begin(emptyDocument())}>New document</button>
        <button @click=${() => begin(sample())}>Try a sample</button>
      </div>
      <ul class="points">
        <li><strong>Table.</strong> Add, change, order and reset credentials; secrets stay masked until you ask for one.</li>
        <li><strong>JSON.</strong> The document itself beside it, each problem at its place, with a repair where one is plain.</li>
        <li><strong>Try it.</strong> See what a strategy or a policy will do before you save it.</li>
      </ul>
    </section>
  `;
}

/** Where the text is no document. */
export function unreadable(fault: CoreError | null, repair: () => void): TemplateResult {
  return html`
    <div class="pool">
      <h2>This text is no document yet</h2>
      <p>${sentence(fault?.message ?? "")}</p>
      <div class="row"><button class="main" @click=${repair}>Repair it in the JSON view</button></div>
      <p class="quiet">Nothing is lost: it is kept as it is typed, and Undo takes back what was done.</p>
    </div>
  `;
}
