import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { findEnvoy } from '../../src/cli/dataplane.js';
import type { StartPodProxy } from '../../src/lab/control/podProxy.js';
import { EnvoySidecar } from '../../src/lab/envoy/sidecar.js';
import { Sidecar } from '../../src/lab/proxy/sidecar.js';

export interface RealEnvoy {
  readonly binary: string;
  readonly version: string;
}

/** The Envoy of this machine, or undefined with one line that says how to get it; under WEIGHBRIDGE_PEERS_REQUIRED an error. */
export async function realEnvoy(): Promise<RealEnvoy | undefined> {
  try {
    return await findEnvoy(process.env);
  } catch (error) {
    if (process.env.WEIGHBRIDGE_PEERS_REQUIRED) throw error;
    process.stderr.write(`skipped: ${(error as Error).message}; npm run peers installs it\n`);
    return undefined;
  }
}

/** Sidecars with a real Envoy, whose files live as long as the test file; what they complain of fails the test. */
export function envoySidecars({ binary }: RealEnvoy): { start: StartPodProxy; complaints: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'weighbridge-envoy-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const complaints: string[] = [];
  let meshes = 0;
  return {
    complaints,
    start: (options) => {
      // Pods of several meshes have the same names.
      meshes += 1;
      const own = join(folder, String(meshes));
      return EnvoySidecar.start(options, {
        binary,
        folder: own,
        onError: (error) => complaints.push((error as Error).message),
      });
    },
  };
}

/** The lab's own sidecars. */
export const ownSidecars: StartPodProxy = (options) => Sidecar.start(options);
