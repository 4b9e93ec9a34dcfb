/** Styles of the page: header, tabs, columns, notices. */

import { css } from "lit";

/** Styles of `<pool-page>`. */
export const pageStyle = css`
  :host { min-height: 100dvh; display: flex; flex-direction: column; }
  header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0.5rem 1.25rem;
    padding: 0.6rem clamp(0.75rem, 2vw, 2rem);
    border-bottom: 1px solid var(--line);
    background: var(--raised);
  }
  h1 { display: flex; align-items: center; gap: 0.5rem; }
  .document { display: flex; flex-wrap: wrap; gap: 0.5rem; min-width: 0; }
  .file { overflow-wrap: anywhere; font-weight: 600; }
  .tools { margin-left: auto; }
  main { flex: 1; padding: 1rem clamp(0.75rem, 2vw, 2rem) 2rem; width: 100%; max-width: 160rem; margin: 0 auto; }
  .error { display: flex; gap: 1rem; align-items: center; padding: 0.6rem clamp(0.75rem, 2vw, 2rem); background: var(--bad-background); color: var(--bad); font-weight: 600; }
  .error button { margin-left: auto; color: var(--text); }
  .welcome { max-width: 44rem; margin: 8vh auto 0; display: grid; gap: 1.25rem; }
  .points { display: grid; gap: 0.5rem; border-top: 1px solid var(--line); padding-top: 1.25rem; }
  .tabs { display: flex; flex-wrap: wrap; gap: 0.25rem; border-bottom: 1px solid var(--line); margin-bottom: 1rem; }
  [role="tab"] { border: 0; border-bottom: 3px solid transparent; border-radius: var(--radius) var(--radius) 0 0; background: transparent; }
  [role="tab"][aria-selected="true"] { border-bottom-color: var(--accent); font-weight: 600; }
  .columns { display: grid; grid-template-columns: minmax(12rem, 17rem) minmax(0, 1fr); gap: 1.5rem; }
  .pool { display: grid; gap: 1rem; align-content: start; min-width: 0; }
  .pool h2 { overflow-wrap: anywhere; }
  .spacer { flex: 1; }
  .notice { padding: 0.5rem 0.75rem; border-radius: var(--radius); background: var(--wait-background); color: var(--wait); font-weight: 600; }
  .notice button { color: var(--text); font-weight: 400; }
  .drop { position: fixed; inset: 0.5rem; display: grid; place-items: center; border: 3px dashed var(--accent); border-radius: 1rem; background: color-mix(in srgb, var(--background) 85%, transparent); font-size: 1.25rem; pointer-events: none; }
  @media (max-width: 50rem) {
    .columns { grid-template-columns: minmax(0, 1fr); }
    .tools { margin-left: 0; }
  }
`;
