import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Gate } from '../../../src/load/k6/gate.js';

let now = 0;
let gate: Gate;
beforeEach(async () => {
  now = 1000;
  gate = await Gate.open(
    () => now,
    () => undefined,
  );
});
afterEach(() => gate.close());

const ask = async (question: string) => (await fetch(gate.url, { method: 'POST', body: question })).text();

describe('the gate', () => {
  it('lets requests leave and counts them', async () => {
    expect([await ask('user 0'), await ask('arrival 0'), await ask('user 0')]).toEqual(['go 0', 'go 0', 'go 0']);
    expect(gate.granted).toBe(3);
  });

  it('holds a user back in a pause, and then tells how long it was instead of letting all leave at once', async () => {
    gate.pause();
    const held = ask('user 0');
    // An arrival is sent away at once; its answer shows that the user's question was heard before.
    expect(await ask('arrival 0')).toBe('wait 0');
    now += 700;
    gate.resume();
    expect(await held).toBe('wait 700');
    expect(gate.granted).toBe(0);
    expect(await ask('user 700')).toBe('go 700');
  });

  it('tells a user who slept through a pause that his think time lasts longer', async () => {
    gate.pause();
    gate.pause();
    now += 250;
    gate.resume();
    gate.resume();
    expect(await ask('user 0')).toBe('wait 250');
    expect(await ask('arrival 0')).toBe('go 250');
    expect(gate.granted).toBe(1);
  });

  it('is no place for anybody else', async () => {
    const { status } = await fetch(gate.url.replace('/gate', '/'));
    expect([status, (await fetch(gate.url)).status, gate.granted]).toEqual([404, 404, 0]);
  });
});
