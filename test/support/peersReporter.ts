import type { Reporter, TestModule } from 'vitest/node';
import { INSTALL_PEERS, PEER_NAMES, type PeerName, peerVersion } from './peers.js';

interface Made {
  comparisons: number;
  tests: number;
}

function comparisons(modules: readonly TestModule[]): Map<PeerName, Made> {
  const made = new Map<PeerName, Made>();
  for (const module of modules)
    for (const test of module.children.allTests('passed'))
      for (const [peer, count] of Object.entries(test.meta().compared ?? {}) as [PeerName, number][]) {
        const before = made.get(peer) ?? { comparisons: 0, tests: 0 };
        made.set(peer, { comparisons: before.comparisons + count, tests: before.tests + 1 });
      }
  return made;
}

/** Ends a run with a line for each real peer: its version, and what the passed tests have held against it. */
export class PeersReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const made = comparisons(modules);
    const lines = PEER_NAMES.map((name) => {
      const version = peerVersion(name);
      const { comparisons: count, tests } = made.get(name) ?? { comparisons: 0, tests: 0 };
      const figure = count.toLocaleString('en-US');
      const did = tests > 0 ? `${figure} ${count === 1 ? 'comparison' : 'comparisons'} in ${tests} tests` : '';
      return `  ${name.padEnd(15)} ${version === undefined ? `not installed (${INSTALL_PEERS})` : `${version.padEnd(40)} ${did}`}`;
    });
    process.stdout.write(`\nReal peers\n${lines.map((line) => line.trimEnd()).join('\n')}\n`);
  }
}
