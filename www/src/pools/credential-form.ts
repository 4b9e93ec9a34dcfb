/** `<credential-form>`: a dialog that adds or edits a credential. The core validates the fields while a person types. */

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import { knownProviders } from "../document/core-editor";
import type { CoreError, PoolEdit, Row, ShownCredential } from "../document/core-reader";
import { shared } from "../ui/style";

/** Task that the form is opened for. */
export interface FormTask {
  /** Key of the pool; null if the person names the pool in the form. */
  key: string | null;
  /** Credential to edit; null to add a new credential. */
  credential: ShownCredential | null;
  /** Returns why the core would refuse the edit; null if it would be accepted. */
  validate(key: string, edit: PoolEdit): CoreError | null;
  /** Carries out the edit. @throws {CoreError} The core refuses the edit. */
  carryOut(key: string, edit: PoolEdit, label: string): void;
}

class CredentialForm extends LitElement {
  static override properties = { task: { state: true }, fields: { state: true }, key: { state: true }, fault: { state: true }, isSubmitted: { state: true } };
  declare private task: FormTask | null;
  declare private fields: Fields;
  declare private key: string;
  declare private fault: CoreError | Fault | null;
  /** Whether the form was submitted: from then on missing fields are faults. */
  declare private isSubmitted: boolean;
  private original: Fields = EMPTY;

  constructor() {
    super();
    [this.task, this.fields, this.key, this.fault, this.isSubmitted] = [null, EMPTY, "", null, false];
  }

  async open(task: FormTask): Promise<void> {
    this.task = task;
    this.key = task.key ?? "";
    this.original = fieldsOf(task.credential);
    this.fields = this.original;
    [this.fault, this.isSubmitted] = [null, false];
    await this.updateComplete;
    this.dialog.showModal();
    this.renderRoot.querySelector<HTMLElement>(task.key === null ? "#key" : "#label")?.focus();
  }

  override render(): TemplateResult {
    const { task, fields } = this;
    const isNew = task?.credential == null;
    const isLogin = fields.auth_type === "oauth";
    return html`
      <dialog aria-labelledby="title" @close=${this.onClose}>
        <form novalidate autocomplete="off" @submit=${this.onSubmit}>
          <h2 id="title">${isNew ? "Add a credential" : "Edit a credential"}</h2>
          ${task?.key === null
            ? this.field("key", "Pool", "A provider such as openrouter or anthropic, or custom:<name> for your own endpoint.", html`
                <input id="key" list="providers" .value=${live(this.key)} aria-describedby="key-help" aria-invalid=${this.faultAt("key") !== null}
                  @input=${(event: InputEvent) => ((this.key = valueOf(event)), this.validate())} />
                <datalist id="providers">${knownProviders.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}<option value="custom:">your own endpoint</option></datalist>`)
            : nothing}
          ${this.text("label", "Label", "A name of your choice.")}
          ${this.field("auth_type", "Kind", "", html`
            <select id="auth_type" .value=${live(fields.auth_type)} @change=${this.onInput}>
              ${[["api_key", "Key"], ["oauth", "Login (OAuth)"], ...(["api_key", "oauth"].includes(fields.auth_type) ? [] : [[fields.auth_type, fields.auth_type]])].map(
                ([value, label]) => html`<option value=${value!} ?selected=${value === fields.auth_type}>${label}</option>`)}
            </select>`)}
          ${this.text("access_token", isLogin ? "Access token" : "Key", isNew ? "Stored in this document only." : "Leave empty to keep the current secret. A new secret resets the state.", "password")}
          ${isLogin ? this.text("refresh_token", "Refresh token", isNew ? "Renews the access token." : "Leave empty to keep the current token.", "password") : nothing}
          ${isLogin ? this.text("expires_at_ms", "Access token expires", "If known. In your time zone.", "datetime-local") : nothing}
          ${this.text("base_url", "Base URL", "Only if it differs from the provider's. A custom endpoint needs one.", "url")}
          <details ?open=${fields.weight !== "" || fields.max_in_flight !== ""}>
            <summary>Share of the requests</summary>
            ${this.text("weight", "Weight", "From 1. Relative share of sessions, and of random choices.", "number")}
            ${this.text("max_in_flight", "Max. requests in flight", "Further requests wait. Empty for no limit.", "number")}
          </details>
          ${this.fault !== null && !FIELDS.some((name) => this.faultAt(name) !== null) ? html`<p class="fault" role="alert">${this.fault.message}</p>` : nothing}
          <div class="row end">
            <button type="button" @click=${() => this.dialog.close()}>Cancel</button>
            <button class="main">${isNew ? "Add" : "Change"}</button>
          </div>
        </form>
      </dialog>
    `;
  }

  private text(name: keyof Fields, label: string, help: string, type = "text"): TemplateResult {
    return this.field(name, label, help, html`
      <input id=${name} type=${type} .value=${live(this.fields[name])} autocomplete=${type === "password" ? "new-password" : "off"} spellcheck="false"
        min=${type === "number" ? (name === "weight" ? 1 : 0) : nothing} aria-describedby=${`${name}-help`} aria-invalid=${this.faultAt(name) !== null}
        placeholder=${name === "base_url" && this.task?.credential?.baseUrl && this.original.base_url === "" ? "holds a secret; type to replace" : nothing}
        @input=${this.onInput} />`);
  }

  private field(name: FieldName, label: string, help: string, control: TemplateResult): TemplateResult {
    const fault = this.faultAt(name);
    return html`
      <div class="field">
        <label for=${name}>${label}</label>
        ${control}
        <p id="${name}-help" aria-live="polite" class=${fault === null ? "help" : "fault"}>${fault ?? help}</p>
      </div>
    `;
  }

  private faultAt(name: FieldName): string | null {
    if (this.fault === null) return null;
    const pointer = this.fault.code === "invalid_pool_key" ? "/key" : this.fault.pointer;
    return pointer === `/${name}` ? this.fault.message : null;
  }

  private onInput(event: Event): void {
    const { id } = event.target as HTMLElement;
    this.fields = { ...this.fields, [id]: valueOf(event) };
    this.validate();
  }

  /** Validates the fields. */
  private validate(): void {
    const edit = this.edit();
    const { task } = this;
    if (task === null) return;
    this.fault = edit instanceof Fault ? edit : (this.missing() ?? (this.key.trim() === "" ? null : task.validate(this.key, edit)));
  }

  private missing(): Fault | null {
    if (!this.isSubmitted) return null;
    if (this.key.trim() === "") return new Fault("name the pool", "/key");
    if (this.task?.credential == null && this.fields.access_token === "") return new Fault("a credential needs a key or token", "/access_token");
    const isEndpoint = this.key.trim().toLowerCase().startsWith("custom:");
    if (isEndpoint && this.fields.base_url.trim() === "" && this.task?.credential == null) return new Fault("a custom endpoint needs its base URL", "/base_url");
    return null;
  }

  private edit(): PoolEdit | Fault {
    const row = changes(this.original, this.fields);
    if (row instanceof Fault) return row;
    const id = this.task?.credential?.entry.id;
    return id === undefined ? { type: "add", row: { source: "manual", auth_type: this.fields.auth_type, ...row } } : { type: "update", id, fields: row };
  }

  private onSubmit(event: SubmitEvent): void {
    event.preventDefault();
    this.isSubmitted = true;
    this.validate();
    const edit = this.edit();
    if (this.fault === null && !(edit instanceof Fault)) {
      try {
        this.task?.carryOut(this.key, edit, this.fields.label);
        this.dialog.close();
        return;
      } catch (error) {
        this.fault = error as CoreError;
      }
    }
    void this.updateComplete.then(() => {
      const field = this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"]');
      field?.closest("details")?.toggleAttribute("open", true);
      field?.focus();
    });
  }

  /** Clears the fields: they may hold secrets. */
  private onClose(): void {
    this.task = null;
    this.fields = EMPTY;
    this.original = EMPTY;
    this.dispatchEvent(new Event("closed"));
  }

  private get dialog(): HTMLDialogElement {
    return this.renderRoot.querySelector("dialog")!;
  }

  static override styles = [
    shared,
    css`
      dialog {
        color: inherit;
        background: var(--background);
        border: 1px solid var(--edge);
        border-radius: var(--radius);
        padding: 1.25rem;
        width: min(34rem, calc(100vw - 1.5rem));
      }
      dialog::backdrop { background: rgb(0 0 0 / 0.5); }
      form { display: grid; gap: 0.9rem; }
      details { display: grid; gap: 0.9rem; }
      summary { cursor: pointer; padding: 0.3rem 0; }
      .field + .field { margin-top: 0.5rem; }
      .end { justify-content: end; }
    `,
  ];
}
export type { CredentialForm };

/** A fault in the fields that is found before the core is asked. */
class Fault extends Error {
  readonly code = "invalid_input";
  constructor(message: string, readonly pointer: string) {
    super(message);
  }
}

const FIELDS = ["key", "label", "auth_type", "access_token", "refresh_token", "expires_at_ms", "base_url", "weight", "max_in_flight"] as const;
type FieldName = (typeof FIELDS)[number];
/** Contents of the fields, as text. */
type Fields = Record<Exclude<FieldName, "key">, string>;

const EMPTY: Fields = {
  label: "", auth_type: "api_key", access_token: "", refresh_token: "", expires_at_ms: "", base_url: "", weight: "", max_in_flight: "",
};

/** Returns the initial contents. Secrets are left out: typed text replaces them. */
function fieldsOf(credential: ShownCredential | null): Fields {
  if (credential === null) return EMPTY;
  const { entry, baseUrl, expiresAtMs, weight, maxInFlight } = credential;
  return {
    ...EMPTY,
    label: entry.label,
    auth_type: entry.authType,
    base_url: baseUrl === null || /\/\/[^/?#]*@|\?/.test(baseUrl) ? "" : baseUrl,
    expires_at_ms: expiresAtMs === null ? "" : localTime(expiresAtMs),
    weight: weight === 1 ? "" : String(weight),
    max_in_flight: maxInFlight === null ? "" : String(maxInFlight),
  };
}

/** Returns the fields of the row that differ; null removes a field. */
function changes(before: Fields, after: Fields): Row | Fault {
  const row: Row = {};
  for (const name of Object.keys(EMPTY) as (keyof Fields)[]) {
    const text = after[name].trim();
    if (after[name] === before[name]) continue;
    if (text === "") {
      row[name] = null;
    } else if (name === "weight" || name === "max_in_flight") {
      row[name] = Number(text);
      if (!Number.isFinite(row[name])) return new Fault("this must be a whole number", `/${name}`);
    } else if (name === "expires_at_ms") {
      row[name] = new Date(text).getTime();
      if (Number.isNaN(row[name])) return new Fault("this is not a date and time", `/${name}`);
    } else {
      row[name] = text;
      if (name === "base_url" && !URL.canParse(text)) return new Fault("this is not a URL: https://…/v1", "/base_url");
    }
  }
  return row;
}

function localTime(millis: number): string {
  const date = new Date(millis - new Date(millis).getTimezoneOffset() * 60_000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 16);
}

function valueOf(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

// Last in the module: the page already contains the element, so its constructor runs now and needs the constants above.
customElements.define("credential-form", CredentialForm);
