import type { AnswerAccount } from './marker.js';
import type { ClientCounts } from './types.js';

interface Account {
  readonly uri: string;
  readonly versions: Map<string, number>;
  unmarked: number;
  failed: number;
}

/** The client's books: every request that ended is in exactly one of versions, unmarked, failed. */
export class Tally {
  readonly #byUri: Account[];
  readonly #versionNames: readonly string[];
  /** Answers by status code. */
  readonly #status = new Float64Array(1000);
  readonly #errors = new Map<string, number>();
  #sent = 0;
  #ended = 0;
  #bytes = 0;

  /** @param versionNames versions that are reported even while they are 0. */
  constructor(uris: readonly string[], versionNames: readonly string[]) {
    this.#versionNames = versionNames;
    this.#byUri = uris.map((uri) => ({ uri, versions: new Map(), unmarked: 0, failed: 0 }));
  }

  get sent(): number {
    return this.#sent;
  }

  /** Opens the account of a URI that was not known before. @returns its position. */
  addUri(uri: string): number {
    return this.#byUri.push({ uri, versions: new Map(), unmarked: 0, failed: 0 }) - 1;
  }

  /** @param kind a key of `ClientCounts.errors`. */
  errorCount(kind: string): number {
    return this.#errors.get(kind) ?? 0;
  }

  send(): void {
    this.#sent++;
  }

  receive(bytes: number): void {
    this.#bytes += bytes;
  }

  /** A complete answer. */
  answered(uri: number, status: number, account: AnswerAccount): void {
    this.#ended++;
    this.#status[status] = (this.#status[status] as number) + 1;
    const books = this.#byUri[uri] as Account;
    switch (account.kind) {
      case 'version':
        books.versions.set(account.version, (books.versions.get(account.version) ?? 0) + 1);
        return;
      case 'unmarked':
        books.unmarked++;
        return;
      case 'failed':
        books.failed++;
        if (account.reason === 'offline-page') this.#error(account.reason);
    }
  }

  /** A request that ended without a complete answer. */
  broken(uri: number, kind: string): void {
    this.#ended++;
    (this.#byUri[uri] as Account).failed++;
    this.#error(kind);
  }

  /** @param dropped as the schedule counts them. */
  counts(dropped: number): ClientCounts {
    const byUri = this.#byUri.map(({ uri, versions, unmarked, failed }) => ({
      uri,
      versions: Object.fromEntries(this.#versionNames.map((name) => [name, versions.get(name) ?? 0])),
      unmarked,
      failed,
    }));
    const sum = (of: (books: Account) => number) => this.#byUri.reduce((total, books) => total + of(books), 0);
    return {
      sent: this.#sent,
      ended: this.#ended,
      versions: Object.fromEntries(
        this.#versionNames.map((name) => [name, sum((books) => books.versions.get(name) ?? 0)]),
      ),
      unmarked: sum((books) => books.unmarked),
      failed: sum((books) => books.failed),
      dropped,
      bytesReceived: this.#bytes,
      status: Object.fromEntries([...this.#status.entries()].filter(([, count]) => count > 0)),
      errors: Object.fromEntries(this.#errors),
      byUri,
    };
  }

  #error(kind: string): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
  }
}
