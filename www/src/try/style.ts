/** Styles shared by the elements of “Try it”. */

import { css } from "lit";

/** Styles of fields, cards and tables. */
export const tryStyle = css`
  .fields {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr));
    gap: var(--gap);
    align-items: end;
  }
  .fields label { font-size: 0.9rem; margin-bottom: 0.15rem; }
  .check { display: flex; gap: 0.5rem; align-items: center; min-height: 2.25rem; }
  .check label { font-weight: 400; margin: 0; }
  .check input { flex: none; width: 1.1rem; height: 1.1rem; }
  .card {
    border: 1px solid var(--line);
    border-radius: var(--radius);
    padding: var(--gap) 1rem 1rem;
    background: var(--background);
    min-width: 0;
  }
  summary { cursor: pointer; padding: 0.35rem 0; font-weight: 600; }
  table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
  th, td { text-align: start; padding: 0.25rem 0.75rem 0.25rem 0; vertical-align: top; }
  th { font-weight: 600; }
  tr + tr > * { border-top: 1px solid var(--line); }
  .number { text-align: end; font-variant-numeric: tabular-nums; }
  .scroll { overflow: auto; }
`;
