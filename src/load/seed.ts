import { request } from 'undici';
import { type Clock, sleep } from '../base/clock.js';
import { EnvironmentError, errorText } from '../base/errors.js';
import { SEED_NAMES } from '../scenario/seeds.js';
import type { SeedName } from '../scenario/types.js';
import { forms, links } from './html.js';
import { fillForm, SEED_RECORDS, type SeedRecord, type Variables } from './seedRecords.js';
import { USER_AGENT } from './version.js';

/** An application that has just started may refuse for a while. */
const PATIENCE_MS = 20_000;
const RETRY_MS = 250;
/** A record may show up on its list a while after it was accepted: services are told by messages. */
const SHOWN_WITHIN_MS = 4000;
const PAGE_TIMEOUT_MS = 5000;
const LARGEST_PAGE_BYTES = 8 * 1024 * 1024;

export interface SeedOptions {
  readonly baseUrl: string;
  /** What a record needs (a vehicle its customer) is created too. */
  readonly names: readonly SeedName[];
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface SeedResult {
  /** `customerId`, `licenseNumber`, `jobId`, `planningDate`: what `{...}` in URIs stands for. */
  readonly variables: Readonly<Record<string, string>>;
  /** The records that were not there before. */
  readonly created: readonly SeedName[];
}

/**
 * Makes sure that Pitstop holds the records that the URI list needs: looks on the list pages, else posts the application's own forms.
 * @throws EnvironmentError with the address and what came back, when the application does not take them within 20 s.
 */
export async function seedData(options: SeedOptions): Promise<SeedResult> {
  const wanted = new Set<SeedName>();
  for (const name of options.names) {
    for (let each: SeedName | undefined = name; each; each = SEED_RECORDS[each].needs) wanted.add(each);
  }
  let variables: Variables = {};
  const created: SeedName[] = [];
  const deadline = options.clock.now() + PATIENCE_MS;
  for (const name of SEED_NAMES.filter((each) => wanted.has(each))) {
    const record = await new Seeder(options, SEED_RECORDS[name], variables).ensure(deadline);
    variables = { ...variables, ...record.variables };
    if (record.created) created.push(name);
  }
  return { variables, created };
}

class Seeder {
  readonly #options: SeedOptions;
  readonly #record: SeedRecord;
  readonly #variables: Variables;
  readonly #today: string;

  constructor(options: SeedOptions, record: SeedRecord, variables: Variables) {
    this.#options = options;
    this.#record = record;
    this.#variables = variables;
    this.#today = new Date(options.clock.wallMs()).toISOString().slice(0, 10);
  }

  async ensure(deadline: number): Promise<{ variables: Variables; created: boolean }> {
    const { clock, signal } = this.#options;
    let postedAt: number | undefined;
    let trouble: EnvironmentError | undefined;
    for (;;) {
      try {
        const variables = await this.#find();
        if (variables) return { variables, created: postedAt !== undefined };
        if (postedAt === undefined || clock.now() - postedAt > SHOWN_WITHIN_MS) {
          await this.#register();
          postedAt = clock.now();
        }
        trouble = this.#error(
          this.#record.registerPath,
          `accepted the ${this.#record.name}, but ${this.#record.listPath} does not show it`,
        );
      } catch (error) {
        if (!(error instanceof EnvironmentError)) throw error;
        trouble = error;
      }
      if (signal.aborted) throw this.#error('', 'was not asked any further: interrupted');
      if (clock.now() >= deadline) throw trouble;
      await sleep(clock, RETRY_MS, signal);
    }
  }

  async #find(): Promise<Variables | undefined> {
    const path = this.#record.listPath;
    const html = await this.#page('GET', path);
    for (const href of links(html)) {
      if (!URL.canParse(href, this.#options.baseUrl)) continue;
      const variables = this.#record.read(new URL(href, this.#options.baseUrl));
      if (!variables) continue;
      const date = 'jobId' in variables && !('planningDate' in variables) ? { planningDate: this.#today } : {};
      return { ...variables, ...date };
    }
    if (/\boffline\b/i.test(html)) throw this.#error(path, 'answers that a service behind it is offline');
    return undefined;
  }

  async #register(): Promise<void> {
    const { formPath, registerPath, fields } = this.#record;
    const page = await this.#page('GET', formPath);
    const form = forms(page).find(({ action }) => action.toLowerCase().includes(registerPath.toLowerCase()));
    const answer = await this.#page('POST', registerPath, fillForm(form, fields(this.#variables, this.#today)));
    if (/\boffline\b/i.test(answer)) throw this.#error(registerPath, 'answers that a service behind it is offline');
  }

  async #page(method: 'GET' | 'POST', path: string, fields?: Record<string, string>): Promise<string> {
    const timeout = AbortSignal.timeout(PAGE_TIMEOUT_MS);
    let status: number;
    const chunks: Buffer[] = [];
    try {
      const response = await request(new URL(path, this.#options.baseUrl), {
        method,
        signal: AbortSignal.any([timeout, this.#options.signal]),
        headers: {
          'user-agent': USER_AGENT,
          'cache-control': 'no-cache',
          ...(fields ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        },
        body: fields ? new URLSearchParams(fields).toString() : null,
      });
      status = response.statusCode;
      let bytes = 0;
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > LARGEST_PAGE_BYTES) throw new Error('the page is larger than 8 MiB');
        chunks.push(chunk);
      }
    } catch (error) {
      const what = timeout.aborted ? `did not answer within ${PAGE_TIMEOUT_MS / 1000} s` : errorText(error);
      throw this.#error(path, `cannot be read: ${what}`);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    // A form that was taken is usually answered with a redirect to the list.
    if (status >= (method === 'POST' ? 400 : 300)) throw this.#error(path, `answered ${status}: ${firstWords(text)}`);
    return text;
  }

  #error(path: string, what: string): EnvironmentError {
    const address = path === '' ? this.#options.baseUrl : new URL(path, this.#options.baseUrl).href;
    return new EnvironmentError(
      'E_SEED',
      `seed data (${this.#record.name}): ${address} ${what}`,
      'Check that the base URL is that of the web application and that it works in a browser; or create the record there and leave it out of `seed`.',
    );
  }
}

/** The beginning of a page's text, for a message. */
function firstWords(html: string): string {
  const text = html
    .slice(0, 4000)
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is to be removed.
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, ' ')
    .trim();
  if (text === '') return '(empty page)';
  return text.length > 160 ? `${text.slice(0, 160)}...` : text;
}
