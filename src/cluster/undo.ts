import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EnvironmentError, errorText } from '../base/errors.js';
import { type KubeObject, objectRef } from '../base/kubernetes.js';
import { ApiError, type ClusterClient, type ObjectKey } from './client.js';
import { withoutVolatile } from './objects.js';

/** The inverse of one change: put `before` back, or delete the object when there was none. */
export interface UndoEntry {
  readonly key: ObjectKey;
  readonly before: KubeObject | null;
}

/** What a run has to put back, and where. */
export interface UndoRecord {
  readonly runId: string;
  readonly namespace: string;
  /** Address of the API server, so that a restore never runs against another cluster. */
  readonly server: string;
  /** In the order of the changes. */
  readonly entries: readonly UndoEntry[];
}

export interface RestoredObject {
  readonly object: string;
  readonly result: 'restored' | 'deleted' | 'recreated' | 'failed';
  /** Why it failed, or what is different from before; empty when nothing is. */
  readonly note: string;
}

/** The ConfigMap of the scenario's namespace that holds a copy of the list, so that another machine can undo. */
export const UNDO_CONFIG_MAP = 'weighbridge-undo';

const configMapKey = (namespace: string): ObjectKey => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace,
  name: UNDO_CONFIG_MAP,
});

/**
 * The write-ahead list of a run: `record` returns only after the inverse is on disk and in the cluster, so a change made afterwards can
 * be undone whatever happens to this process. Only the first change of an object is kept: undo goes back to before the run.
 */
export class UndoList {
  private readonly entries: UndoEntry[] = [];
  private readonly file: string;
  private readonly client: ClusterClient;
  private readonly record0: Omit<UndoRecord, 'entries'>;

  constructor(client: ClusterClient, file: string, runId: string, namespace: string) {
    this.client = client;
    this.file = file;
    this.record0 = { runId, namespace, server: client.server };
  }

  get size(): number {
    return this.entries.length;
  }

  async record(key: ObjectKey, before: KubeObject | undefined): Promise<void> {
    if (this.entries.some((entry) => isDeepStrictEqual(entry.key, key))) return;
    const first = this.entries.length === 0;
    const entry: UndoEntry = { key, before: before ?? null };
    this.entries.push(entry);
    appendSynced(this.file, `${first ? `${JSON.stringify(this.record0)}\n` : ''}${JSON.stringify(entry)}\n`);
    await this.saveInCluster();
  }

  private async saveInCluster(): Promise<void> {
    const key = configMapKey(this.record0.namespace);
    const live = await this.client.get(key);
    const content: KubeObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: key.name,
        namespace: this.record0.namespace,
        labels: { 'app.kubernetes.io/managed-by': 'weighbridge' },
      },
      data: { undo: JSON.stringify({ ...this.record0, entries: this.entries }) },
    };
    if (live) await this.client.replace({ ...content, metadata: { ...live.metadata, ...content.metadata } });
    else await this.client.create(content);
  }

  /** Puts everything back, the last change first, and forgets the list when nothing failed. Never throws. */
  async undo(): Promise<RestoredObject[]> {
    return undoRecord(this.client, { ...this.record0, entries: this.entries }, this.file);
  }

  /** Leaves the changes in place (`--keep`) and forgets the list. */
  async forget(): Promise<void> {
    await forgetRecord(this.client, this.record0.namespace, this.file);
  }
}

/**
 * Undoes a list. @param file its copy on disk, marked as done; undefined when only the cluster's copy is known.
 * An object that failed keeps the list in place, so that it can be tried again.
 */
export async function undoRecord(client: ClusterClient, record: UndoRecord, file?: string): Promise<RestoredObject[]> {
  const results: RestoredObject[] = [];
  for (const entry of [...record.entries].reverse()) {
    try {
      results.push(await undoOne(client, entry));
    } catch (error) {
      const name = entry.key.namespace ? `${entry.key.namespace}/${entry.key.name}` : entry.key.name;
      results.push({ object: `${entry.key.kind}/${name}`, result: 'failed', note: errorText(error) });
    }
  }
  if (results.every((result) => result.result !== 'failed')) {
    try {
      await forgetRecord(client, record.namespace, file);
    } catch (error) {
      results.push({
        object: `ConfigMap/${record.namespace}/${UNDO_CONFIG_MAP}`,
        result: 'failed',
        note: errorText(error),
      });
    }
  }
  return results;
}

async function undoOne(client: ClusterClient, { key, before }: UndoEntry): Promise<RestoredObject> {
  if (!before) {
    await client.remove(key);
    return {
      object: objectRef({
        kind: key.kind,
        metadata: { name: key.name, ...(key.namespace ? { namespace: key.namespace } : {}) },
      }),
      result: 'deleted',
      note: '',
    };
  }
  const content = withoutVolatile(before);
  const object = objectRef(before);
  for (let attempt = 1; ; attempt++) {
    const live = await client.get(key);
    if (!live) {
      await client.create(content);
      const note =
        key.kind === 'VirtualService' || key.kind === 'DestinationRule'
          ? 'it is younger than before: among several for one host, age decides which one applies'
          : '';
      return { object, result: 'recreated', note };
    }
    try {
      const version = live.metadata.resourceVersion;
      const put = await client.replace({
        ...content,
        metadata: { ...content.metadata, ...(version ? { resourceVersion: version } : {}) },
      });
      const same = isDeepStrictEqual(withoutVolatile(put), content);
      return { object, result: 'restored', note: same ? '' : 'the server keeps fields that it did not have before' };
    } catch (error) {
      // Somebody wrote in between (a controller's status, say): read again.
      if (!(error instanceof ApiError && error.reason === 'Conflict' && attempt < 5)) throw error;
    }
  }
}

async function forgetRecord(client: ClusterClient, namespace: string, file: string | undefined): Promise<void> {
  await client.remove(configMapKey(namespace));
  if (file && existsSync(file)) appendFileSync(file, `${JSON.stringify({ done: true })}\n`);
}

/** The list that an interrupted run left in the namespace, or undefined. */
export async function readUndoFromCluster(client: ClusterClient, namespace: string): Promise<UndoRecord | undefined> {
  const map = await client.get(configMapKey(namespace));
  const text = (map?.data as Record<string, string> | undefined)?.undo;
  return text ? (JSON.parse(text) as UndoRecord) : undefined;
}

/** The list on disk of a run, or undefined when there is none or it is already undone. */
export function readUndoFromDisk(file: string): UndoRecord | undefined {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const parsed: unknown[] = [];
  for (const [index, line] of lines.entries()) {
    try {
      parsed.push(JSON.parse(line));
    } catch (error) {
      // A torn last line belongs to a change that was never made.
      if (index < lines.length - 1)
        throw new EnvironmentError(
          'E_UNDO',
          `${file}:${index + 1} is no JSON: ${errorText(error)}`,
          'use the copy in the cluster: remove this file and run `weighbridge restore`',
        );
    }
  }
  const [head, ...rest] = parsed;
  if (!head || rest.some((line) => (line as { done?: boolean }).done)) return undefined;
  return { ...(head as Omit<UndoRecord, 'entries'>), entries: rest as UndoEntry[] };
}

function appendSynced(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const fd = openSync(file, 'a', 0o600);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new EnvironmentError(
      'E_UNDO',
      `cannot write ${file}: ${errorText(error)}`,
      'without the list of changes nothing is changed; make the reports folder writable or give another with --reports',
    );
  }
}
