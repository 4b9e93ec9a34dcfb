/** `<time-left>`: the time until a moment, counted down every second. */

import { LitElement } from "lit";
import { duration } from "./format";

/** All connected elements. One timer updates them, so that they count in step. */
const connected = new Set<TimeLeft>();
setInterval(() => connected.forEach((each) => each.requestUpdate()), 1000);

/** Fires `over` when the moment is reached. */
class TimeLeft extends LitElement {
  static override properties = { until: { type: Number } };
  declare until: number;

  override connectedCallback(): void {
    super.connectedCallback();
    connected.add(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    connected.delete(this);
  }

  override render(): string {
    const left = this.until - Date.now();
    if (left <= 0) queueMicrotask(() => this.dispatchEvent(new Event("over", { bubbles: true, composed: true })));
    return duration(left);
  }
}
customElements.define("time-left", TimeLeft);
