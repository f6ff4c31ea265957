import { errorText } from '../../../base/errors.js';
import type { AppEnvironment } from '../app.js';
import type { ClientResponse } from '../client.js';

/** Attempts after the first one of a failing call. */
const RETRIES = 5;

/** Thrown when an API did not answer properly, retries included; the web app shows its offline page then. */
export class ServiceOffline extends Error {}

/** The web app's way to call an API: any network error or 5xx is tried again, at once, up to five times. */
export class Backend {
  private readonly env: AppEnvironment;
  private readonly host: string;
  private readonly port: number;

  constructor(env: AppEnvironment, host: string, port: number) {
    this.env = env;
    this.host = host;
    this.port = port;
  }

  /** @returns the parsed body, or undefined for 404. @throws ServiceOffline */
  async get<T>(path: string): Promise<T | undefined> {
    const response = await this.call('GET', path);
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw new ServiceOffline(`GET ${path} answered ${response.status}.`);
    return parse<T>(response);
  }

  /** @returns false when the API refused the record (4xx). @throws ServiceOffline */
  async post(path: string, record: unknown): Promise<boolean> {
    const { status } = await this.call('POST', path, { type: 'application/json', text: JSON.stringify(record) });
    return status < 400;
  }

  private async call(method: string, path: string, body?: { type: string; text: string }): Promise<ClientResponse> {
    let problem = '';
    for (let attempt = 0; attempt <= RETRIES; attempt++) {
      try {
        const response = await this.env.client.request(this.host, this.port, method, path, body);
        if (response.status < 500) return response;
        problem = `status ${response.status}`;
      } catch (error) {
        problem = errorText(error);
      }
    }
    throw new ServiceOffline(`${method} http://${this.host}:${this.port}${path}: ${problem}`);
  }
}

function parse<T>({ body }: ClientResponse): T {
  try {
    return JSON.parse(body) as T;
  } catch {
    throw new ServiceOffline('The answer is no JSON.');
  }
}
