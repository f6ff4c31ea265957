import type { Carrier } from './flight.js';
import type { ConnectionCounts } from './types.js';

/** What the versions that answer on one connection tell about the unit of choice, in constant memory. */
export class ConnectionBook {
  readonly #first = new Map<string, number>();
  #window = 1;
  #opened = 0;
  #fresh = 0;
  #pairs = 0;
  #agreeing = 0;

  opened(carrier: Carrier): void {
    this.#opened++;
    carrier.born = this.#window;
  }

  fresh(): void {
    this.#fresh++;
  }

  /** Forgets what connections have told: what another release stage answered is no predecessor. */
  resetWindow(): void {
    this.#window++;
  }

  /** An answer that tells its version. What a connection of an earlier window was drawn for is no draw of this one. */
  told(carrier: Carrier, version: string): void {
    if (carrier.window === this.#window) {
      this.#pairs++;
      if (carrier.version === version) this.#agreeing++;
    } else if (carrier.born === this.#window) this.#first.set(version, (this.#first.get(version) ?? 0) + 1);
    carrier.version = version;
    carrier.window = this.#window;
  }

  counts(): ConnectionCounts {
    return {
      opened: this.#opened,
      fresh: this.#fresh,
      pairs: this.#pairs,
      agreeing: this.#agreeing,
      first: Object.fromEntries(this.#first),
    };
  }
}
