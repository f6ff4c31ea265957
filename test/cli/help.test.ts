import { describe, expect, it } from 'vitest';
import { say } from '../support/io.js';

const COMMANDS = ['run', 'load', 'verify', 'judge', 'plan', 'explain', 'diagnose', 'lab', 'report', 'restore', 'init'];

describe('help', () => {
  it('lists every command and the exit codes', async () => {
    const { code, stdout, stderr } = await say(['--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toMatch(/130\/143 +interrupted/);
  });

  it.each(COMMANDS)('of %s has an example and fits 80 columns', async (command) => {
    const { code, stdout, stderr } = await say([command, '--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Examples?:\n(.|\n)*weighbridge /m);
    expect(stdout).toContain(`weighbridge ${command}`);
    expect(stdout).toMatch(/Exit codes: 0/);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('of the whole fits 80 columns', async () => {
    const { stdout } = await say(['--help']);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it.each(COMMANDS)('of %s names no default that says nothing', async (command) => {
    const { stdout } = await say([command, '--help'], { columns: 120 });
    expect(stdout).not.toMatch(/default: (false|\[\]|\d{4,}\))/);
  });

  it('is printed on stderr, with exit code 3, when no command is given', async () => {
    const { code, stdout, stderr } = await say([]);
    expect(code).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Usage: weighbridge/);
  });

  it.each([
    [['help'], /^Usage: weighbridge \[options\] \[command\]/],
    [['help', 'run'], /^Usage: weighbridge run/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('answers %j on stdout with exit code 0', async (args, expected) => {
    const { code, stdout } = await say(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
  });
});
