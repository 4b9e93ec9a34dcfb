/** CodeMirror setup of the JSON view: extensions, keys, colours. */

import { cursorDocEnd, cursorDocStart, defaultKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import {
  bracketMatching, codeFolding, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { nextDiagnostic, previousDiagnostic } from "@codemirror/lint";
import { closeSearchPanel, findNext, findPrevious, openSearchPanel, search } from "@codemirror/search";
import { EditorSelection, EditorState, type Extension } from "@codemirror/state";
import {
  type Command, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter,
  highlightSpecialChars, keymap, lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { hide, isHidden, masks, reveal } from "./masks";

/** Callbacks from the editor to the view. */
export interface EditorHost {
  undo(): void;
  redo(): void;
  /** Text that contains a mask was rejected. */
  maskRejected(): void;
}

/** Returns the extensions of the editor. It has no history of its own: undo and redo belong to the page. */
export function editor(host: EditorHost): Extension {
  const undo: Command = () => (host.undo(), true);
  const redo: Command = () => (host.redo(), true);
  return [
    // With "\n" as the only separator, carriage returns stay in the text and offsets equal those of the core.
    EditorState.lineSeparator.of("\n"),
    EditorView.contentAttributes.of({
      "aria-label": "The document as JSON",
      "aria-describedby": "keys",
      tabindex: "0",
    }),
    masks(() => host.maskRejected()),
    lineNumbers(),
    foldGutter({ openText: "▾", closedText: "▸" }),
    codeFolding(),
    highlightSpecialChars({
      render(code, description, placeholder) {
        const mark = document.createElement("span");
        if (code === 13) return mark;
        mark.className = "cm-specialChar";
        mark.textContent = placeholder ?? "•";
        mark.setAttribute("role", "img");
        mark.setAttribute("aria-label", description ?? "control character");
        return mark;
      },
    }),
    drawSelection(),
    dropCursor(),
    indentUnit.of("  "),
    indentOnInput(),
    bracketMatching(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    json(),
    syntaxHighlighting(highlighting),
    search({ top: true }),
    EditorView.lineWrapping,
    EditorView.domEventHandlers({
      beforeinput(event) {
        if (event.inputType !== "historyUndo" && event.inputType !== "historyRedo") return false;
        event.preventDefault();
        (event.inputType === "historyUndo" ? undo : redo)(null as never);
        return true;
      },
    }),
    keymap.of([
      { key: "Mod-z", run: undo, preventDefault: true },
      { key: "Mod-y", mac: "Mod-Shift-z", run: redo, preventDefault: true },
      { key: "Mod-Shift-z", run: redo, preventDefault: true },
      { key: "Alt-Enter", run: (view) => hide(view) || reveal(view) || true },
      { key: "Mod-f", run: withoutSecretSelection(openSearchPanel), scope: "editor search-panel" },
      ...["F3", "Mod-g"].map((key) => ({
        key,
        run: withoutSecretSelection(findNext),
        shift: withoutSecretSelection(findPrevious),
        scope: "editor search-panel",
        preventDefault: true,
      })),
      { key: "Escape", run: closeSearchPanel, scope: "editor search-panel" },
      { key: "F8", run: nextDiagnostic, shift: previousDiagnostic },
      { key: "Mod-Home", run: cursorDocStart },
      { key: "Mod-End", run: cursorDocEnd },
      ...foldKeymap,
      ...defaultKeymap,
    ]),
    theme,
  ];
}

/** Wraps a command that searches for the selection: a selection that contains a hidden secret is dropped first. */
export function withoutSecretSelection(command: Command): Command {
  return (view) => {
    const { from, to, head } = view.state.selection.main;
    if (isHidden(view.state, from, to)) view.dispatch({ selection: EditorSelection.cursor(head) });
    return command(view);
  };
}

const highlighting = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--wait)" },
  { tag: tags.invalid, color: "var(--bad)", textDecoration: "underline wavy" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--background)", fontSize: "0.9rem", maxHeight: "70vh" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", minHeight: "8rem" },
  ".cm-content:focus-visible": { outline: "none" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)", borderLeftWidth: "2px" },
  ".cm-gutters": { color: "var(--muted)", backgroundColor: "var(--raised)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--raised) 60%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--sunken)", color: "var(--text)" },
  [`& > .cm-scroller > .cm-selectionLayer .cm-selectionBackground,
    &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground`]:
    { backgroundColor: "color-mix(in srgb, var(--accent) 28%, var(--background))" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--good-background)", outline: "1px solid var(--good)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-background)", outline: "1px solid var(--bad)" },
  ".cm-foldPlaceholder": { color: "var(--muted)", backgroundColor: "var(--sunken)", border: "1px solid var(--edge)" },
  ".cm-searchMatch": { backgroundColor: "var(--wait-background)", outline: "1px solid var(--wait)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--accent)", "& *": { color: "var(--on-accent)" } },
  ".cm-panels": { color: "var(--text)", backgroundColor: "var(--raised)", borderColor: "var(--line)", zIndex: "2" },
  ".cm-panel.cm-search": {
    display: "flex", flexWrap: "wrap", alignItems: "center", gap: "0.4rem", padding: "0.5rem 2.5rem 0.5rem 0.5rem",
    font: "0.9rem/1.5 system-ui, sans-serif",
    "& br": { display: "none" },
    "& label": { display: "inline-flex", alignItems: "center", gap: "0.3rem", fontSize: "inherit", fontWeight: "400" },
    "& input, & button, & label": { margin: "0" },
    "& [name=close]": {
      top: "0.5rem",
      right: "0.5rem",
      minHeight: "1.75rem",
      minWidth: "1.75rem",
      padding: "0",
      cursor: "pointer",
    },
  },
  ".cm-textfield": {
    width: "12rem",
    font: "inherit",
    color: "var(--text)",
    backgroundColor: "var(--background)",
    border: "1px solid var(--edge)",
  },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--background)",
    font: "inherit",
    border: "1px solid var(--edge)",
  },
  ".cm-tooltip": {
    color: "var(--text)",
    backgroundColor: "var(--raised)",
    border: "1px solid var(--edge)",
    maxWidth: "min(30rem, 90vw)",
  },
  ".cm-diagnostic": { padding: "0.4rem 0.6rem", font: "0.9rem/1.5 system-ui, sans-serif", whiteSpace: "normal" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--wait)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--wait)" },
  ".cm-lintRange-active": { backgroundColor: "var(--wait-background)" },
  ".cm-specialChar": { color: "var(--bad)" },
  ".mask": {
    color: "var(--muted)",
    backgroundColor: "var(--sunken)",
    borderRadius: "0.25rem",
    padding: "0 0.15rem",
    cursor: "pointer",
    letterSpacing: "0.05em",
  },
  ".mask:hover": { color: "var(--text)", textDecoration: "underline" },
});
