import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from './proto.js';

/** Envoy's discovery services: listeners, clusters, routes, endpoints. */
export type Discovery = 'lds' | 'cds' | 'rds' | 'eds';

/** The files that one proxy is configured by. Each is replaced as a whole: Envoy takes no notice of writing in place. */
export class ConfigFiles {
  private readonly folder: string;
  private readonly written = new Map<string, string>();
  private version = 0;

  /** @param folder made here; nobody else writes into it. */
  constructor(folder: string) {
    this.folder = folder;
    for (const kind of ['lds', 'cds', 'rds', 'eds']) mkdirSync(join(folder, kind), { recursive: true });
  }

  /** Where a subscription reads. @param name one resource of `rds` or `eds`; the others hold all in one file. */
  source(kind: Discovery, name = 'all'): Message {
    return { resource_api_version: 'V3', path_config_source: { path: this.path(kind, name) } };
  }

  /** @returns the version that the proxy will report when it runs this; undefined: it is what the file holds already. */
  write(kind: Discovery, name: string, resources: readonly Message[]): string | undefined {
    const path = this.path(kind, name);
    const text = JSON.stringify(resources);
    if (this.written.get(path) === text) return undefined;
    this.version += 1;
    const version = String(this.version);
    writeFileSync(`${path}.new`, `{"version_info":"${version}","resources":${text}}`);
    renameSync(`${path}.new`, path);
    this.written.set(path, text);
    return version;
  }

  /** What was refused is written again next time, so that it is refused again. */
  forget(kind: Discovery, name: string): void {
    this.written.delete(this.path(kind, name));
  }

  /** Puts a file beside the subscriptions' own. @returns its path. */
  extra(name: string, content: Message): string {
    const path = join(this.folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private path(kind: Discovery, name: string): string {
    return join(this.folder, kind, `${encodeURIComponent(name)}.json`);
  }
}
