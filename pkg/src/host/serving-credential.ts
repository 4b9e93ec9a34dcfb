/** A credential as a request uses it. It keeps its secrets to itself when it is printed. */

/** A credential as a request uses it. Printing and `JSON.stringify` show neither the key nor a password. */
export interface ServingCredential {
  /** Id of the credential in the pool. */
  readonly id: string;
  /** Key or token of the request. */
  readonly key: string;
  /** Base URL of the request; null if neither the row nor the options have one. */
  readonly baseUrl: string | null;
}

/** Makes a credential that prints without its secrets. */
export function servingCredential(id: string, key: string, baseUrl: string | null): ServingCredential {
  return new Serving(id, key, baseUrl);
}

class Serving implements ServingCredential {
  readonly id: string;
  readonly #key: string;
  readonly #baseUrl: string | null;

  constructor(id: string, key: string, baseUrl: string | null) {
    this.id = id;
    this.#key = key;
    this.#baseUrl = baseUrl;
  }

  get key(): string {
    return this.#key;
  }

  get baseUrl(): string | null {
    return this.#baseUrl;
  }

  /** Shows an id only if a program seems to have made it: people paste keys into every field. */
  toJSON(): { id: string; key: string } {
    return { id: /^[0-9a-f-]{1,36}$/i.test(this.id) ? this.id : "[custom id]", key: "[redacted]" };
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `ServingCredential ${JSON.stringify(this)}`;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return `ServingCredential ${JSON.stringify(this)}`;
  }
}
