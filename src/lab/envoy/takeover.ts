import { httpRequest } from '../../cluster/http.js';
import type { Discovery } from './configFiles.js';

const POLL_MS = 5;
const PATIENCE_MS = 10_000;

/** A resource that was written, and the version that its statistics will name once it is in force. */
export interface Written {
  readonly kind: Discovery;
  readonly name: string;
  readonly version: string;
}

/** What a proxy says of its own configuration. */
interface Report {
  readonly version: (written: Written) => string | undefined;
  /** Resources refused since the process started. */
  readonly rejected: number;
  /** Clusters that wait for their endpoints. */
  readonly warming: number;
}

/**
 * Waits until a proxy runs what was written.
 * @param admin port of the admin interface; undefined: it is not up (any more).
 * @throws Error when it refuses one of the resources, ends, or takes longer than {@link PATIENCE_MS} ms.
 */
export async function untilTaken(
  admin: () => number | undefined,
  written: readonly Written[],
  rejectedBefore: number,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const report = await readReport(admin());
    const behind = written.filter((one) => report.version(one) !== one.version);
    if (report.rejected > rejectedBefore) throw new Error(`refused ${placesOf(behind)}`);
    if (behind.length === 0 && report.warming === 0) return;
    if (performance.now() > deadline) throw new Error(`did not take over ${placesOf(behind) || 'its clusters'}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** @throws Error when the proxy does not answer. */
export async function readReport(admin: number | undefined): Promise<Report> {
  if (admin === undefined) throw new Error('ended');
  const filter = encodeURIComponent('(version_text|update_rejected|warming_clusters)$');
  const { text } = await httpRequest(new URL(`http://127.0.0.1:${admin}/stats?filter=${filter}`), {});
  const versions = new Map<string, string>();
  let rejected = 0;
  let warming = 0;
  for (const line of text.split('\n')) {
    const colon = line.lastIndexOf(': ');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 2);
    if (name.endsWith('.version_text')) versions.set(keyOf(name), value.replaceAll('"', ''));
    else if (name.endsWith('.update_rejected')) rejected += Number(value);
    else if (name === 'cluster_manager.warming_clusters') warming = Number(value);
  }
  return { version: (written) => versions.get(statOf(written)), rejected, warming };
}

/** Route tables are told under their connection manager's prefix, which is cut off: tables of one name are one file. */
const keyOf = (stat: string): string => stat.replace(/^http\..*\.rds\./, 'rds.');

function statOf({ kind, name }: Written): string {
  // Envoy writes colons as underscores in the names of statistics.
  const plain = name.replaceAll(':', '_');
  switch (kind) {
    case 'lds':
      return 'listener_manager.lds.version_text';
    case 'cds':
      return 'cluster_manager.cds.version_text';
    case 'rds':
      return `rds.${plain}.version_text`;
    case 'eds':
      return `cluster.${plain}.version_text`;
  }
}

const placesOf = (written: readonly Written[]): string =>
  written.map(({ kind, name }) => (kind === 'lds' || kind === 'cds' ? kind : `${kind} ${name}`)).join(', ');
