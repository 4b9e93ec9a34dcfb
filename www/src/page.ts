import { html, LitElement } from "lit";
import { shared } from "./style";

class PoolPage extends LitElement {
  static override styles = shared;
  override render() {
    return html`<p>…</p>`;
  }
}
customElements.define("pool-page", PoolPage);
