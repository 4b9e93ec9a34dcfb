/** Styles shared by all elements. Each element adopts them into its own shadow tree. */

import { css } from "lit";

/** Styles of controls, tags and text. */
export const shared = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host {
    display: block;
  }
  [hidden] {
    display: none !important;
  }
  h1, h2, h3, p, ul, ol, dl, dd, fieldset {
    margin: 0;
    padding: 0;
  }
  ul, ol {
    list-style: none;
  }
  fieldset {
    border: 0;
    min-width: 0;
  }
  h1 { font-size: 1.25rem; line-height: 1.3; }
  h2 { font-size: 1.1rem; line-height: 1.3; }
  h3 { font-size: 1rem; line-height: 1.3; }
  code, .mono {
    font-family: var(--mono);
    font-size: 0.9em;
  }
  a { color: var(--accent); }
  .muted { color: var(--muted); }
  button, select, input, textarea {
    font: inherit;
    color: inherit;
    border: 1px solid var(--edge);
    border-radius: var(--radius);
    background: var(--background);
    padding: 0.3rem 0.65rem;
    min-height: 2.25rem;
  }
  input, select, textarea { width: 100%; }
  input[type="checkbox"], input[type="radio"] { width: auto; min-height: 0; }
  button {
    cursor: pointer;
    background: var(--raised);
  }
  button:hover:not(:disabled, [aria-disabled="true"]) { background: var(--sunken); }
  button:disabled, [aria-disabled="true"] {
    cursor: default;
    color: var(--muted);
    border-color: var(--line);
  }
  button.main {
    background: var(--accent);
    border-color: var(--accent);
    color: var(--on-accent);
  }
  button.main:hover:not(:disabled) {
    background: var(--accent);
    text-decoration: underline;
  }
  button.danger { color: var(--bad); }
  button.plain {
    border-color: transparent;
    background: transparent;
    padding-inline: 0.4rem;
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  label { display: block; font-weight: 600; }
  .help { color: var(--muted); font-size: 0.9rem; }
  .fault { color: var(--bad); font-size: 0.9rem; font-weight: 600; }
  [aria-invalid="true"] { border-color: var(--bad); }
  .tag {
    display: inline-block;
    padding: 0 0.5rem;
    border-radius: 1rem;
    font-size: 0.85rem;
    white-space: nowrap;
    background: var(--sunken);
  }
  .tag.good { color: var(--good); background: var(--good-background); }
  .tag.wait { color: var(--wait); background: var(--wait-background); }
  .tag.bad { color: var(--bad); background: var(--bad-background); }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem;
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    *, *::before, *::after {
      animation-duration: 0s !important;
      transition-duration: 0s !important;
      scroll-behavior: auto !important;
    }
  }
`;
