/** What screen readers are told. */

// Screen readers say what changes in a region that they know already.
const region = create();

/** Says something once, when it is quiet. */
export function announce(text: string): void {
  // The same words twice are no change, and would not be said.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

function create(): Element {
  const region = Object.assign(document.createElement("div"), { id: "announcer", className: "unseen" });
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  document.body.append(region);
  return region;
}
