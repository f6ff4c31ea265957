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

  opened(): void {
    this.#opened++;
  }

  fresh(): void {
    this.#fresh++;
  }

  /** Forgets what connections have told: what another release stage answered is no predecessor. */
  resetWindow(): void {
    this.#window++;
  }

  /** An answer that tells its version. */
  told(carrier: Carrier, version: string): void {
    if (carrier.window !== this.#window) this.#first.set(version, (this.#first.get(version) ?? 0) + 1);
    else {
      this.#pairs++;
      if (carrier.version === version) this.#agreeing++;
    }
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
