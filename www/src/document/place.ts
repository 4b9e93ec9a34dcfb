/** Places that documents are read from and written to. */

/** A place that a document is written to. */
export interface Place {
  /** Name that people know the place by, as a file name. */
  readonly name: string;
  /** Writes the document. */
  write(text: string): Promise<void>;
}

/** A place that other programs write to as well. */
export interface SharedPlace extends Place {
  /**
   * Writes the document.
   *
   * @throws {ConflictError} Another program wrote to the place. Nothing was written.
   */
  write(text: string): Promise<void>;
  /** Calls `listener` with the new text whenever another program has written to the place; absent if nothing tells. */
  onChange?(listener: (text: string) => void): void;
  /** Accepts the text of a {@link ConflictError} as known: the next `write` replaces it. */
  adopt(text: string): void;
}

/** A document and the place it was read from. */
export interface FoundDocument {
  text: string;
  place: Place;
}

/** Another program changed the document since it was read. Nothing was written. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  /** Text that the place holds now. */
  readonly text: string;

  constructor(text: string) {
    super("the document was changed elsewhere since it was opened here");
    this.text = text;
  }
}
