/** Announcements for screen readers, through one live region. */

// Screen readers announce changes only of a region that already exists.
const region = create();

/** Announces a text politely. */
export function announce(text: string): void {
  // An equal text would be no change and is not announced; the trailing space makes it one.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

function create(): Element {
  const region = Object.assign(document.createElement("div"), { id: "announcer", className: "visually-hidden" });
  region.setAttribute("role", "status");
  region.setAttribute("aria-live", "polite");
  document.body.append(region);
  return region;
}
