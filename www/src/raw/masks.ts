/** Secrets of a text in an editor: a mask stands where each would, until a person asks for one of them. */

import {
  Annotation, EditorSelection, EditorState, type Extension, RangeSet, StateEffect, StateField, Transaction,
} from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import { SearchQuery, setSearchQuery } from "@codemirror/search";
import { secrets, type Span } from "../whole-core";

/** What stands for a secret. */
export const MASK = "••••••••";

/** Marks text that does not come from this editor's own user. */
export const fromElsewhere = Annotation.define<boolean>();

/** The place of the secret that can be read now. */
export interface Shown extends Span {
  /** What shows it: that a person types it, or that one asked for it. */
  by: "typing" | "asking";
}

/** Longer texts are searched for secrets when typing rests, not with every key. */
export const SEARCHED_AT_ONCE = 200_000;

/** Masks an editor's secrets, in all that leaves it. `refused` is called when text with a mask in it was kept out. */
export function masks(refused: () => void): Extension {
  return [
    field,
    EditorView.atomicRanges.of((view) => view.state.field(field).hidden),
    EditorView.clipboardOutputFilter.of((_, state) => {
      const { main } = state.selection;
      const { from, to } = main.empty ? state.doc.lineAt(main.head) : main;
      return visibleText(state, from, to);
    }),
    EditorView.domEventHandlers({
      paste: (event) => keepsOut(event.clipboardData, event, refused),
      drop: (event) => keepsOut(event.dataTransfer, event, refused),
      click(event, view) {
        const mask = event.target instanceof Element ? event.target.closest(".mask") : null;
        return mask !== null && reveal(view, view.posAtDOM(mask));
      },
    }),
    EditorState.transactionFilter.of((transaction) => {
      if (!insertsMask(transaction)) return transaction;
      queueMicrotask(refused);
      return [];
    }),
    EditorState.transactionFilter.of(withoutFinds),
  ];
}

/** The secret that can be read now. */
export function shownSecret(state: EditorState): Shown | null {
  return state.field(field).shown;
}

/** Whether secrets may have been typed since the text was searched for them. */
export function isStale(state: EditorState): boolean {
  return state.field(field).isStale;
}

/** Masks the secrets that were found in the text as it is now. */
export function found(spans: readonly Span[]): StateEffect<unknown> {
  return foundSecrets.of(spans);
}

/** Shows the secret at a place, or else the nearest in its line; false if there is none. */
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
  view.dispatch({ effects: asked.of({ from, to }), selection: EditorSelection.cursor(from), scrollIntoView: true });
  return true;
}

/** Masks what can be read; false if nothing could. */
export function hide(view: EditorView): boolean {
  const { shown } = view.state.field(field);
  if (shown === null) return false;
  const { head } = view.state.selection.main;
  const isInside = shown.by === "asking" && head > shown.from && head < shown.to;
  view.dispatch({ effects: hideAll.of(null), ...(isInside && { selection: EditorSelection.cursor(shown.from) }) });
  return true;
}

/** Part of the text, with masks. */
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

/** Whether a mask covers some of it. */
export function isHidden(state: EditorState, from: number, to: number): boolean {
  return overlaps(state.field(field).hidden, { from, to });
}

interface Masks {
  /** Never behind the text: its masks move with it. */
  hidden: DecorationSet;
  shown: Shown | null;
  isStale: boolean;
}

const foundSecrets = StateEffect.define<readonly Span[]>();
const asked = StateEffect.define<Span>();
const hideAll = StateEffect.define<null>();

const field = StateField.define<Masks>({
  create: (state) => ({ hidden: covering(secrets(state.doc.toString())), shown: null, isStale: false }),
  update: next,
  provide: (masks) => EditorView.decorations.from(masks, ({ hidden }) => hidden),
});

function next(masks: Masks, transaction: Transaction): Masks {
  const { docChanged, changes, newDoc, effects } = transaction;
  const isElsewhere = transaction.annotation(fromElsewhere) === true;
  if (!docChanged && effects.length === 0 && transaction.selection === undefined) return masks;
  const head = transaction.newSelection.main.head;
  let { hidden, shown, isStale } = masks;
  const isTyped = !isElsewhere && (transaction.isUserEvent("input.type") || transaction.isUserEvent("delete"));
  if (docChanged) {
    hidden = hidden.map(changes);
    if (shown !== null) shown = { ...shown, from: changes.mapPos(shown.from, -1), to: changes.mapPos(shown.to, 1) };
    // Nobody typed what an undo brings back.
    if (isElsewhere && shown?.by === "typing") shown = null;
    if (isTyped) shown = typed(transaction, shown);
    isStale = true;
  }
  const ask = effects.find((effect) => effect.is(asked));
  let left: Shown | null = null;
  if (ask !== undefined || effects.some((effect) => effect.is(hideAll)) || (shown !== null && !touches(shown, head))) {
    left = shown;
    shown = null;
  }
  const given = effects.find((effect) => effect.is(foundSecrets));
  let spans = given?.value ?? null;
  // Text that was typed in a long document is covered as a whole until it is known what of it is secret.
  if (spans === null && isStale && (newDoc.length <= SEARCHED_AT_ONCE || (docChanged && !isTyped))) {
    spans = secrets(newDoc.toString());
  }
  if (spans !== null) {
    const keepsOld = shown !== null && !isElsewhere;
    ({ hidden, shown } = settled(spans, hidden, shown, head, keepsOld));
    isStale = false;
  } else if (left !== null && left.from < left.to) {
    hidden = covering([...spansOf(hidden), left]);
  }
  if (ask !== undefined) {
    const { from, to } = ask.value;
    shown = { from, to, by: "asking" };
    hidden = hidden.update({ filter: (start, end) => end <= from || start >= to });
  }
  return { hidden, shown, isStale };
}

/**
 * What is to be hidden of a text whose secrets were found. Readable stays only what is being typed or was asked for,
 * and nothing that was hidden before becomes readable with it. `keepsOld` also keeps what is no secret any longer:
 * whoever changes a letter of a name has not asked to read what it names.
 */
function settled(
  spans: readonly Span[], old: DecorationSet, shown: Shown | null, head: number, keepsOld: boolean,
): { hidden: DecorationSet; shown: Shown | null } {
  const opened = shown === null ? undefined : spans.find(
    (span) => span.from <= shown.to && span.to >= shown.from && touches(span, head),
  );
  let covered = spans;
  let next = shown;
  if (shown !== null && opened !== undefined) {
    covered = spans.filter((span) => span !== opened);
    if (overlaps(old, opened)) {
      // Typed at the edge of a mask: what it covered stays covered, and the cursor is not shut in.
      covered = [...covered, { from: opened.from, to: shown.from }, { from: shown.to, to: opened.to }];
    } else {
      next = { ...opened, by: shown.by };
    }
  }
  return { hidden: covering(keepsOld ? [...covered, ...spansOf(old)] : covered), shown: next };
}

/** The place that is being typed at, after more was typed. */
function typed(transaction: Transaction, shown: Shown | null): Shown | null {
  let from = Infinity;
  let to = 0;
  transaction.changes.iterChangedRanges((_from, _to, start, end) => {
    from = Math.min(from, start);
    to = Math.max(to, end);
  });
  if (from > to) return shown;
  if (shown !== null && from <= shown.to && to >= shown.from) {
    return { by: shown.by, from: Math.min(from, shown.from), to: Math.max(to, shown.to) };
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

function keepsOut(data: DataTransfer | null, event: Event, refused: () => void): boolean {
  if (data?.getData("text/plain").includes(MASK) !== true) return false;
  event.preventDefault();
  refused();
  return true;
}

/** However it comes in: a mask that was saved would be a lost secret. */
function insertsMask(transaction: Transaction): boolean {
  if (!transaction.docChanged || transaction.annotation(fromElsewhere) === true) return false;
  let some = false;
  transaction.changes.iterChanges((_from, _to, from, to, inserted) => {
    some ||= inserted.length > 0
      && transaction.newDoc.sliceString(Math.max(0, from - MASK.length), to + MASK.length).includes(MASK)
      && inserted.toString().includes(MASK.charAt(0));
  });
  return some;
}

/** Searching finds nothing under a mask, and what is said of a place found is only its line. */
function withoutFinds(transaction: Transaction) {
  const isToMend = (effect: StateEffect<unknown>) =>
    (effect.is(setSearchQuery) && effect.value.test !== isReadable) || effect.is(EditorView.announce);
  if (!transaction.effects.some(isToMend)) return transaction;
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
