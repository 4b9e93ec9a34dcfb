/** Progress of the demo: a progress bar on a terminal, plain lines elsewhere. */

const PLAIN_STEP = 50;

export class Progress {
  #served = 0;
  #shown = 0;

  /**
   * @param {NodeJS.WriteStream} out
   * @param {number} requests
   */
  constructor(out, requests) {
    this.out = out;
    this.requests = requests;
  }

  /**
   * Prints an event.
   *
   * @param {string} event
   */
  log(event) {
    this.#clear();
    this.out.write(`${event}\n`);
    this.#draw();
  }

  /** @param {number} served */
  update(served) {
    this.#served = served;
    if (this.out.isTTY) {
      this.#clear();
      this.#draw();
    } else if (served >= this.#shown + PLAIN_STEP) {
      this.#shown = served;
      this.out.write(`${served} of ${this.requests} requests served\n`);
    }
  }

  end() {
    this.#clear();
  }

  #clear() {
    if (this.out.isTTY) this.out.write("\r\x1b[2K");
  }

  #draw() {
    const WIDTH = 30;
    const done = Math.round((this.#served / this.requests) * WIDTH);
    const bar = "█".repeat(done).padEnd(WIDTH, "░");
    if (this.out.isTTY) this.out.write(`${bar} ${this.#served} of ${this.requests} requests served`);
  }
}
