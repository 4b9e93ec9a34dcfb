/** Saving to a place that other programs write to as well: their changes are merged, and a question is the exception. */

import type { Editing } from "../document/editing";
import { keepOurs, merge, takeTheirs } from "../document/merge";
import { ConflictError, type Place, type SharedPlace } from "../document/place";
import { announce } from "../ui/announcer";
import { sentence } from "../ui/format";
import type { ConflictDialog, Kept } from "./conflict-dialog";

/** The page around the document. */
export interface Page {
  /** The document, with all typed text. */
  editing: Editing;
  /** Asks which version to keep. */
  conflict: ConflictDialog;
  /** Message that is shown; null for none. */
  error: string | null;
}

/** Writes the document. Merges what other programs wrote meanwhile; asks only where both changed one place. */
export async function write(place: Place, page: Page): Promise<void> {
  const { editing } = page;
  for (let kept: Kept | null = null; ; ) {
    const { text } = editing;
    try {
      await place.write(text);
      editing.saved(text);
      return announce(`${place.name} is saved`);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (kept === "ours") keepOurs(editing, error.text);
      else if (!merged(error.text, page)) kept = await settled(error.text, page);
      if (kept === "neither") return;
      (place as SharedPlace).adopt(error.text);
      if (!editing.isChanged) return announce(`${place.name} has the latest version`);
    }
  }
}

/** Takes in the text that another program wrote to the document's place. */
export function changedElsewhere(place: SharedPlace, theirs: string, page: Page): void {
  const { editing } = page;
  // Another document may be open by now.
  if (editing.place !== place || theirs === editing.savedText) return;
  const hadChanges = editing.isChanged;
  if (!merged(theirs, page)) {
    page.error = CHANGED_ELSEWHERE;
    return;
  }
  place.adopt(theirs);
  announce(`The document was changed elsewhere${hadChanges ? "; your changes are kept" : " and was reloaded"}`);
}

async function settled(theirs: string, { editing, conflict }: Page): Promise<Kept> {
  const kept = await conflict.open();
  if (kept === "theirs") takeTheirs(editing, theirs);
  if (kept === "ours") keepOurs(editing, theirs);
  return kept;
}

/** Puts the unsaved changes on top of another program's text. Returns false if both changed one place. */
function merged(theirs: string, page: Page): boolean {
  const { isMerged, refused: [first] } = merge(page.editing, theirs);
  if (isMerged && page.error === CHANGED_ELSEWHERE) page.error = null;
  if (first !== undefined) {
    page.error = `Not done, since the document was changed elsewhere: ${first.what}. ${sentence(first.error.message)}`;
  }
  return isMerged;
}

const CHANGED_ELSEWHERE =
  "The document was changed elsewhere, where you changed it too. When you save, you can choose a version.";
