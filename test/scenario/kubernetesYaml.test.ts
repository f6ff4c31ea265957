import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { KUBERNETES_YAML } from '../../src/base/kubernetesYaml.js';

const read = (scalar: string): unknown => {
  const document = parseDocument(`a: ${scalar}\n`, KUBERNETES_YAML);
  if (document.errors[0]) throw document.errors[0];
  return (document.toJS() as { a: unknown }).a;
};

describe('a plain scalar is what kubectl 1.37 takes it for', () => {
  it.each<[string, unknown]>([
    ['.', '.'],
    ['..', '..'],
    ['-.', '-.'],
    ['._', '._'],
    ['.e3', '.e3'],
    ['e2', 'e2'],
    ['E-10', 'E-10'],
    ['-e3', '-e3'],
    ['.4_', '.4_'],
    ['.3_7', 0.37],
    ['.5', 0.5],
    ['+.5', 0.5],
    ['1.', 1],
    ['1.10', 1.1],
    ['1.2.3', '1.2.3'],
    ['1e3', 1000],
    ['1E+3', 1000],
    ['1e400', '1e400'],
    ['9e_7', 90_000_000],
    ['1_000', 1000],
    ['_1', '_1'],
    ['0_', 0],
    ['017', 15],
    ['0o17', 15],
    ['0O17', 15],
    ['08', 8],
    ['0x1F', 31],
    ['0X_E', 14],
    ['-0b11', -3],
    ['0x', '0x'],
    ['0b2', '0b2'],
    ['1:30', '1:30'],
    ['2001-01-01', '2001-01-01'],
    ['y', true],
    ['N', false],
    ['on', true],
    ['off', false],
    ['~', null],
    ['inf', 'inf'],
    ['"."', '.'],
    ['"1"', '1'],
    ['!!int 7', 7],
    ['!!str 7', '7'],
  ])('%s', (scalar, value) => {
    expect(read(scalar)).toEqual(value);
  });

  it.each(['.inf', '-.INF', '.nan'])('%s cannot be written as JSON, and is refused', (scalar) => {
    expect(() => read(scalar)).toThrow(/JSON does not have/);
  });
});
