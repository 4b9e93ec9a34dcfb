/** Masks for the secrets of a text in CodeMirror. A mask replaces each secret until a person reveals it. */

import {
  Annotation, EditorSelection, EditorState, type Extension, RangeSet, StateEffect, StateField, Transaction,
} from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import { SearchQuery, setSearchQuery } from "@codemirror/search";
import { secrets, type Span } from "../document/core-editor";

/** Text of a mask. */
export const MASK = "••••••••";

/** Annotates changes that do not come from typing in this editor. */
export const external = Annotation.define<boolean>();

/** Range of the revealed secret. */
export interface Revealed extends Span {
  /** Cause: the secret is being typed, or a person asked for it. */
  by: "typing" | "request";
}

/** Length in characters up to which a text is scanned for secrets on every key; longer texts are scanned when typing pauses. */
export const SCANNED_AT_ONCE = 200_000;

/** Masks secrets in the editor, its clipboard and its searches. Calls `rejected` when text that contains a mask was rejected. */
export function masks(rejected: () => void): Extension {
  return [
    field,
    EditorView.atomicRanges.of((view) => view.state.field(field).hidden),
    EditorView.clipboardOutputFilter.of((_, state) => {
      const { main } = state.selection;
      const { from, to } = main.empty ? state.doc.lineAt(main.head) : main;
      return visibleText(state, from, to);
    }),
    EditorView.domEventHandlers({
      paste: (event) => rejectMasks(event.clipboardData, event, rejected),
      drop: (event) => rejectMasks(event.dataTransfer, event, rejected),
      click(event, view) {
        const mask = event.target instanceof Element ? event.target.closest(".mask") : null;
        return mask !== null && reveal(view, view.posAtDOM(mask));
      },
    }),
    EditorState.transactionFilter.of((transaction) => {
      if (!insertsMask(transaction)) return transaction;
      queueMicrotask(rejected);
      return [];
    }),
    EditorState.transactionFilter.of(withMaskedSearch),
  ];
}

/** Returns the revealed secret; null if none is. */
export function revealedSecret(state: EditorState): Revealed | null {
  return state.field(field).revealed;
}

/** Returns whether the text changed since it was last scanned for secrets. */
export function isStale(state: EditorState): boolean {
  return state.field(field).isStale;
}

/** Returns the effect that masks the secrets found in the current text. */
export function secretsFound(spans: readonly Span[]): StateEffect<unknown> {
  return foundSecrets.of(spans);
}

/** Reveals the secret at an offset, else the nearest secret of its line. Returns false if the line has none. */
export function reveal(view: EditorView, at = view.state.selection.main.head): boolean {
  const { hidden } = view.state.field(field);
  const line = view.state.doc.lineAt(at);
  let nearest: Span | null = null;
  const distance = ({ from, to }: Span) => Math.max(from - at, at - to, 0);
  hidden.between(line.from, line.to, (from, to) => {
    if (nearest === null || distance({ from, to }) < distance(nearest)) nearest = { from, to };
  });
  if (nearest === null) return false;
  const { from, to }: Span = nearest;
  view.dispatch({ effects: revealRequested.of({ from, to }), selection: EditorSelection.cursor(from), scrollIntoView: true });
  return true;
}

/** Masks the revealed secret. Returns false if none was revealed. */
export function hide(view: EditorView): boolean {
  const { revealed } = view.state.field(field);
  if (revealed === null) return false;
  const { head } = view.state.selection.main;
  const isInside = revealed.by === "request" && head > revealed.from && head < revealed.to;
  view.dispatch({ effects: hideAll.of(null), ...(isInside && { selection: EditorSelection.cursor(revealed.from) }) });
  return true;
}

/** Returns a range of the text, with masks in place of secrets. */
export function visibleText(state: EditorState, from: number, to: number): string {
  let text = "";
  let at = from;
  state.field(field).hidden.between(from, to, (start, end) => {
    if (start >= to || end <= from) return;
    text += state.sliceDoc(at, Math.max(at, start)) + MASK;
    at = end;
  });
  return text + state.sliceDoc(Math.min(at, to), to);
}

/** Returns whether a mask covers a part of the range. */
export function isHidden(state: EditorState, from: number, to: number): boolean {
  return overlaps(state.field(field).hidden, { from, to });
}

interface Masks {
  /** Masks; their ranges are mapped through every change of the text. */
  hidden: DecorationSet;
  revealed: Revealed | null;
  isStale: boolean;
}

const foundSecrets = StateEffect.define<readonly Span[]>();
const revealRequested = StateEffect.define<Span>();
const hideAll = StateEffect.define<null>();

const field = StateField.define<Masks>({
  create: (state) => ({ hidden: covering(secrets(state.doc.toString())), revealed: null, isStale: false }),
  update: next,
  provide: (masks) => EditorView.decorations.from(masks, ({ hidden }) => hidden),
});

function next(masks: Masks, transaction: Transaction): Masks {
  const { docChanged, changes, newDoc, effects } = transaction;
  const isExternal = transaction.annotation(external) === true;
  if (!docChanged && effects.length === 0 && transaction.selection === undefined) return masks;
  const head = transaction.newSelection.main.head;
  let { hidden, revealed, isStale } = masks;
  const isTyped = !isExternal && (transaction.isUserEvent("input.type") || transaction.isUserEvent("delete"));
  if (docChanged) {
    hidden = hidden.map(changes);
    if (revealed !== null) revealed = { ...revealed, from: changes.mapPos(revealed.from, -1), to: changes.mapPos(revealed.to, 1) };
    // Text that undo restores is not being typed.
    if (isExternal && revealed?.by === "typing") revealed = null;
    if (isTyped) revealed = typedRange(transaction, revealed);
    isStale = true;
  }
  const ask = effects.find((effect) => effect.is(revealRequested));
  let left: Revealed | null = null;
  if (ask !== undefined || effects.some((effect) => effect.is(hideAll)) || (revealed !== null && !touches(revealed, head))) {
    left = revealed;
    revealed = null;
  }
  const given = effects.find((effect) => effect.is(foundSecrets));
  let spans = given?.value ?? null;
  // Text typed into a long document is masked as a whole until the next scan finds the secrets in it.
  if (spans === null && isStale && (newDoc.length <= SCANNED_AT_ONCE || (docChanged && !isTyped))) {
    spans = secrets(newDoc.toString());
  }
  if (spans !== null) {
    const keepsOld = revealed !== null && !isExternal;
    ({ hidden, revealed } = masksAfterScan(spans, hidden, revealed, head, keepsOld));
    isStale = false;
  } else if (left !== null && left.from < left.to) {
    hidden = covering([...spansOf(hidden), left]);
  }
  if (ask !== undefined) {
    const { from, to } = ask.value;
    revealed = { from, to, by: "request" };
    hidden = hidden.update({ filter: (start, end) => end <= from || start >= to });
  }
  return { hidden, revealed, isStale };
}

/**
 * Returns the masks after a scan found `spans`. Only the secret that is being typed or was asked for stays readable, and
 * text that was masked before does not become readable with it. `keepsOld` also keeps masks of text that is no longer a
 * secret: a person who edits a field's name has not asked to see its value.
 */
function masksAfterScan(
  spans: readonly Span[], old: DecorationSet, revealed: Revealed | null, head: number, keepsOld: boolean,
): { hidden: DecorationSet; revealed: Revealed | null } {
  const opened = revealed === null ? undefined : spans.find(
    (span) => span.from <= revealed.to && span.to >= revealed.from && touches(span, head),
  );
  let covered = spans;
  let next = revealed;
  if (revealed !== null && opened !== undefined) {
    covered = spans.filter((span) => span !== opened);
    if (overlaps(old, opened)) {
      // Typing at the edge of a mask: the masked text stays masked, and the cursor stays outside of the mask.
      covered = [...covered, { from: opened.from, to: revealed.from }, { from: revealed.to, to: opened.to }];
    } else {
      next = { ...opened, by: revealed.by };
    }
  }
  return { hidden: covering(keepsOld ? [...covered, ...spansOf(old)] : covered), revealed: next };
}

/** Returns the range that is being typed, extended by the change. */
function typedRange(transaction: Transaction, revealed: Revealed | null): Revealed | null {
  let from = Infinity;
  let to = 0;
  transaction.changes.iterChangedRanges((_from, _to, start, end) => {
    from = Math.min(from, start);
    to = Math.max(to, end);
  });
  if (from > to) return revealed;
  if (revealed !== null && from <= revealed.to && to >= revealed.from) {
    return { by: revealed.by, from: Math.min(from, revealed.from), to: Math.max(to, revealed.to) };
  }
  const line = transaction.newDoc.lineAt(transaction.newSelection.main.head);
  return { by: "typing", from: Math.max(from, line.from), to: Math.max(line.from, Math.min(to, line.to)) };
}

class Mask extends WidgetType {
  override eq(): boolean {
    return true;
  }
  override toDOM(): HTMLElement {
    const mask = document.createElement("span");
    mask.className = "mask";
    mask.setAttribute("role", "img");
    mask.setAttribute("aria-label", "secret, hidden");
    mask.textContent = MASK;
    return mask;
  }
  override ignoreEvent(): boolean {
    return false;
  }
}

const mask = Decoration.replace({ widget: new Mask() });

function covering(spans: readonly Span[]): DecorationSet {
  const merged: Span[] = [];
  for (const { from, to } of spans.toSorted((one, other) => one.from - other.from)) {
    const last = merged.at(-1);
    if (from >= to) continue;
    if (last !== undefined && from < last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return RangeSet.of(merged.map(({ from, to }) => mask.range(from, to)));
}

function spansOf(set: DecorationSet): Span[] {
  const spans: Span[] = [];
  for (const each = set.iter(); each.value !== null; each.next()) spans.push({ from: each.from, to: each.to });
  return spans;
}

function touches({ from, to }: Span, at: number): boolean {
  return at >= from && at <= to;
}

function overlaps(set: DecorationSet, { from, to }: Span): boolean {
  let some = false;
  set.between(from, to, (start, end) => {
    some = start < to && end > from;
    return some ? false : undefined;
  });
  return some;
}

function rejectMasks(data: DataTransfer | null, event: Event, rejected: () => void): boolean {
  if (data?.getData("text/plain").includes(MASK) !== true) return false;
  event.preventDefault();
  rejected();
  return true;
}

/** Returns whether a change inserts a mask, by whatever means. A saved mask would replace a secret. */
function insertsMask(transaction: Transaction): boolean {
  if (!transaction.docChanged || transaction.annotation(external) === true) return false;
  let some = false;
  transaction.changes.iterChanges((_from, _to, from, to, inserted) => {
    some ||= inserted.length > 0
      && transaction.newDoc.sliceString(Math.max(0, from - MASK.length), to + MASK.length).includes(MASK)
      && inserted.toString().includes(MASK.charAt(0));
  });
  return some;
}

/** Makes searches skip masked text, and makes their announcements name only the line of a match. */
function withMaskedSearch(transaction: Transaction) {
  const leaksSecrets = (effect: StateEffect<unknown>) =>
    (effect.is(setSearchQuery) && effect.value.test !== isReadable) || effect.is(EditorView.announce);
  if (!transaction.effects.some(leaksSecrets)) return transaction;
  const effects = transaction.effects.map((effect): StateEffect<unknown> => {
    if (effect.is(setSearchQuery)) {
      const { search, caseSensitive, literal, regexp, replace, wholeWord } = effect.value;
      return setSearchQuery.of(
        new SearchQuery({ search, caseSensitive, literal, regexp, replace, wholeWord, test: isReadable }),
      );
    }
    if (effect.is(EditorView.announce)) {
      const at = Math.min(transaction.newSelection.main.from, transaction.newDoc.length);
      return EditorView.announce.of(`Found on line ${transaction.newDoc.lineAt(at).number}`);
    }
    return effect;
  });
  const userEvent = transaction.annotation(Transaction.userEvent);
  return {
    changes: transaction.changes,
    effects,
    scrollIntoView: transaction.scrollIntoView,
    ...(transaction.selection !== undefined && { selection: transaction.selection }),
    ...(userEvent !== undefined && { userEvent }),
  };
}

function isReadable(_match: string, state: EditorState, from: number, to: number): boolean {
  return !isHidden(state, from, to);
}
