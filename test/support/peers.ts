import { execFileSync } from 'node:child_process';

/**
 * Where a real program is, or undefined when this machine has none.
 * @throws Error instead of undefined under WEIGHBRIDGE_PEERS_REQUIRED, where absence is a failure.
 */
export function findPeer(variable: string, ...names: readonly string[]): string | undefined {
  for (const name of [process.env[variable], ...names]) {
    if (!name) continue;
    try {
      return execFileSync('/bin/sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
    } catch {
      // The next name may be there.
    }
  }
  if (process.env.WEIGHBRIDGE_PEERS_REQUIRED)
    throw new Error(
      `${names.join(' or ')} is required, but is not installed: run test/peers/install.sh and test/peers/bench.sh`,
    );
  process.stderr.write(
    `skipped: ${names.join(' or ')} is not installed; test/peers/install.sh installs it, ${variable} names another place\n`,
  );
  return undefined;
}
