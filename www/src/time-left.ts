/** `<time-left>`: how long something takes, counted down while it is shown. */

import { LitElement } from "lit";
import { duration } from "./words";

/** One clock for all, so that a thousand of them tick together. */
const shown = new Set<TimeLeft>();
setInterval(() => shown.forEach((each) => each.requestUpdate()), 1000);

class TimeLeft extends LitElement {
  static override properties = { until: { type: Number } };
  declare until: number;

  override connectedCallback(): void {
    super.connectedCallback();
    shown.add(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    shown.delete(this);
  }

  override render(): string {
    const left = this.until - Date.now();
    if (left <= 0) queueMicrotask(() => this.dispatchEvent(new Event("over", { bubbles: true, composed: true })));
    return duration(left);
  }
}
customElements.define("time-left", TimeLeft);
