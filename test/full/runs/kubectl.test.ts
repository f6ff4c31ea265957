import { describe, expect, it } from 'vitest';
import { $ } from 'zx';
import { clusterOptions, SCENARIO, smallLoad, startedLab, weighbridge } from '../../support/cli.js';
import { findPeer } from '../../support/peers.js';

const kubectlPath = findPeer('kubectl');

describe.skipIf(!kubectlPath)('what kubectl does to the lab', () => {
  it('is what a run then sees', async () => {
    const space = smallLoad();
    const lab = await startedLab(space);
    const shell = $({ cwd: space.dir, quiet: true });
    const kubectl = async (...args: string[]): Promise<string> =>
      (await shell`${kubectlPath ?? ''} --kubeconfig ${lab.kubeconfig} ${args}`).stdout;
    const run = async (stage: string) => {
      const { code, stderr } = await weighbridge(
        ['run', SCENARIO, '--stage', stage, '--seed', '21', ...clusterOptions(lab)],
        space.dir,
      );
      const checks = space.report().stages.find(({ name }) => name === stage)?.checks ?? [];
      return {
        code,
        stderr,
        source: checks.find(({ name, vantagePoint }) => name === 'share:v2' && vantagePoint === 'source'),
      };
    };

    const applied = await kubectl(
      'apply',
      ...['v2', 'dr', 'svc-open', 'canary'].flatMap((part) => [
        '-f',
        `scenarios/pitstop/customermanagementapi-${part}.yaml`,
      ]),
    );
    expect(applied).toContain('virtualservice.networking.istio.io/customermanagementapi created');
    expect(
      await kubectl('rollout', 'status', 'deployment/customermanagementapi-v2', '-n', 'pitstop', '--timeout=60s'),
    ).toContain('successfully rolled out');
    expect(await kubectl('get', 'pods', '-n', 'pitstop', '-o', 'wide')).toMatch(
      /customermanagementapi-v2-\S+ +2\/2 +Running/,
    );
    const canary = await run('canary');
    expect(canary.code, canary.stderr).toBe(0);
    expect(canary.source?.observed?.share).toBeLessThan(0.14);

    await kubectl('scale', 'deployment/customermanagementapi-v1', '--replicas=3', '-n', 'pitstop');
    await kubectl('rollout', 'status', 'deployment/customermanagementapi-v1', '-n', 'pitstop', '--timeout=60s');
    await kubectl('delete', 'virtualservice', 'customermanagementapi', '-n', 'pitstop');
    // Three pods of v1 against one of v2: plain balancing gives a quarter, and the even promise is refuted.
    const even = await run('even');
    expect(even.code, even.stderr).toBe(1);
    expect(even.source?.observed?.share).toBeLessThan(0.4);
  });
});
